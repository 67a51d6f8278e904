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

_ROUNDING = 1e-12  # of an estimate
_STEP = 1e-6  # of a numeric derivative: below any mean of 50,000 images that is not 0, far above the rounding of floats


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
        proportion: Whether the values are 0 or 1 and the number is their mean, or the share of the first of two columns
            in both, so that Wilson's interval applies.
        remark: What to bear in mind, such as how many images were left out; it is added to the definition.
        bounds: The least and the largest that an image can contribute to a mean, for all J or each of them; None if
            nobody knows. Of a norm, what the norm of an image's values can be.
        norm: Whether ``combine`` is a norm: then chance alone makes the number larger than it is.
    """

    values: FloatArray
    combine: Callable[[FloatArray], FloatArray] = first
    proportion: bool = False
    remark: str = ""
    bounds: tuple["float | FloatArray", "float | FloatArray"] | None = None
    norm: bool = False

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        object.__setattr__(self, "values", values[:, None] if values.ndim == 1 else values)
        if self.proportion:
            object.__setattr__(self, "bounds", (0.0, 1.0))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def value(self) -> float:
        """The estimate on all images; what is 0 but for the rounding of sums is 0."""
        value = float(self.combine(self.values.mean(axis=0)))
        return 0.0 if abs(value) < _ROUNDING else value

    def linear(self) -> FloatArray:
        """What each image would contribute if the number were a mean: (N,) values whose mean is the estimate.

        xₙ = value + gradient of ``combine`` · (valuesₙ − means). For many images the standard error of their mean is
        that of the number (the delta method). Of a mean they are the values themselves.

        Source:
            A. W. van der Vaart, "Asymptotic Statistics", 1998, chapter 3.
        """
        if self.combine is first:
            only: FloatArray = self.values[:, 0]
            return only
        means = self.values.mean(axis=0)
        shares: FloatArray = self.combine(means) + (self.values - means) @ self._gradient
        return shares

    def ends(self) -> tuple[float, float] | None:
        """The least and the largest that one image can contribute, in the sense of `linear`; None if nobody knows."""
        if self.bounds is None:
            return None
        low, high = self.bounds
        if self.norm:
            return -float(np.max(high)), float(np.max(high))
        means = self.values.mean(axis=0)
        steps = np.stack([self._gradient * (low - means), self._gradient * (high - means)])
        return float(self.value + steps.min(axis=0).sum()), float(self.value + steps.max(axis=0).sum())

    @property
    def _gradient(self) -> FloatArray:
        """Of ``combine`` at the means: shape (J,)."""
        if self.combine is first:
            return np.ones(1)
        means = self.values.mean(axis=0)
        steps = _STEP * np.eye(len(means))
        gradient: FloatArray = (self.combine(means + steps) - self.combine(means - steps)) / (2 * _STEP)
        return gradient

    def averaged(self, makers: int) -> "Contributions":
        """Several decision makers as one: each image contributes the mean of what it does for each of them.

        Args:
            makers: How many they are. Their values follow one another, each over the same images in the same order.
        """
        if makers == 1:
            return self
        values: FloatArray = self.values.reshape(makers, -1, self.values.shape[1]).mean(axis=0)
        return Contributions(values, self.combine, remark=self.remark, bounds=self.bounds, norm=self.norm)

    def minus(self, other: "Contributions") -> "Contributions":
        """The difference of a number of two models over the same images in the same order, paired image by image.

        Where both are plain means, each image contributes its own difference, and where both have the same values,
        nothing. Else the means of both stand side by side, and every replicate is the difference of two numbers from
        the same draws.
        """
        if self.combine is first and other.combine is first:
            return Contributions(self.values - other.values, bounds=self._bounds_less(other))
        if np.array_equal(self.values, other.values):
            return Contributions(np.zeros(len(self)), bounds=self._bounds_less(other))
        mine = self.values.shape[1]

        def combine(means: FloatArray) -> FloatArray:
            difference: FloatArray = self.combine(means[..., :mine]) - other.combine(means[..., mine:])
            return difference

        return Contributions(np.hstack([self.values, other.values]), combine)

    def _bounds_less(self, other: "Contributions") -> tuple[float, float] | None:
        """The least and the largest difference that one image can make."""
        mine, theirs = self.ends(), other.ends()
        return (mine[0] - theirs[1], mine[1] - theirs[0]) if mine and theirs else None
