"""Saliency providers without weights of their own: N×H×W non-negative maps, higher is more salient."""

import torch
from torch import Tensor
from torch.nn import functional

from robustbench_vit.chunks import in_chunks
from robustbench_vit.errors import CaseError
from robustbench_vit.types import Context, Pixels

_SIDE = 64
"""Hou & Zhang work on images 64 pixels wide: the scale of whole objects."""


def mask(images: Pixels, context: Context) -> Tensor:
    """The object's share of each pixel.

    Raises:
        CaseError: If the data set has no masks.
    """
    if context.mask is None:
        raise CaseError("saliency=mask: the data set has no object masks; use spectral, or folder(…, masks=DIR)")
    return context.mask.to(images.device)


def spectral(images: Pixels, context: Context) -> Tensor:
    """Spectral residual: what the log amplitude spectrum has beside its local mean, back in the image, squared.

    Works at 64×64 on the grey image and is enlarged bilinearly. Source: Hou & Zhang, CVPR 2007, equations 2–5
    (3×3 mean filter; Gaussian of σ = 2.5 pixels where theirs is 8 in a 64-pixel image's own units).
    """
    del context
    grey = (images * images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return in_chunks(_residual, grey)[:, 0]


def gradient(images: Pixels, context: Context) -> Tensor:
    """Largest magnitude over channels of the gradient of the model's largest logit.

    Raises:
        CaseError: If the model gives no gradient.
    """
    model = context.model
    if model is None:
        raise CaseError("saliency=gradient needs the evaluated model in the context")

    def of(chunk: Pixels) -> Tensor:
        with torch.enable_grad():
            pixels = chunk.detach().clone().requires_grad_()
            logits = model(pixels)
            if not logits.requires_grad:
                raise CaseError("saliency=gradient: the model is not differentiable; use spectral or mask")
            (slope,) = torch.autograd.grad(logits.amax(1).sum(), pixels)
        return slope.abs().amax(1)

    return in_chunks(of, images)


def _residual(grey: Tensor) -> Tensor:
    """C×1×H×W grey → C×1×H×W saliency."""
    small = functional.interpolate(grey, size=(_SIDE, _SIDE), mode="bilinear", antialias=True, align_corners=False)
    spectrum = torch.fft.fft2(small)
    log_amplitude = (spectrum.abs() + 1e-8).log()
    mean = functional.avg_pool2d(functional.pad(log_amplitude, (1, 1, 1, 1), mode="circular"), 3, 1)
    residual = torch.polar((log_amplitude - mean).exp(), spectrum.angle())
    energy = torch.fft.ifft2(residual).abs().square()
    smooth = _blurred(energy, 2.5)
    return functional.interpolate(smooth, size=grey.shape[-2:], mode="bilinear", align_corners=False).clamp_min(0)


def _blurred(maps: Tensor, sigma: float) -> Tensor:
    reach = int(3 * sigma)
    taps = torch.arange(-reach, reach + 1, device=maps.device, dtype=maps.dtype)
    kernel = torch.exp(-taps.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = functional.pad(maps, (reach, reach, reach, reach), mode="reflect")
    across = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return functional.conv2d(across, kernel.view(1, 1, -1, 1))
