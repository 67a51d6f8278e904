"""Functions of two 8-bit values as tables: computed once in float64, the same on every device."""

from collections.abc import Callable

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import truncated


def tabulated(function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Tabulate a function of two values in [0, 255].

    Args:
        function: (256×1 float64, 1×256 float64) → 256×256 float64, in units of 1/255; clipped and truncated here.

    Returns:
        65,536 uint8, for `looked_up`.
    """
    values = torch.arange(256, dtype=torch.float64)
    return truncated(function(values[:, None], values)).flatten()


def looked_up(table: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The table's entries for pairs of uint8 values; ``first`` may broadcast."""
    index = second.int().add_(first, alpha=256)
    return table.index_select(0, index.reshape(-1)).view(index.shape)
