"""The values that travel between data, perturbations, models and the engine.

Shapes use the symbols of ``docs/glossary.md``: N images, 3 channels, height H, width W, K classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

Pixels: TypeAlias = Tensor
"""RGB images, N×3×H×W, float in [0,1] (contract C1)."""

Logits: TypeAlias = Tensor
"""N×K, any float dtype, before softmax."""


@dataclass(frozen=True)
class Batch:
    """Images of one data set under one geometry, in canonical order.

    Args:
        images: N×3×H×W uint8.
        labels: N int64, in [0, K).
        ids: N sample ids, independent of root, extension and order.
        positions: N int64, the samples' places in the data set's canonical order.
        extra: Named per-sample tensors; ``mask`` is N×H×W float, the object's share of each pixel; ``texture`` is N
            int64, the class of the texture where ``labels`` are those of the shapes.
    """

    images: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    positions: Tensor
    extra: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def first(self, count: int) -> "Batch":
        """The first images."""
        extra = {name: values[:count] for name, values in self.extra.items()}
        return Batch(self.images[:count], self.labels[:count], self.ids[:count], self.positions[:count], extra)


@dataclass(frozen=True)
class Context:
    """What the engine hands a perturbation beside images and keys; fields a row does not need are None.

    Args:
        positions: N int64, places in the canonical order.
        labels: N int64.
        model: Differentiable callable, pixels → logits.
        examples: N×3×H×W float in [0,1], the images of an attack on another model.
        persist: Whether an attack goes on with a sample when the model is wrong about it, as it should for examples
            that are to mislead other models.
        mask: N×H×W float in [0,1], ground-truth object mask.
        saliency: N×H×W float, non-negative.
        pixel_std: 3 float, the standard deviation the model normalises with, in [0,1] units.
    """

    positions: Tensor | None = None
    labels: Tensor | None = None
    model: Callable[[Pixels], Logits] | None = None
    examples: Pixels | None = None
    persist: bool = False
    mask: Tensor | None = None
    saliency: Tensor | None = None
    pixel_std: Tensor | None = None


@dataclass(frozen=True)
class Perturbed:
    """Perturbed images and what is known about each.

    Args:
        images: N×3×H×W float.
        columns: Named N-vectors that become columns of the stored rows (realised rms, dropped area, …).
        words: For a column of integers, the words they stand for: stored in their place. The same for all batches.
    """

    images: Pixels
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
