"""A content's contours and a field of texture, mixed band by band and filtered to the style's spectrum and colours."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustbench_vit.perturbations.stylize.filters import bands, blurred, luminance
from robustbench_vit.perturbations.stylize.spectrum import Equaliser

LAYOUT = 0.5
"""Share of the low-pass rest that is the content's."""
ROUNDS = 2
"""Clipping to [0,1] adds fine contrast, and filtering again takes it away."""
TONES = 24
"""Levels of luminance at which the style's mean colour is taken."""
_TINY = 1e-6


@dataclass(frozen=True)
class Mixture:
    """What the result at every share of texture is made from.

    Args:
        content: 3×H×W, at the style's mean and contrast.
        style: 3×H×W.
        shape: Bands of the content's luminance.
        texture: Bands of the field's luminance.
        contours: H×W in (0,1), where the content has contours.
        chroma: 3×H×W, the field's colours beside the palette's.
        palette: 3×`TONES`, the style's mean RGB − luminance at each luminance.
        fidelity: In [0,1], how far the spectrum goes from the content's to the style's, in log power.
        light: Gives luminance this spectrum.
        channels: Gives RGB this spectrum.
    """

    content: Tensor
    style: Tensor
    shape: list[Tensor]
    texture: list[Tensor]
    contours: Tensor
    chroma: Tensor
    palette: Tensor
    fidelity: float
    light: Equaliser
    channels: Equaliser

    @classmethod
    def of(cls, content: Tensor, field: Tensor, style: Tensor) -> "Mixture":
        """Split 3×H×W images into bands and colours; the spectrum goes all the way."""
        shape, light, styled = luminance(content), luminance(field), luminance(style)
        palette = _palette(styled, style - styled)
        return cls(
            content,
            style,
            bands(shape),
            bands(light),
            _contours(shape),
            field - light - _coloured(palette, light),
            palette,
            1.0,
            Equaliser(styled[None], shape[None]),
            Equaliser(style, content),
        )

    def with_fidelity(self, fidelity: float) -> "Mixture":
        """The same with another goal for the spectrum."""
        light = Equaliser(luminance(self.style)[None], luminance(self.content)[None], fidelity)
        return replace(self, fidelity=fidelity, light=light, channels=Equaliser(self.style, self.content, fidelity))

    def at(self, share: float) -> Tensor:
        """3×H×W RGB in [0,1] with this share of texture in every band."""
        envelope = (1 - share) * self.contours / self.contours.mean() + share
        light = self.shape[-1].lerp(self.texture[-1], 1 - LAYOUT)
        for shape, texture in zip(self.shape[:-1], self.texture[:-1], strict=True):
            drawn, contrast = shape * self.contours, texture.std()
            goal = contrast**self.fidelity * drawn.std() ** (1 - self.fidelity)
            light = light + share * _with(texture * envelope, contrast) + (1 - share) * _with(drawn, goal)
        light = self._lit(light)
        image = _in_gamut(light + self.chroma + _coloured(self.palette, light), light)
        # Clipping adds fine contrast, to single channels most: what is too much is taken away.
        image = self.channels(image, low=1 / 3, high=1.25)
        image = (image - image.mean((1, 2), keepdim=True) + self.style.mean((1, 2), keepdim=True)).clamp(0, 1)
        before = luminance(image)
        light = self._lit(before)
        return _in_gamut(image + (light - before), light)

    def _lit(self, light: Tensor) -> Tensor:
        """Luminance in [0,1] with the wanted spectrum and the style's mean: filtered and clipped in turns."""
        mean = luminance(self.style).mean()
        for _ in range(ROUNDS):
            equalised = self.light(light[None])[0]
            light = (equalised - equalised.mean() + mean).clamp(0, 1)
        return light


def at_contrast_of(content: Tensor, style: Tensor) -> Tensor:
    """C×H×W content with the mean and standard deviation of the style's channels; a flat one stays flat."""
    mean, deviation = content.mean((1, 2), keepdim=True), content.std((1, 2), keepdim=True)
    target = style.std((1, 2), keepdim=True)
    return (content - mean) / deviation.clamp_min(1e-3) * target + style.mean((1, 2), keepdim=True)


def _contours(shape: Tensor) -> Tensor:
    """H×W in (0,1): where the local contrast, over some pixels, is above its mean over the image."""
    size = max(0.5, min(shape.shape) / 150)  # 1.5 pixels at 224
    local = blurred((shape - blurred(shape, 2 * size)).square(), size).sqrt()
    relative = local / local.mean().clamp_min(_TINY)
    return relative / (1 + relative) + _TINY


def _with(band: Tensor, contrast: Tensor) -> Tensor:
    """A band at another standard deviation."""
    return band * (contrast / band.std().clamp_min(_TINY))


def _tones(light: Tensor) -> Tensor:
    """`TONES`×HW hat functions of the luminance, which sum to one."""
    levels = torch.arange(TONES, device=light.device, dtype=light.dtype)[:, None]
    return (1 - (light.clamp(0, 1).flatten() * (TONES - 1) - levels).abs()).clamp_min(0)


def _palette(light: Tensor, chroma: Tensor) -> Tensor:
    """3×`TONES`: mean of RGB − luminance at each luminance, from its neighbours where the style has none."""
    tones = _tones(light)
    levels = torch.arange(TONES, device=light.device, dtype=light.dtype)
    near = torch.exp(-(levels[:, None] - levels).square() / 8) + 1e-4
    return (chroma.flatten(1) @ tones.T @ near) / (tones.sum(1) @ near)


def _coloured(palette: Tensor, light: Tensor) -> Tensor:
    """3×H×W: the palette's colour at each pixel's luminance."""
    return (palette @ _tones(light)).view(3, *light.shape)


def _in_gamut(image: Tensor, light: Tensor) -> Tensor:
    """Colours made paler until they are in [0,1] at the given luminance in [0,1]."""
    chroma = image - light
    room = torch.where(chroma > 0, (1 - light) / chroma.clamp_min(_TINY), light / (-chroma).clamp_min(_TINY))
    return (light + chroma * room.amin(0).clamp(0, 1)).clamp(0, 1)
