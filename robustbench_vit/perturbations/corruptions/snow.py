"""Snow."""

from typing import NamedTuple

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.perturbations.corruptions.motion import EIGHT_BIT, half_gaussian, streaked
from robustbench_vit.perturbations.corruptions.zoom import enlarged, middle
from robustbench_vit.randomness import Keys


class _Fall(NamedTuple):
    """Mean and deviation of the noise, its enlargement, the least that is a flake, streaks, the image's share."""

    mean: float
    deviation: float
    factor: float
    threshold: float
    radius: int
    sigma: float
    clean: float


_IMAGENET = (
    _Fall(0.1, 0.3, 3, 0.5, 10, 4, 0.8),
    _Fall(0.2, 0.3, 2, 0.5, 12, 4, 0.7),
    _Fall(0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    _Fall(0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    _Fall(0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
_CIFAR = (
    _Fall(0.1, 0.2, 1, 0.6, 8, 3, 0.95),
    _Fall(0.1, 0.2, 1, 0.5, 10, 4, 0.9),
    _Fall(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    _Fall(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    _Fall(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
)


@corruption()
def snow(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Whiten the image and add streaks of snow, once as they are and once turned by 180°.

    Differences: ImageNet-C and CIFAR-10-C blur a layer of 8 bit that has the image's size; imagecorruptions blurs real
    numbers on the enlarged layer, a few pixels larger, then rounds and crops. Each variant follows its program.
    """
    fall = setting.pick(_IMAGENET, _CIFAR)
    height, width = images.shape[-2:]
    flakes = _flakes(keys, fall, height, width, setting)
    angles = keys.uniform("angle", low=-135, high=-45)
    layer = _streaks(flakes, angles, fall, height, width, setting)
    whitened = _whitened(images, fall.clean)
    if setting.exact:
        layer = layer / 255
        return (whitened + layer + layer.flip(-2, -1)) * 255
    return whitened.mul_(255).add_(layer + layer.flip(-2, -1))


def _flakes(keys: Keys, fall: _Fall, height: int, width: int, setting: Setting) -> Tensor:
    """N×1×h×w in [0, 1], a little larger than the image: the middle of a noise field, enlarged."""
    widest = min(other.factor for other in (_CIFAR if setting.variant == "cifar_c" else _IMAGENET))
    rows, columns = (_within(length, fall.factor, widest) for length in (height, width))
    noise = keys.coarse_normal("layer", *(len(range(length)[middle(length, widest)]) for length in (height, width)))
    part = noise[:, None, rows, columns].to(setting.dtype) * fall.deviation + fall.mean
    flakes = enlarged(part, height, width, fall.factor)
    return flakes.mul_(flakes >= fall.threshold).clamp_(0, 1)


def _within(length: int, factor: float, widest: float) -> slice:
    """Where the middle for one factor lies in the middle for the smallest, so that all severities share draws."""
    part, start = middle(length, factor), middle(length, widest).start
    return slice(part.start - start, part.stop - start)


def _streaks(flakes: Tensor, angles: Tensor, fall: _Fall, height: int, width: int, setting: Setting) -> Tensor:
    """N×1×H×W whole numbers, 0 to 255."""
    weights = half_gaussian(fall.radius, fall.sigma, setting.dtype)
    if setting.variant == "imagecorruptions":
        return streaked(flakes, angles, weights, stops=True).mul_(255).round_()[..., :height, :width]
    top, left = (flakes.shape[-2] - height) // 2, (flakes.shape[-1] - width) // 2
    flakes = flakes[..., top : top + height, left : left + width].mul(255).floor_()
    return streaked(flakes, angles, weights).add_(EIGHT_BIT).floor_()


def _whitened(images: Tensor, clean: float) -> Tensor:
    """N×3×H×W float32 in [0, 1], as the original has it here: the image mixed with a brighter grey one."""
    values = images.float().div_(255)
    red, green, blue = values[:, :1], values[:, 1:2], values[:, 2:]
    grey = (red * 0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114).mul_(1.5).add_(0.5)
    brighter = torch.maximum(values, grey).mul_(1 - clean)
    return values.mul_(clean).add_(brighter)
