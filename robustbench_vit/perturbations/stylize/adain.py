"""Adaptive instance normalisation (Huang & Belongie, ICCV 2017) with the user's weights, as in Stylized-ImageNet.

The two networks are built from their published layer lists, so that the public files ``vgg_normalised.pth`` and
``decoder.pth`` fit; no weights are shipped. The encoder is VGG-19 up to relu4_1 with mirrored borders, after a 1×1
convolution that holds its normalisation, so it takes pixels in [0,1].
"""

import pickle
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from robustbench_vit.chunks import in_chunks
from robustbench_vit.errors import CaseError
from robustbench_vit.types import Pixels

EPSILON = 1e-5
"""Added to variances, as in the published code."""
_SHRINK = 8
"""Three halvings down to relu4_1."""


def encoder() -> nn.Sequential:
    """VGG-19 up to relu4_1, H×W → 512 × ⌈H/8⌉ × ⌈W/8⌉."""
    layers: list[nn.Module] = [nn.Conv2d(3, 3, 1)]
    widths = (3, 64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512)
    before = 3
    for width in widths[1:]:
        if width:
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(before, width, 3), nn.ReLU()]
            before = width
        else:
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
    return nn.Sequential(*layers)


def decoder() -> nn.Sequential:
    """The encoder mirrored: nearest enlargement for pooling, no last rectifier."""
    layers: list[nn.Module] = []
    before = 512
    for width in (256, 0, 256, 256, 256, 128, 0, 128, 64, 0, 64, 3):
        if width:
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(before, width, 3), nn.ReLU()]
            before = width
        else:
            layers.append(nn.UpsamplingNearest2d(scale_factor=2))
    return nn.Sequential(*layers[:-1])


def exchanged(content: Tensor, style: Tensor, alpha: float = 1.0) -> Tensor:
    """Give every feature channel the style's mean and standard deviation: (1 − α)·f + α·(σ_s·(f − μ_c)/σ_c + μ_s).

    Args:
        content: N×C×h×w features f.
        style: N×C×h'×w' features.
        alpha: In [0,1].
    """
    (mean, deviation), (target_mean, target_deviation) = _moments(content), _moments(style)
    return content.lerp((content - mean) / deviation * target_deviation + target_mean, alpha)


def adain(content: Pixels, style: Pixels, *, encoder_file: str, decoder_file: str, alpha: float = 1.0) -> Pixels:
    """Stylise images with the weights of two files.

    Args:
        content: N×3×H×W float in [0,1].
        style: N×3×H×W float in [0,1], one style an image.
        encoder_file: Published ``vgg_normalised.pth``, or the same tensors as safetensors.
        decoder_file: Published ``decoder.pth``, likewise.
        alpha: How far the statistics go to the style's, in [0,1].

    Returns:
        N×3×H×W float, clipped to [0,1]; sides that are no multiple of 8 are cut to the content's.

    Raises:
        CaseError: If a file is missing, damaged or of another network, or the images are too small to be encoded.
    """
    smallest = _SHRINK + 1  # mirrored borders need two cells at relu4_1's resolution
    if min(content.shape[-2:]) < smallest:
        raise CaseError(f"stylize: adain needs sides of at least {smallest} pixels, got {tuple(content.shape[-2:])}")
    encode = _loaded("encoder", *_stamped("encoder", encoder_file), content.device)
    decode = _loaded("decoder", *_stamped("decoder", decoder_file), content.device)
    pairs = torch.cat([content, style.to(content)], dim=1)
    return in_chunks(partial(_stylised, encode=encode, decode=decode, alpha=alpha), pairs).clamp(0, 1)


def _stylised(pairs: Tensor, encode: nn.Module, decode: nn.Module, alpha: float) -> Tensor:
    """C×6×H×W content and style → C×3×H×W."""
    height, width = pairs.shape[-2:]
    with torch.no_grad():
        features = exchanged(encode(pairs[:, :3]), encode(pairs[:, 3:]), alpha)
        decoded: Tensor = decode(features)
    return decoded[:, :, :height, :width]


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """N×C×1×1 mean and standard deviation (unbiased, as published) over positions."""
    flat = features.flatten(2)
    mean, variance = flat.mean(2), flat.var(2) + EPSILON
    return mean[:, :, None, None], variance.sqrt()[:, :, None, None]


def _stamped(role: str, path: str) -> tuple[Path, int]:
    file = Path(path).expanduser()
    if not file.is_file():
        raise CaseError(f"stylize: no such {role} file: {file}; {role}= takes a .pth or .safetensors file")
    return file, file.stat().st_mtime_ns


@lru_cache(maxsize=4)
def _loaded(role: str, file: Path, changed: int, device: torch.device) -> nn.Module:
    """A network with the weights of a file; the published encoder goes on to relu5_4, which is left out."""
    del changed
    network = encoder() if role == "encoder" else decoder()
    tensors, expected = _read(role, file), network.state_dict()
    kept = {name: tensors[name] for name in expected if isinstance(tensors.get(name), Tensor)}
    beyond = [name for name in tensors if name not in expected and (role == "decoder" or _layer(name) < len(network))]
    shapes = [name for name in kept if kept[name].shape != expected[name].shape]
    missing = [name for name in expected if name not in kept]
    if missing or shapes or beyond:
        wrong = [f"{name} is missing" for name in missing]
        wrong += [f"{name} is {_by(kept[name])}, expected {_by(expected[name])}" for name in shapes]
        wrong += [f"{name} is not expected" for name in beyond]
        published = {"encoder": "vgg_normalised.pth", "decoder": "decoder.pth"}[role]
        raise CaseError(f"stylize: {file} is no AdaIN {role} (as in {published}): {wrong[0]} ({len(wrong)} in all)")
    network.load_state_dict(kept)
    return network.eval().requires_grad_(requires_grad=False).to(device)


def _read(role: str, file: Path) -> Mapping[str, Tensor]:
    """Named tensors of a file; nothing in it is run."""
    try:
        if file.suffix == ".safetensors":
            tensors: object = load_file(file)
        else:
            tensors = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        first = (str(error) or repr(error)).splitlines()[0]
        raise CaseError(f"stylize: cannot read the {role} file {file}: {first}; fetch it again") from error
    if not isinstance(tensors, Mapping):
        raise CaseError(f"stylize: the {role} file {file} holds a {type(tensors).__name__}, expected named tensors")
    return tensors


def _layer(name: str) -> float:
    """Index of the layer a tensor belongs to."""
    first = name.partition(".")[0]
    return int(first) if first.isdigit() else -1


def _by(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape))
