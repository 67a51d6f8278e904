"""The model under attack: logits of pixels, and gradients by them."""

from collections.abc import Callable

import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.types import Logits, Pixels


def logits_of(model: Callable[[Pixels], Logits], pixels: Pixels, name: str) -> Logits:
    """Logits N×K in float32, whatever the model computes in: losses divide by differences that half precision lacks.

    Args:
        model: The model.
        pixels: N×3×H×W.
        name: Name of the attack, for messages.

    Raises:
        CaseError: If the model returns anything but N×K floats.
    """
    logits = model(pixels)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(pixels):
        came = "×".join(map(str, logits.shape)) if isinstance(logits, Tensor) else type(logits).__name__
        raise CaseError(f"{name}: the model must return {len(pixels)}×K logits, got {came}; wrap it so that it does")
    return logits.float()


def gradient_of(
    output: Tensor, pixels: Pixels, name: str, slope: Tensor | None = None, *, again: bool = False
) -> Tensor:
    """The gradient of an output by the pixels.

    Args:
        output: A number, or logits with a slope for each.
        pixels: What it was computed from.
        name: Name of the attack, for messages.
        slope: Of the shape of the output.
        again: Whether other gradients of the same output follow.

    Raises:
        CaseError: If autograd finds no way from the one to the other.
    """
    gradient = None
    if output.requires_grad:
        try:
            (gradient,) = torch.autograd.grad(output, pixels, slope, retain_graph=again, allow_unused=True)
        except NotImplementedError as error:  # an operation without a derivative
            raise CaseError(_no_way(name)) from error
    if gradient is None:
        raise CaseError(_no_way(name))
    return gradient


def leads_nowhere(gradients: Tensor) -> Tensor:
    """Whether each gradient is 0 at every pixel, or not finite, which leads as little: N×… → (N,)."""
    flat = gradients.flatten(1)
    return ~flat.isfinite().all(1) | (flat == 0).all(1)


def _no_way(name: str) -> str:
    return (
        f"{name}: the model is not differentiable: autograd finds no way from its logits to the pixels; use a "
        "black-box attack such as square(eps=…), or take no_grad, detach, numpy and integers out of the model"
    )
