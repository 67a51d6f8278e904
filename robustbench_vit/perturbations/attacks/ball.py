"""The images an attack may give: those in [0,1] within eps of the clean image."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from robustbench_vit.randomness import Keys
from robustbench_vit.types import Pixels

Norm: TypeAlias = Literal["linf", "l2"]
"""``linf``: largest change of a pixel value; ``l2``: root of the sum of squared changes over all pixels."""


@dataclass(frozen=True)
class Ball:
    """All images in [0,1] within eps of clean ones.

    Args:
        norm: How distance is measured.
        eps: Largest distance allowed; pixels in [0,1].
    """

    norm: Norm
    eps: float | Fraction

    def distance(self, images: Pixels, clean: Pixels) -> Tensor:
        """Distance of each image: shape (N,), pixels in [0,1]."""
        return lengths(images - clean, self.norm)

    def project(self, images: Pixels, clean: Pixels) -> Pixels:
        """Images moved into the ball around the clean ones.

        In L2 the change is shortened first and values are clipped to [0,1] afterwards, which cannot lengthen it again,
        because clean images lie in [0,1].
        """
        eps = float(self.eps)
        if self.norm == "linf":
            return torch.minimum(torch.maximum(images, clean - eps), clean + eps).clamp_(0, 1)
        change = images - clean
        return change.mul_(_wide((eps / lengths(change, "l2").clamp_min(1e-12)).clamp_max(1))).add_(clean).clamp_(0, 1)

    def random(self, clean: Pixels, keys: Keys, name: str) -> Pixels:
        """An image of the ball for each clean one, clipped to [0,1].

        In L∞ uniform in the ball. In L2 a uniform direction with a length uniform in [0, eps]: in so many dimensions a
        uniform point would always lie on the sphere, and steps of ordinary length hardly get from there to the far
        side.

        Args:
            clean: N×3×H×W.
            keys: One key an image.
            name: Field that is drawn; eps does not enter, so that starts of all eps are multiples of one another.
        """
        shape, eps = clean.shape[1:], float(self.eps)
        if self.norm == "linf":
            return keys.uniform(name, *shape, low=-eps, high=eps).add_(clean).clamp_(0, 1)
        change, share = keys.normal(name, *shape), keys.uniform(f"{name}/length", 1)[:, 0]
        return change.mul_(_wide(eps * share / lengths(change, "l2"))).add_(clean).clamp_(0, 1)

    def steepest(self, gradient: Tensor) -> Tensor:
        """The change of length 1 along which a function with this gradient grows fastest; 0 where the gradient is 0."""
        if self.norm == "linf":
            return gradient.sign()
        # Divided by its largest entry first: squares of a tiny gradient would vanish.
        scaled = gradient / _wide(lengths(gradient, "linf").clamp_min(1e-38))
        return scaled / _wide(lengths(scaled, "l2").clamp_min(1e-12))


def lengths(change: Tensor, norm: Norm) -> Tensor:
    """Length of each change: N×… → (N,)."""
    flat = change.flatten(1)
    return flat.abs().amax(1) if norm == "linf" else flat.square().sum(1).sqrt()


def _wide(numbers: Tensor) -> Tensor:
    """(N,) → N×1×1×1."""
    return numbers.view(-1, 1, 1, 1)
