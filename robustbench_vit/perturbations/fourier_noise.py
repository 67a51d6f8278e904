"""Noise of one frequency band (Park & Kim, How Do Vision Transformers Work?, ICLR 2022, figure 2b)."""

from fractions import Fraction
from functools import partial
from math import pi
from typing import Literal

import torch
from torch import Tensor

from robustbench_vit.chunks import in_chunks
from robustbench_vit.errors import CaseError
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Perturbed, Pixels

DEFAULT_WIDTH = 0.1
HVW_HALF_WIDTH = 0.2
"""Half-width of the authors' band in radians a pixel (FreqAttack's default)."""


def fourier_noise(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    center: float | Fraction,
    width: float | Fraction | None = None,
    rms: float | Fraction = 0.1,
    shape: Literal["ring", "square"] = "ring",
    compat: Literal["hvw"] | None = None,
) -> Perturbed:
    """Add real-valued Gaussian noise whose spectrum is one band, then clip to [0,1].

    White noise z, one value a pixel and channel, passes the band |r − center| ≤ width/2 of the discrete Fourier
    transform, r = ‖(2f_y, 2f_x)‖ with f in cycles a pixel (Euclidean for ``ring``, maximum for ``square``), and is
    scaled so that each image's noise has exactly the asked root mean square. The band is symmetric in ±f, so the
    noise is real.

    Args:
        images: N×3×H×W float in [0,1].
        keys: One key an image; centre, width and rms never enter, so bands and strengths share z.
        context: ``pixel_std`` for ``compat``.
        center: Centre of the band as a share of the Nyquist frequency; corners of the spectrum reach √2.
        width: Full width, likewise; None is 0.1.
        rms: Root mean square of the noise before clipping, in [0,1] pixel units.
        shape: Contours of equal frequency.
        compat: ``hvw`` follows the authors: sign noise of amplitude ``rms``, an even-sided square band of half-width
            width·π/2 (None: 0.2 radians), no energy normalisation, the real part taken, added after normalisation
            (here: times ``pixel_std``), not clipped.

    Returns:
        Images, with the realised ``rms`` after clipping as a column.

    Raises:
        CaseError: If no frequency of this image size lies in the band, or ``pixel_std`` is missing.
    """
    if compat == "hvw":
        return _hvw(images, keys, context, float(center), width, float(rms))
    height, side = images.shape[-2:]
    band = _band(height, side, float(center), float(DEFAULT_WIDTH if width is None else width), shape)
    white = keys.normal("z", *images.shape[1:])
    noise = in_chunks(partial(_banded, band=band.to(images.device)), white)
    noisy = (images + noise * float(rms)).clamp_(0, 1)
    return Perturbed(noisy, {"rms": _rms(noisy - images)})


def _band(height: int, width: int, center: float, breadth: float, shape: str) -> Tensor:
    """H×(W/2+1) float 0/1 mask on the half spectrum."""
    y = torch.fft.fftfreq(height, dtype=torch.float64)[:, None] * 2
    x = torch.fft.rfftfreq(width, dtype=torch.float64)[None, :] * 2
    radius = torch.hypot(y, x) if shape == "ring" else torch.maximum(y.abs(), x.abs())
    # A frequency on the edge belongs to the band, whatever its last bit.
    band = ((radius - center).abs() <= breadth / 2 + 1e-9).float()
    if not band.any():
        raise CaseError(
            f"fourier_noise: no frequency of {height}×{width} images lies within {center:g} ± {breadth / 2:g}"
        )
    return band


def _banded(white: Tensor, band: Tensor) -> Tensor:
    """White noise passed through the band, each image scaled to rms 1 (padding stays 0)."""
    noise = torch.fft.irfft2(torch.fft.rfft2(white) * band, s=white.shape[-2:])
    unit: Tensor = noise / _rms(noise).float().clamp_min(1e-12).view(-1, 1, 1, 1)
    return unit


def _rms(difference: Tensor) -> Tensor:
    return difference.double().square().mean(dim=(1, 2, 3)).sqrt()


def _hvw(
    images: Pixels, keys: Keys, context: Context, center: float, width: float | Fraction | None, amplitude: float
) -> Perturbed:
    if context.pixel_std is None:
        raise CaseError("fourier_noise: compat=hvw needs the model's pixel_std in the context")
    half = HVW_HALF_WIDTH if width is None else float(width) * pi / 2
    height, side = images.shape[-2:]
    outer, inner = (_box(height, side, center * pi + sign * half) for sign in (1, -1))
    mask = (outer - inner).to(images.device)
    signs = (keys.bits("sign", *images.shape[1:]) < 0).float().mul_(2 * amplitude).sub_(amplitude)
    noise = in_chunks(partial(_hvw_filtered, mask=mask), signs) * context.pixel_std.view(1, 3, 1, 1)
    return Perturbed(images + noise, {"rms": _rms(noise)})


def _hvw_filtered(noise: Tensor, mask: Tensor) -> Tensor:
    """The authors' filter: shift by half, mask, shift by half again (the inverse for even sides only), real part."""
    half = (noise.shape[-2] // 2, noise.shape[-1] // 2)
    spectrum = torch.fft.fft2(noise).roll(half, (-2, -1)) * mask
    real: Tensor = torch.fft.ifft2(spectrum.roll(half, (-2, -1))).real
    return real


def _box(height: int, width: int, frequency: float) -> Tensor:
    """H×W mask: a centred box of ones with even sides int(frequency·H/2π)·2."""
    box = torch.zeros(height, width)
    sides = [min(max(int(frequency * length / (2 * pi)) * 2, 0), length) for length in (height, width)]
    top, left = (height - sides[0]) // 2, (width - sides[1]) // 2
    box[top : top + sides[0], left : left + sides[1]] = 1
    return box
