"""Aggregates of accuracy. Every one is over the images all its cells share, so differences are paired."""

from collections.abc import Sequence

import numpy as np

from robustbench_vit.aggregates.groups import Cell
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.contributions import Contributions, FloatArray

_RATES = (0.0, 1.0)  # what an image contributes to an accuracy


def accuracy_drop(cells: Sequence[Cell]) -> Contributions:
    """Accuracy of the clean case − accuracy of the case, in [−1, 1].

    Args:
        cells: The clean case and the case.
    """
    clean, case = cells
    return Contributions(clean.correct - case.correct, bounds=(-1.0, 1.0))


def relative_robustness(cells: Sequence[Cell]) -> Contributions:
    """Mean accuracy of the cases, each weighing the same, / accuracy of the clean case, at least 0.

    Args:
        cells: The clean case, then one case or more.

    Raises:
        CaseError: If no clean image is classified correctly.
    """
    clean, *cases = cells
    if not clean.correct.any():
        raise CaseError("relative_robustness is not defined: the clean accuracy is 0")
    kept = np.mean([case.correct for case in cases], axis=0)
    return Contributions(np.stack([kept, clean.correct], axis=1), _ratio, bounds=_RATES)


def area_under_curve(cells: Sequence[Cell]) -> Contributions:
    """Trapezoidal mean of accuracy along the axis, in [0, 1].

    AUC = Σᵢ (aᵢ + aᵢ₊₁)/2 · (xᵢ₊₁ − xᵢ) / (x_last − x_first), linear in the accuracies aᵢ at the places xᵢ; so each
    image contributes its own area, whether it was classified correctly at every place.

    Args:
        cells: The points of the curve in increasing order of the axis.

    Raises:
        CaseError: If there are fewer than two points.
    """
    if len(cells) < 2:
        raise CaseError(f"auc needs two points of the curve at least, the suite has {len(cells)}")
    correct = np.stack([cell.correct for cell in cells], axis=1)
    return Contributions(correct @ trapezoid_weights([cell.at for cell in cells]), bounds=_RATES)


def mean_accuracy(cells: Sequence[Cell]) -> Contributions:
    """Mean of the accuracies, each case weighing the same, in [0, 1].

    Args:
        cells: Any cases.
    """
    return Contributions(np.mean([cell.correct for cell in cells], axis=0), bounds=_RATES)


def mean_error(cells: Sequence[Cell]) -> Contributions:
    """1 − mean of the accuracies, each case weighing the same, in [0, 1].

    Args:
        cells: Any cases.
    """
    return Contributions(1 - np.mean([cell.correct for cell in cells], axis=0), bounds=_RATES)


def trapezoid_weights(places: Sequence[float]) -> FloatArray:
    """Weight of each point in the trapezoidal mean; they sum to 1.

    Args:
        places: Two increasing numbers or more.

    Example:
        >>> trapezoid_weights([0, 1, 2]).tolist()
        [0.25, 0.5, 0.25]
    """
    gaps = np.diff(np.asarray(places, dtype=np.float64))
    halves = np.concatenate([[0.0], gaps]) + np.concatenate([gaps, [0.0]])
    weights: FloatArray = halves / (2 * gaps.sum())
    return weights


def _ratio(means: FloatArray) -> FloatArray:
    above, below = means[..., 0], means[..., 1]
    return np.divide(above, below, out=np.full_like(below, np.nan), where=below > 0)
