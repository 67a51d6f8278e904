"""A model as a module that counts: for attacks of other people's, which want an `nn.Module`."""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attacks.target import gradient_of, leads_nowhere, logits_of
from robustbench_vit.types import Logits, Pixels


class Counted(nn.Module):
    """A model that counts the images it is shown, and those it gives a gradient for.

    Gradients go to the pixels alone: whoever calls ``backward`` leaves nothing in the parameters of the model.

    Args:
        model: Pixels → logits.
        device: Where it computes; other programs read it off the first parameter, so there is an empty one.
        name: Name of the attack, for messages.
    """

    def __init__(self, model: Callable[[Pixels], Logits] | None, device: torch.device, name: str) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.empty(0, device=device), requires_grad=False)
        self.shown = self.differentiated = 0
        self.first_gradient: Tensor | None = None
        self.name, self._pixels_to_logits = name, model

    def forward(self, pixels: Pixels) -> Logits:
        """Logits N×K of N×3×H×W pixels."""
        self.shown += len(pixels)
        if torch.is_grad_enabled() and pixels.requires_grad:
            logits: Logits = _Apart.apply(pixels, self)
            return logits
        with torch.no_grad():
            return self.judged(pixels)

    def judged(self, pixels: Pixels) -> Logits:
        """What the model itself says."""
        if self._pixels_to_logits is None:
            raise CaseError(f"{self.name} needs a model and labels in the context")
        return logits_of(self._pixels_to_logits, pixels, self.name)

    def note(self, gradient: Tensor) -> None:
        """Count a backward pass, and keep the first gradient."""
        self.differentiated += len(gradient)
        if self.first_gradient is None:
            self.first_gradient = gradient

    def columns(self, images: int) -> Mapping[str, Tensor]:
        """Passes of each of the images that were attacked together, and whether the first gradient was 0.

        Args:
            images: How many they are. Nobody knows which of them was shown when; so all have the mean, rounded up.
        """
        everybody = torch.ones(images, device=self.place.device)
        columns = {
            "forward_passes": everybody * ceil(self.shown / images),
            "backward_passes": everybody * ceil(self.differentiated / images),
        }
        if self.first_gradient is not None and (images == 1 or len(self.first_gradient) == images):
            columns["zero_gradient"] = leads_nowhere(self.first_gradient.reshape(images, -1)).to(everybody)
        return columns


class _Apart(torch.autograd.Function):
    """The model with a graph of its own, in which only the pixels ask for a gradient."""

    @staticmethod
    def forward(ctx: Any, pixels: Pixels, counted: Counted) -> Logits:
        with torch.enable_grad():
            ctx.pixels = pixels.detach().requires_grad_()
            ctx.logits = counted.judged(ctx.pixels)
        ctx.counted = counted
        # A copy, because whoever gets it may write into it.
        logits: Logits = ctx.logits.detach().clone()
        return logits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        # Some attacks go back several times, once for each class.
        gradient = gradient_of(ctx.logits, ctx.pixels, ctx.counted.name, slope, again=True)
        ctx.counted.note(gradient)
        return gradient, None
