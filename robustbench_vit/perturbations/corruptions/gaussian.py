"""Gaussian blur, and the smoothing that glass blur, elastic transform and spatter share."""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys

Edge: TypeAlias = Literal["nearest", "reflect"]
"""What lies beyond the border: the last value again, or the mirror image that repeats the last value."""

_COLUMNS = 16  # what products take their columns by
_ROWS = 16  # of a block of the banded matrix: as many as a product needs, as few as leave the zeros out


class _Kernel(NamedTuple):
    sigma: float
    radius: int
    edge: Edge


@corruption(fixed_shape=True)
def gaussian_blur(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """Convolve with a Gaussian cut off at 4σ, the border value continued."""
    sigma = setting.pick((1, 2, 3, 4, 6), (0.4, 0.6, 0.7, 0.8, 1))
    return blurred(images, sigma, setting)


def blurred(images: Tensor, sigma: float, setting: Setting) -> Tensor:
    """The Gaussian blur of N×3×H×W uint8 images, in units of 1/255, of which the driver cuts off the fraction.

    Flat areas decide the precision: there the blur is a whole number, and a rounding error costs it 1. So what is
    blurred is what is missing to white, exactly nothing in the commonest flat area, and the others are lifted, as
    float64's rounding nearly always does. CIFAR-10-C's narrow kernels have weights that float32 loses beside the
    centre's.
    """
    if setting.exact:
        return smoothed(images.double().div_(255), sigma).clamp_(0, 1).mul_(255)
    kernel = _Kernel(sigma, int(4 * sigma + 0.5), "nearest")
    if setting.variant == "cifar_c":
        return _smoothed(_rows_first(images, torch.float64), kernel, kernel, _banded).mul_(1 + 2.0**-46)
    smooth = _smoothed(_rows_first(images, torch.float32).sub_(255), kernel, kernel, _banded)
    return smooth.mul_(1 - 2.0**-22).sub_(_dimming(sigma)).floor_().add_(255)


def _rows_first(images: Tensor, dtype: torch.dtype) -> Tensor:
    """The images as numbers in the layout that the products like: rows of all images together."""
    return images.movedim(-2, 0).to(dtype, memory_format=torch.contiguous_format).movedim(0, -2)


def smoothed(
    fields: Tensor,
    sigma: float | tuple[float, float],
    *,
    truncate: float = 4.0,
    mode: Edge = "nearest",
    in_order: bool = True,
) -> Tensor:
    """Smooth fields along their last two axes, as ``scipy.ndimage.gaussian_filter`` does: columns of values first.

    float64 is summed in scipy's order and comes out equal to the bit; float32 is two products with banded matrices, and
    its last bits depend on the number of fields: give chunks of one shape.

    Args:
        fields: …×H×W, float32 or float64.
        sigma: Standard deviation in pixels, or one along the columns and one along the rows; 0 leaves them as they are.
        truncate: Radius of the kernel in standard deviations.
        mode: What lies beyond the border.
        in_order: Whether float64 is summed in scipy's order; else by products as well, in less than half the time.

    Returns:
        Same shape and dtype; not always contiguous.
    """
    sigmas = sigma if isinstance(sigma, tuple) else (sigma, sigma)
    down, across = (_Kernel(each, int(truncate * each + 0.5), mode) for each in sigmas)
    return _smoothed(fields, down, across, _tapped if in_order and fields.dtype == torch.float64 else _banded)


def _smoothed(
    fields: Tensor, down: _Kernel, across: _Kernel, along_first: Callable[[Tensor, _Kernel], Tensor]
) -> Tensor:
    """Smooth along the last two axes by a function that does so along the first of two."""
    rows = fields.movedim(-2, 0)
    smooth = rows.reshape(len(rows), -1)
    if down.radius:
        smooth = along_first(smooth, down)
    if across.radius:
        columns = smooth.reshape(-1, fields.shape[-1]).T
        # Of several images each must come out the same in every place (C2); a transposed matrix does not grant that.
        smooth = along_first(columns.contiguous() if len(fields) > 1 else columns, across).T
    return smooth.reshape(rows.shape).movedim(0, -2)


@lru_cache
def _dimming(sigma: float) -> float:
    """A trace to take from flat white where the original's weights sum to less than 1, so that it gives 254."""
    total = smoothed(torch.ones(1, 1, dtype=torch.float64), sigma)
    return 1e-30 if total.item() < 1 else 0.0


def _taps(kernel: _Kernel) -> Tensor:
    """(2·radius + 1) float64 weights, by numpy's exponential and sum: their last bits matter."""
    offsets = np.arange(-kernel.radius, kernel.radius + 1)
    bell = np.exp(-0.5 / (kernel.sigma * kernel.sigma) * offsets**2)
    weights: Tensor = torch.from_numpy(bell / bell.sum())
    return weights


def _sources(length: int, kernel: _Kernel) -> Tensor:
    """(length + 2·radius) int64: which value stands at −radius, …, length − 1 + radius."""
    places = torch.arange(-kernel.radius, length + kernel.radius)
    if kernel.edge == "nearest":
        return places.clamp_(0, length - 1)
    places = places.remainder_(2 * length)
    return torch.minimum(places, 2 * length - 1 - places)


def _tapped(rows: Tensor, kernel: _Kernel) -> Tensor:
    """Smooth length×M values along the first axis in scipy's order: the centre, then pairs from the outermost in."""
    length, (weights, radius) = len(rows), (_taps(kernel).tolist(), kernel.radius)
    padded = rows[_sources(length, kernel).to(rows.device)]
    total: Tensor = padded[radius : radius + length] * weights[radius]
    pair = torch.empty_like(total)
    for near, far in zip(range(radius), range(2 * radius, radius, -1), strict=True):
        torch.add(padded[near : near + length], padded[far : far + length], out=pair)
        total.add_(pair.mul_(weights[near]))  # two roundings, not the one of add_(…, alpha=…)
    return total


def _banded(rows: Tensor, kernel: _Kernel) -> Tensor:
    """Smooth length×M values along the first axis, by the product with a banded matrix."""
    count = rows.shape[1]
    if count % _COLUMNS:  # a product treats its last columns otherwise, and other images may be the last ones (C2)
        rows = pad(rows, (0, -count % _COLUMNS)).contiguous()
    out = torch.empty_like(rows)
    for start, low, weights in _bands(len(rows), kernel, rows.dtype, rows.device):
        height, reach = weights.shape
        torch.mm(weights, rows[low : low + reach], out=out[start : start + height])
    return out[:, :count]


@lru_cache(maxsize=64)
def _bands(
    length: int, kernel: _Kernel, dtype: torch.dtype, device: torch.device
) -> tuple[tuple[int, int, Tensor], ...]:
    """The length×length matrix that smooths, the border folded in, as blocks: first row, first column, weights."""
    taps, sources = _taps(kernel), _sources(length, kernel)
    bands = []
    for start in range(0, length, _ROWS):
        height = min(_ROWS, length - start)
        reached = sources[start : start + height + 2 * kernel.radius]
        low, high = int(reached.min()), int(reached.max()) + 1
        weights = torch.zeros(height, high - low, dtype=torch.float64)
        for row in range(height):
            weights[row].index_add_(0, reached[row : row + len(taps)] - low, taps)
        bands.append((start, low, weights.to(device, dtype)))
    return tuple(bands)
