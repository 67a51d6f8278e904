"""The power spectrum of an image on rings and sectors, and the filter that gives one image the profile of another."""

from dataclasses import dataclass
from functools import lru_cache
from math import pi, sqrt

import torch
from torch import Tensor

SECTORS = 8
RINGS = 0.6
"""Rings for each pixel of the half side: 67 at 224."""
ANGULAR = 0.5
"""Share (in log power) of the style's orientations that is taken over; 1 rings along the contours."""
_PRIOR = 12.0
"""Frequencies a cell's power is smoothed with, at the mean of its ring: the inner rings hold few."""
_TINY = 1e-9


@dataclass(frozen=True)
class _Polar:
    """Hat functions on the half spectrum of real H×W images; they sum to one at every frequency but the mean.

    Args:
        rings: R×F, even in the square root of the radius; the corners belong to the last ring.
        sectors: `SECTORS`×F, linear in the angle modulo π.
        weights: F, two where a frequency stands for its mirror image as well, zero at the mean.
    """

    rings: Tensor
    sectors: Tensor
    weights: Tensor

    def profile(self, power: Tensor) -> Tensor:
        """C×R×SECTORS power from C×F."""
        return torch.stack([self.rings @ (self.sectors * (plane * self.weights)).T for plane in power])

    def spread(self, gains: Tensor) -> Tensor:
        """C×F gains, 1 at the mean, from C×R×SECTORS."""
        flat = torch.stack([((gain.T @ self.rings) * self.sectors).sum(0) for gain in gains])
        return torch.where(self.weights > 0, flat, torch.ones_like(flat))


@lru_cache(maxsize=4)
def _polar(height: int, width: int, device: torch.device) -> _Polar:
    y = torch.fft.fftfreq(height, dtype=torch.float64)[:, None] * 2
    x = torch.fft.rfftfreq(width, dtype=torch.float64)[None, :] * 2
    outer = min(height, width) / 2
    count = round(RINGS * outer)
    ring = ((torch.hypot(y, x) * outer).clamp(1, outer).sqrt() - 1) / (sqrt(outer) - 1) * (count - 1)
    sector = torch.atan2(y.expand(-1, x.shape[1]), x.expand(len(y), -1)).remainder(pi) / pi * SECTORS
    rings = (1 - (ring.flatten() - torch.arange(count)[:, None]).abs()).clamp_min(0)
    away = (sector.flatten() - torch.arange(SECTORS)[:, None]).abs()
    sectors = (1 - torch.minimum(away, SECTORS - away)).clamp_min(0)
    weights = torch.full_like(ring, 2.0)
    weights[:, 0] = 1
    if width % 2 == 0:
        weights[:, -1] = 1
    weights[0, 0] = 0
    return _Polar(*(plane.float().to(device) for plane in (rings, sectors, weights.flatten())))


class Equaliser:
    """Gives an image the spectral profile of a style: its power on every ring, and half of its orientations.

    Args:
        style: C×H×W.
        content: C×H×W.
        fidelity: In [0,1], how far the profile goes from the content's to the style's, in log power.

    Example:
        >>> style, image = torch.eye(32)[None], torch.eye(32).cumsum(0)[None]
        >>> equalised = Equaliser(style, image)(image)
        >>> bool((equalised.var() / style.var() - 1).abs() < 0.1)
        True
    """

    def __init__(self, style: Tensor, content: Tensor, fidelity: float = 1.0) -> None:
        height, width = style.shape[-2:]
        self._polar = _polar(height, width, style.device)
        self._size = (height, width)
        self._count = self._polar.profile(torch.ones(1, len(self._polar.weights), device=style.device))
        goal, start = (self._polar.profile(_power(torch.fft.rfft2(image))) + _TINY for image in (style, content))
        self._power = goal**fidelity * start ** (1 - fidelity)
        self._shape = self._orientations(self._power)

    def __call__(self, image: Tensor, low: float = 1 / 30, high: float = 30.0) -> Tensor:
        """Filter a C×H×W image; gains are kept within [low, high], and the mean stays."""
        spectrum = torch.fft.rfft2(image)
        power = self._polar.profile(_power(spectrum))
        gains = (self._shape / self._orientations(power)).clamp(1 / 20, 20) ** (ANGULAR / 2)
        turned = _over_sectors(power * gains.square())
        gains = gains * ((_over_sectors(self._power) + _TINY) / (turned + _TINY)).sqrt()
        filter_ = self._polar.spread(gains.clamp(low, high)).view_as(spectrum)
        filtered: Tensor = torch.fft.irfft2(spectrum * filter_, s=self._size)
        return filtered

    def _orientations(self, power: Tensor) -> Tensor:
        """C×R×SECTORS density of the power, relative to its ring's mean."""
        level = _over_sectors(power) / _over_sectors(self._count).clamp_min(_TINY)
        density = (power + _PRIOR * level) / (self._count + _PRIOR)
        return (density / density.mean(2, keepdim=True).clamp_min(_TINY)).clamp_min(_TINY)


def _power(spectrum: Tensor) -> Tensor:
    return spectrum.abs().square().flatten(1)


def _over_sectors(power: Tensor) -> Tensor:
    return power.sum(2, keepdim=True)
