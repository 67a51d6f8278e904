"""What each image contributes to a number: the one form all metrics and aggregates have.

A number is a function of means over images, ``combine(mean of values over N)``. So its estimate is one call, and all
its bootstrap replicates are one matrix product, whatever the number is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
"""An array of float64."""


def first(means: FloatArray) -> FloatArray:
    """The only mean there is: shape (..., 1) → (...)."""
    only: FloatArray = means[..., 0]
    return only


@dataclass(frozen=True)
class Contributions:
    """Per-image contributions to one number.

    Args:
        values: Shape (N, J), or (N,) for J = 1: what image n contributes to the j-th mean.
        combine: Turns means of shape (..., J) into numbers of shape (...).
        proportion: Whether the values are 0 or 1 and their mean is the number, so that Wilson's interval applies.
    """

    values: FloatArray
    combine: Callable[[FloatArray], FloatArray] = first
    proportion: bool = False

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        object.__setattr__(self, "values", values[:, None] if values.ndim == 1 else values)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def value(self) -> float:
        """The estimate on all images."""
        return float(self.combine(self.values.mean(axis=0)))
