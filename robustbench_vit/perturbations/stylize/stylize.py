"""Stylizing as a perturbation: one keyed style an image (Geirhos et al., ICLR 2019: texture against shape)."""

from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.stylize.adain import adain
from robustbench_vit.perturbations.stylize.filters import correlation, edges
from robustbench_vit.perturbations.stylize.styles import style_files, style_picture
from robustbench_vit.perturbations.stylize.texture import transfer
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Perturbed, Pixels


def stylize(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    style: str,
    strength: float | Fraction = 1.0,
    method: Literal["texture", "adain"] = "texture",
    encoder: str | None = None,
    decoder: str | None = None,
    alpha: float | Fraction = 1.0,
) -> Perturbed:
    """Give every image the texture and colours of a style picture, and let it keep its contours.

    Each image draws its style from the pictures under a folder, sorted by relative path. A style is cut to the largest
    centred crop of the image's aspect ratio and resized to its size.

    Args:
        images: N×3×H×W float in [0,1].
        keys: One key an image; draws the style and, for ``texture``, its candidate places. No parameter enters.
        context: Not used.
        style: Folder of style pictures.
        strength: In [0,1]; pixels go in a straight line from the image (0, exactly) to the full result (1).
        method: ``texture`` matches statistics of a filter bank and needs no weights; ``adain`` is the recipe of
            Stylized-ImageNet.
        encoder: ``adain``: file of the published ``vgg_normalised.pth``, or its tensors as safetensors.
        decoder: ``adain``: file of the published ``decoder.pth``, likewise.
        alpha: ``adain``: how far the statistics of the features go to the style's, in [0,1].

    Returns:
        Images, with the ``edge_correlation`` of the Sobel maps of result and image as a column (0 where one is flat).

    Raises:
        CaseError: If the folder holds no pictures, a picture or a weight file cannot be read, the images are too
            small, or a parameter of the other method is given.

    Source:
        ``texture``: see `transfer`. ``adain``: Huang & Belongie, ICCV 2017, equation 8; Stylized-ImageNet is alpha 1
        with paintings as styles.

    Differences:
        Stylized-ImageNet draws its styles from one sequential generator over the whole set.
    """
    del context
    files = style_files(style)
    if method == "texture" and (encoder is not None or decoder is not None or alpha != 1):
        raise CaseError("stylize: encoder, decoder and alpha belong to method=adain; add it or leave them out")
    if method == "adain" and (encoder is None or decoder is None):
        missing = "encoder" if encoder is None else "decoder"
        raise CaseError(
            f"stylize: method=adain needs {missing}=PATH; no weights are shipped, method=texture needs none"
        )
    if strength == 0 or not len(images):
        return Perturbed(images.clone(), {"edge_correlation": _kept(images, images)})
    chosen = keys.integers("style", low=0, high=len(files)).tolist()
    styles = torch.stack([style_picture(files[index], *images.shape[-2:]) for index in chosen]).to(images) / 255
    if encoder is not None and decoder is not None:
        full = adain(images, styles, encoder_file=encoder, decoder_file=decoder, alpha=float(alpha))
        stylised = images.lerp(full, float(strength))
    else:
        stylised = transfer(images, styles, float(strength), keys=keys)
    return Perturbed(stylised, {"edge_correlation": _kept(stylised, images)})


def _kept(stylised: Pixels, images: Pixels) -> Tensor:
    """N float64: what is left of each image's edge map."""
    pairs = zip(stylised, images, strict=True)
    found = [correlation(edges(after), edges(before)) or 0.0 for after, before in pairs]
    return torch.tensor(found, dtype=torch.float64, device=images.device)
