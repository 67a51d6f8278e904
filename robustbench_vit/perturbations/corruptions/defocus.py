"""Defocus blur."""

from collections import defaultdict
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

_FEW = 32  # taps that are summed one by one; more go through the Fourier transform
_NOTHING = 1e-9  # a weight that moves no value
_LIFT = 1e-4  # more than float32's rounding of a sum


@corruption(fixed_shape=True)
def defocus_blur(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """Convolve with a softened disk, the image mirrored at its border.

    The kernels of ImageNet-C's severities 4 and 5 sum to 1.013 and 1.011, as in the original: the image gets brighter.
    """
    radius, softness = setting.pick(
        ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)), ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))
    )
    kernel = disk(radius, softness)
    if (kernel > _NOTHING).sum() <= _FEW:
        return _by_taps(images, kernel)
    blurred = _by_fourier(images, radius, softness, setting.dtype)
    return blurred if setting.exact else blurred.add_(_lift(kernel))


def _lift(kernel: Array) -> float:
    """What takes float32's flat areas to the side of their whole number on which the kernel's sum puts them."""
    excess = float(kernel.sum(dtype=np.float64)) - 1
    return float(np.copysign(_LIFT, excess))


@lru_cache
def disk(radius: float, softness: float) -> Array:
    """A disk in a square of at least 17×17, float32, softened by a Gaussian of 3 taps, or 5 if wider than 8."""
    reach, size = (8, 3) if radius <= 8 else (int(radius), 5)
    squares = np.arange(-reach, reach + 1) ** 2
    sharp = (squares[:, None] + squares <= radius**2).astype(np.float32)
    sharp /= sharp.sum()
    offsets = np.arange(size) - size // 2
    taps = np.exp(-(offsets**2) / (2 * softness**2))
    taps = (taps / taps.sum()).astype(np.float32)[size // 2 :]
    return _softened(_softened(sharp.T, taps, centre_last=size == 3).T, taps, centre_last=False)


def _softened(rows: Array, taps: Array, *, centre_last: bool) -> Array:
    """Convolve along the first axis, mirrored at the border, with OpenCV's fused multiply-adds, to the last bit.

    Each is one rounding of a float32 product plus a float32 number, which float64 gives.
    """
    reach = len(taps) - 1
    padded = np.pad(rows, ((reach, reach), (0, 0)), mode="reflect")
    shifted = [padded[start : start + len(rows)] for start in range(2 * reach + 1)]
    pairs = [shifted[reach - i] + shifted[reach + i] for i in range(1, reach + 1)]
    terms = list(zip([rows, *pairs], taps, strict=True))
    if centre_last:
        terms.reverse()
    total = np.zeros_like(rows)
    for values, tap in terms:
        total = (values.astype(np.float64) * float(tap) + total).astype(np.float32)
    return total


def _by_taps(images: Tensor, kernel: Array) -> Tensor:
    """Sum shifted images, those of equal weight in whole numbers; so float64 costs little."""
    height, width = images.shape[-2:]
    rows, columns = np.nonzero(kernel > _NOTHING)
    reach = int(rows.max() - rows.min()) // 2
    padded = pad(images.float(), (reach,) * 4, mode="reflect").to(torch.int16)
    sums = defaultdict[float, Tensor](lambda: torch.zeros_like(images, dtype=torch.int16))
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        top, left = row - rows.min(), column - columns.min()
        sums[float(kernel[row, column])] += padded[..., top : top + height, left : left + width]
    total = torch.zeros_like(images, dtype=torch.float64)
    for weight, values in sums.items():
        total.add_(values.double(), alpha=weight)
    return total


def _by_fourier(images: Tensor, radius: float, softness: float, dtype: torch.dtype) -> Tensor:
    reach = len(disk(radius, softness)) // 2
    height, width = images.shape[-2:]
    size = _fast(height + 2 * reach), _fast(width + 2 * reach)
    padded = pad(images.to(dtype), (reach,) * 4, mode="reflect")
    spectrum = torch.fft.rfft2(padded, size).mul_(_response(radius, softness, size, dtype, images.device))
    blurred: Tensor = torch.fft.irfft2(spectrum, size)
    return blurred[..., :height, :width]


@lru_cache(maxsize=16)
def _response(
    radius: float, softness: float, size: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """The spectrum by which to multiply so that out(p) is the disk, its corner at p, over the padded image."""
    kernel = torch.from_numpy(disk(radius, softness)).to(device, dtype)
    spectrum: Tensor = torch.fft.rfft2(kernel, size)
    return spectrum.conj().resolve_conj()


def _fast(length: int) -> int:
    """The least length that is not shorter and that a fast Fourier transform likes: 16 · 2ᵃ · 3ᵇ · 5ᶜ."""
    sixteenths = -(-length // 16)
    while pow(30, 16, sixteenths):  # some other prime divides it
        sixteenths += 1
    return 16 * sixteenths
