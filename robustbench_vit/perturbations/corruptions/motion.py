"""Motion blur, and the streaks that snow shares with it."""

from collections import defaultdict
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys

EIGHT_BIT = 0.5 / 257
"""ImageMagick rounds to 16 bit, then cuts to 8: adding this and cutting off the fraction comes to the same."""

_SMALL = 64 * 64  # Pixels up to which slicing image by image costs more than gathering from all of them.
_FAINT = 1e-7  # A weight that moves no value by more than 3e-5.


@corruption()
def motion_blur(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Blur along a random direction within 45° of the horizontal, one-sided, the border value continued.

    Differences: imagecorruptions stops at the first tap that lies farther off than the image is high or wide, and so
    makes small images darker. Variant imagecorruptions does the same, the others do not.
    """
    radius, sigma = setting.pick(
        ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)), ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))
    )
    angles = keys.uniform("angle", low=-45, high=45)
    if setting.variant != "imagecorruptions":
        weights = half_gaussian(radius, sigma, setting.dtype)
        return streaked(images.to(setting.dtype), angles, weights).add_(EIGHT_BIT)
    weights = half_gaussian(radius, sigma)
    if setting.exact or min(images.shape[-2:]) <= 2 * radius:
        return streaked(images.double(), angles, weights, stops=True)
    # As for `gaussian.blurred`: what is missing to white is blurred, and other flat areas are lifted.
    missing = streaked(images.float().sub_(255), angles, weights).mul_(1 - 2.0**-21)
    return missing.sub_(_dimming(radius, sigma)).floor_().add_(255)


@lru_cache
def half_gaussian(radius: int, sigma: float, dtype: torch.dtype = torch.float64) -> Tensor:
    """The weights at 0, 1, …, 2·radius, float64 that sum to 1; for float32 arithmetic without their faint end."""
    weights = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
    weights /= weights.sum()
    return torch.from_numpy(weights if dtype == torch.float64 else weights[weights > _FAINT])


@lru_cache
def _dimming(radius: int, sigma: float) -> float:
    """A trace to take from flat white where the sum of imagecorruptions stays below 255, so that it gives 254."""
    total = np.cumsum(255 * half_gaussian(radius, sigma).numpy())[-1]
    return 1e-30 if total < 255 else 0.0


def streaked(fields: Tensor, angles: Tensor, weights: Tensor, *, stops: bool = False) -> Tensor:
    """Blur every image along its own line: out(p) = Σᵢ wᵢ · in(p + i steps), the border value continued.

    Args:
        fields: N×C×H×W, float32 or float64; float64 is summed tap by tap, as in imagecorruptions.
        angles: N, in degrees: 0 looks to the right, 90 down.
        weights: One a tap.
        stops: Leave out the taps from the first on that lies farther off than the height or the width.

    Returns:
        Same shape and dtype.
    """
    height, width = fields.shape[-2:]
    rows, columns = _steps(angles, len(weights))
    weights = weights.expand_as(rows)
    if stops:
        weights = weights * ((rows.abs() < height) & (columns.abs() < width)).cumprod(dim=1)
    if fields.device.type == "cpu" and fields.dtype == torch.float32 and height * width > _SMALL:
        lines = zip(fields, rows.tolist(), columns.tolist(), weights.tolist(), strict=True)
        return torch.stack([_sliced(*line) for line in lines])
    return _gathered(fields, rows.to(fields.device), columns.to(fields.device), weights.to(fields))


def _steps(angles: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """N×count int64 rows and columns of the points on the line, on the CPU, so that all devices round alike."""
    radians = np.deg2rad(angles.double().cpu().numpy())[:, None]
    down, right, taps = np.sin(radians), np.cos(radians), np.arange(count)
    # The factor cancels, but this is what the original rounds.
    length = np.hypot(count * down, count * right)
    rows, columns = (np.ceil(taps * (count * side) / length - 0.5).astype(np.int64) for side in (down, right))
    return torch.from_numpy(rows), torch.from_numpy(columns)


def _sliced(field: Tensor, rows: list[int], columns: list[int], weights: list[float]) -> Tensor:
    """One C×H×W field: a weighted sum of shifted slices."""
    height, width = field.shape[-2:]
    left, top = max(0, -min(columns)), max(0, -min(rows))
    padded = pad(field[None], (left, max(0, *columns), top, max(0, *rows)), mode="replicate")[0]
    total, taps = torch.zeros_like(field), defaultdict[tuple[int, int], float](float)
    for row, column, weight in zip(rows, columns, weights, strict=True):
        taps[top + row, left + column] += weight
    for (row, column), weight in taps.items():
        total.add_(padded[:, row : row + height, column : column + width], alpha=weight)
    return total


def _gathered(fields: Tensor, rows: Tensor, columns: Tensor, weights: Tensor) -> Tensor:
    """N×C×H×W fields: at every tap, the value that each place of each image looks at."""
    count, channels, height, width = fields.shape
    flat = fields.flatten(2)
    total, part = torch.zeros_like(flat), torch.empty_like(flat)
    down = torch.arange(height, device=fields.device)[None, :, None]
    right = torch.arange(width, device=fields.device)[None, None, :]
    for tap in range(weights.shape[1]):
        row = (down + rows[:, tap, None, None]).clamp_(0, height - 1).mul_(width)
        column = (right + columns[:, tap, None, None]).clamp_(0, width - 1)
        places = (row + column).view(count, 1, -1).expand(-1, channels, -1)
        torch.gather(flat, 2, places, out=part)
        total.add_(part.mul_(weights[:, tap, None, None]))
    return total.view_as(fields)
