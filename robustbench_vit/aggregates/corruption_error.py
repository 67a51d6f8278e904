"""Corruption errors: a model's errors over the severities, relative to those of a reference on the same images."""

from collections.abc import Sequence

import numpy as np

from robustbench_vit.aggregates.corruptions import SEVERITIES, curve_of
from robustbench_vit.aggregates.groups import Cell
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.contributions import Contributions, FloatArray


def corruption_error(cells: Sequence[Cell]) -> Contributions:
    """CE of one corruption, mCE of several: 100 when the model errs as the reference does.

    CE_c = 100 · Σₛ E_{s,c} / Σₛ E^ref_{s,c}, with E the top-1 error and s the severities; mCE is the mean over c.

    Args:
        cells: Severities 1 to 5 of each corruption in turn, with the errors of the reference.

    Raises:
        CaseError: If the reference makes no error on a corruption.

    Source:
        Hendrycks & Dietterich, ICLR 2019, section 4.2.
    """
    own, reference = _sums([1 - cell.correct for cell in cells]), _sums([cell.reference for cell in cells])
    return _ratio(cells, own, reference, 0, "makes no error on")


def relative_corruption_error(cells: Sequence[Cell]) -> Contributions:
    """Relative CE of one corruption, relative mCE of several: the errors that corruption adds to those on clean images.

    Relative CE_c = 100 · Σₛ (E_{s,c} − E_clean) / Σₛ (E^ref_{s,c} − E^ref_clean); relative mCE is the mean over c.

    Args:
        cells: The clean case, then severities 1 to 5 of each corruption in turn, with the errors of the reference.

    Raises:
        CaseError: If a corruption adds no errors to those of the reference: the quotient has no value, or a sign that
            says the opposite.

    Source:
        Hendrycks & Dietterich, ICLR 2019, section 4.2.
    """
    clean, *corrupted = cells
    own = _sums([clean.correct - cell.correct for cell in corrupted])
    reference = _sums([cell.reference - clean.reference for cell in corrupted])
    return _ratio(corrupted, own, reference, -len(SEVERITIES), "errs no more than on clean images on")


def _sums(values: Sequence[FloatArray]) -> FloatArray:
    """Sums over the severities: as many N-vectors as cells → (N, number of corruptions)."""
    by_corruption = np.stack(values).reshape(-1, len(SEVERITIES), len(values[0]))
    sums: FloatArray = by_corruption.sum(axis=1).T
    return sums


def _ratio(cells: Sequence[Cell], own: FloatArray, reference: FloatArray, least: int, fault: str) -> Contributions:
    """The mean of quotients; ``least`` is the smallest sum that an image can contribute to ``own``."""
    lost = [cell for cell, mean in zip(cells[:: len(SEVERITIES)], reference.mean(axis=0), strict=True) if mean <= 0]
    if lost:
        names = ", ".join(curve_of(cell.case) for cell in lost)
        raise CaseError(f"not defined: over these {len(own)} images the reference {fault} {names}")
    if np.array_equal(own, reference):  # itself
        return Contributions(np.hstack([own, reference]), _mean_percent)
    # The reference is what it is: of it, nothing is said but what these images say.
    bounds = zip((least, len(SEVERITIES)), (reference.min(axis=0), reference.max(axis=0)), strict=True)
    low, high = (np.concatenate([np.full(own.shape[1], end), seen]) for end, seen in bounds)
    return Contributions(np.hstack([own, reference]), _mean_percent, bounds=(low, high))


def _mean_percent(means: FloatArray) -> FloatArray:
    """Mean over C corruptions of 100 · a/b: shape (..., 2C), first all a, then all b → (...)."""
    own, reference = np.split(means, 2, axis=-1)
    # A replicate in which the reference loses nothing says nothing about the quotient, as in the estimate itself.
    quotients = np.divide(own, reference, out=np.full_like(own, np.nan), where=reference > 0)
    percent: FloatArray = 100 * quotients.mean(axis=-1)
    return percent
