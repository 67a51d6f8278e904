"""Brightness, contrast and saturation: every pixel by itself, but for the mean of contrast."""

from functools import lru_cache

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.perturbations.corruptions.tables import looked_up, tabulated
from robustbench_vit.randomness import Keys


@corruption()
def brightness(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """Raise the HSV value V, the pixel's largest channel, by c: all channels grow by the same factor.

    Differences: without ``exact``, the middle channel does not pass through the hue, whose rounding decides in the
    original where the result is a whole number.
    """
    raised = setting.pick((0.1, 0.2, 0.3, 0.4, 0.5), (0.05, 0.1, 0.15, 0.2, 0.3))
    if setting.exact:
        hue, saturation, value = _hsv(images)
        return _rgb(hue, saturation, (value + raised).clamp_(0, 1))
    return looked_up(_raised(raised, images.device), _largest(images), images)


@corruption()
def saturate(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """Make the HSV saturation S into min(a·S + b, 1): every channel moves away from the largest, or towards it.

    Grey has hue 0 in the original; where b > 0, it turns red.

    Differences: as `brightness`.
    """
    factor, offset = setting.pick(
        ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)), ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))
    )
    if setting.exact:
        hue, saturation, value = _hsv(images)
        return _rgb(hue, (saturation * factor + offset).clamp_(0, 1), value)
    if factor < 1:
        return looked_up(_faded(factor, images.device), _largest(images), images)
    return _saturated(images, factor, offset)


@corruption()
def contrast(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """Draw every value towards its channel's mean over the image."""
    kept = setting.pick((0.4, 0.3, 0.2, 0.1, 0.05), (0.75, 0.5, 0.4, 0.3, 0.15))
    if setting.exact:
        pixels = images.double() / 255
        means = _mean_in_order(pixels)
        return ((pixels - means) * kept + means) * 255
    values = images.float()
    # Sums of a row are whole numbers below 2²⁴: exact, whatever the order.
    sums = values.sum(-1, keepdim=True).double().sum(-2, keepdim=True)
    means = (sums / images[0, 0].numel()).float()
    # Three roundings, the same on every device; lerp would fuse some of them.
    return values.sub_(means).mul_(kept).add_(means)


def _largest(images: Tensor) -> Tensor:
    """N×1×H×W: V of HSV."""
    return images.amax(1, keepdim=True)


@lru_cache(maxsize=16)
def _raised(raised: float, device: torch.device) -> Tensor:
    """For (V, channel): V' · (1 − S), with the S of this channel if it were the smallest."""
    return tabulated(
        lambda value, channel: (value / 255 + raised).clamp(0, 1) * (1 - _saturation(value, channel)) * 255
    ).to(device)


@lru_cache(maxsize=16)
def _faded(factor: float, device: torch.device) -> Tensor:
    """For (V, channel): V · (1 − a·S), with the S of this channel if it were the smallest."""
    return tabulated(lambda value, channel: value / 255 * (1 - _saturation(value, channel) * factor) * 255).to(device)


def _saturation(value: Tensor, smallest: Tensor) -> Tensor:
    """S of HSV from channels in units of 1/255; black has none."""
    return ((value / 255 - smallest / 255) / (value / 255)).nan_to_num(0, 0, 0)


def _saturated(images: Tensor, factor: float, offset: float) -> Tensor:
    """V + (channel − V)·S'/S, where S'/S = min(a + b/S, 1/S)."""
    value = _largest(images).float()
    chroma = value - images.amin(1, keepdim=True)
    grey = (1 - chroma).clamp_(min=0)  # 1 or 0
    inverse = torch.div(value, chroma.clamp_(min=1), out=chroma)  # 1/S; of no effect on grey
    gain = (inverse * offset).add_(factor).minimum(inverse)
    moved = images.float().sub_(value).mul_(gain).add_(value)
    moved[:, 1:] -= grey.mul_(value).mul_(offset)
    return moved


def _hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value in [0,1], N×H×W float64, by skimage's order of operations."""
    red, green, blue = (images.double() / 255).unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    sector = torch.where(green == value, 2 + (blue - red) / chroma, (green - blue) / chroma)
    sector = torch.where(blue == value, 4 + (red - green) / chroma, sector)
    grey = chroma == 0
    return (sector / 6).remainder(1).masked_fill(grey, 0), (chroma / value).masked_fill(grey, 0), value


def _rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """N×3×H×W float64 in units of 1/255, by skimage's order of operations."""
    sector = (hue * 6).floor()
    part = hue * 6 - sector
    low = value * (1 - saturation)
    falling = value * (1 - part * saturation)
    rising = value * (1 - (1 - part) * saturation)
    which = sector.long().remainder(6)[None]
    turns = (
        (value, falling, low, low, rising, value),
        (rising, value, value, falling, low, low),
        (low, low, rising, value, value, falling),
    )
    return torch.stack([torch.stack(turn).gather(0, which)[0] for turn in turns], 1).clamp_(0, 1) * 255


def _mean_in_order(pixels: Tensor) -> Tensor:
    """N×3×1×1: the mean of N×3×H×W, summed pixel after pixel as numpy does where channels lie innermost."""
    flat = pixels.flatten(2)
    return (flat.cumsum(-1)[..., -1:] / flat.shape[-1])[..., None]
