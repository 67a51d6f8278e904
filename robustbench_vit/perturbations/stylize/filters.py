"""Small linear filters on C×H×W images, each of its own shape alone, so that no batch changes a rounding."""

import torch
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)
"""Luminance weights of ITU-R BT.601."""


def luminance(image: Tensor) -> Tensor:
    """H×W luminance of a 3×H×W RGB image."""
    return (image * image.new_tensor(LUMA).view(3, 1, 1)).sum(0)


def blurred(plane: Tensor, sigma: float) -> Tensor:
    """H×W plane under a Gaussian of σ pixels, cut at 3σ, borders mirrored."""
    reach = max(1, min(int(3 * sigma + 0.5), min(plane.shape) - 1))
    taps = torch.arange(-reach, reach + 1, device=plane.device, dtype=plane.dtype)
    kernel = torch.exp(-taps.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = functional.pad(plane[None, None], (reach, reach, reach, reach), mode="reflect")
    across = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return functional.conv2d(across, kernel.view(1, 1, -1, 1))[0, 0]


def bands(plane: Tensor) -> list[Tensor]:
    """An undecimated Laplacian pyramid: H×W sub-bands, fine to coarse, and the low-pass rest; they sum to the plane.

    Band k is what a Gaussian of σ = 2ᵏ pixels takes away; σ goes up to a fourteenth of the shorter side (16 at 224).
    """
    split, rest, sigma = [], plane, 1
    while sigma == 1 or sigma * 14 <= min(plane.shape):
        smooth = blurred(rest, sigma)
        split.append(rest - smooth)
        rest, sigma = smooth, 2 * sigma
    return [*split, rest]


def edges(image: Tensor) -> Tensor:
    """H×W edge map of a 3×H×W RGB image: magnitude of the Sobel gradient of the luminance, borders mirrored."""
    slope = image.new_tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 8
    padded = functional.pad(luminance(image)[None, None], (1, 1, 1, 1), mode="reflect")
    return functional.conv2d(padded, torch.stack([slope, slope.T])[:, None])[0].square().sum(0).sqrt()


def correlation(first: Tensor, second: Tensor) -> float | None:
    """Pearson correlation of two maps, or None if one of them is flat."""
    one, other = (plane.double().flatten() - plane.double().mean() for plane in (first, second))
    norm = float(one.norm() * other.norm())
    return float((one * other).sum()) / norm if norm > 1e-9 * len(one) else None
