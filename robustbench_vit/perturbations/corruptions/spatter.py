"""Spatter: drops of water or mud on the lens."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.perturbations.corruptions.gaussian import smoothed
from robustbench_vit.perturbations.corruptions.opencv import opencv
from robustbench_vit.randomness import Keys


class _Splash(NamedTuple):
    """One severity.

    Args:
        mean: Of the noise.
        std: Of the noise.
        sigma: Of its smoothing, pixels.
        threshold: What stays dry is below.
        strength: How much water shows; for mud, the σ that softens its edges.
        mud: Whether it is mud.
    """

    mean: float
    std: float
    sigma: float
    threshold: float
    strength: float
    mud: bool = False


_IMAGENET = (
    _Splash(0.65, 0.3, 4, 0.69, 0.6),
    _Splash(0.65, 0.3, 3, 0.68, 0.6),
    _Splash(0.65, 0.3, 2, 0.68, 0.5),
    _Splash(0.65, 0.3, 1, 0.65, 1.5, mud=True),
    _Splash(0.67, 0.4, 1, 0.65, 1.5, mud=True),
)
_CIFAR = (
    _Splash(0.62, 0.1, 0.7, 0.7, 0.5),
    _Splash(0.65, 0.1, 0.8, 0.7, 0.5),
    _Splash(0.65, 0.3, 1, 0.69, 0.5),
    _Splash(0.65, 0.1, 0.7, 0.69, 0.6, mud=True),
    _Splash(0.65, 0.1, 0.5, 0.68, 0.6, mud=True),
)
_WATER, _MUD = (175, 238, 238), (63, 42, 20)  # pale turquoise, brown


@corruption()
def spatter(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Lay water (severities 1 to 3) or mud (4 and 5) over the image, where smoothed noise is high.

    The noise is smoothed in float64 also if not exact: on its last bits hangs where the drops are. The sums of colours
    are the original's at both precisions: float32, except imagecorruptions' mud, float64.

    Differences: where no drop at all appears, the original divides by zero; here the image stays as it is.
    """
    splash = setting.pick(_IMAGENET, _CIFAR)
    noise = keys.coarse_normal("liquid", *images.shape[-2:]).double()
    liquid = smoothed(noise.mul_(splash.std).add_(splash.mean), splash.sigma, in_order=setting.exact)
    cover = (_mud if splash.mud else _water)(liquid, splash)[:, None]
    precise = splash.mud and setting.variant == "imagecorruptions"
    colour = torch.tensor(_MUD if splash.mud else _WATER, dtype=torch.float64, device=images.device) / 255
    tint = cover * colour.to(torch.float64 if precise else torch.float32).view(3, 1, 1)
    values = images.float().div_(255)
    return (values.mul_(1 - cover) if splash.mud else values).add(tint).mul_(255)


def _mud(liquid: Tensor, splash: _Splash) -> Tensor:
    """N×H×W float32 in [0,1], how much it covers: where it is wet, with soft edges cut off at 0.8."""
    wet = (liquid > splash.threshold).double()
    cover = smoothed(smoothed(wet, (splash.strength, 0)).float().double(), (0, splash.strength)).float()
    return cover.masked_fill_(cover < 0.8, 0)


def _water(liquid: Tensor, splash: _Splash) -> Tensor:
    """N×H×W float32, what share of its colour is added: depth times relief, the largest product scaled to strength."""
    depth = liquid.masked_fill(liquid < splash.threshold, 0).mul_(255).int().to(torch.uint8)
    reliefs = [torch.from_numpy(_relief(layer)) for layer in depth.cpu().numpy()]
    product = depth * torch.stack(reliefs).to(depth.device)
    highest = product.amax((1, 2), keepdim=True)
    return product.div_(highest.masked_fill_(highest == 0, 1)).mul_(splash.strength)


def _relief(depth: NDArray[np.uint8]) -> NDArray[np.float32]:
    """H×W: embossed rims of drops, from the distance to their edges; integer values."""
    cv2 = opencv()
    distance = cv2.distanceTransform(255 - cv2.Canny(depth, 50, 150), cv2.DIST_L2, 5)
    _, near = cv2.threshold(distance, 20, 20, cv2.THRESH_TRUNC)
    rims = cv2.equalizeHist(cv2.blur(near, (3, 3)).astype(np.uint8))
    embossed = cv2.filter2D(rims, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
    relief: NDArray[np.float32] = cv2.blur(embossed, (3, 3)).astype(np.float32)
    return relief
