"""Does confidence match accuracy?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_vit.metrics.accuracy import hits
from robustbench_vit.metrics.contributions import Contributions, FloatArray

BINS = 15
"""Guo et al. 2017, section 5: M = 15 bins."""


def expected_calibration_error(rows: pd.DataFrame) -> Contributions:
    """Σ_b (n_b / N) |accuracy_b − mean confidence_b| over 15 equal bins (lo, hi] of the largest probability.

    (n_b / N) |accuracy_b − confidence_b| is |mean over all N images of (confidence − correct) · [image in bin b]|, so
    J = 15 signed columns and a sum of absolute means.

    Args:
        rows: Columns ``confidence`` (float32, in (0, 1]), ``label`` and ``pred``.

    Source:
        C. Guo, G. Pleiss, Y. Sun & K. Weinberger, "On calibration of modern neural networks", ICML 2017, equation 3.
    """
    confidences = rows["confidence"].to_numpy(np.float32)
    signed = np.zeros((len(rows), BINS))
    signed[np.arange(len(rows)), bins(confidences)] = confidences - hits(rows)
    return Contributions(signed, _sum_of_magnitudes, bounds=(0.0, 1.0), norm=True)


def confidence(rows: pd.DataFrame) -> Contributions:
    """Mean of the largest probability.

    Args:
        rows: Column ``confidence``.
    """
    return Contributions(rows["confidence"].to_numpy(np.float64), bounds=(0.0, 1.0))


def reliability(rows: pd.DataFrame) -> FloatArray:
    """How accuracy goes with confidence, bin by bin.

    Args:
        rows: As for `expected_calibration_error`.

    Returns:
        Shape (15, 3): images, mean confidence and accuracy of each bin; the latter two NaN where it is empty.
    """
    confidences = rows["confidence"].to_numpy(np.float32)
    own = bins(confidences)
    images, sure, right = (np.bincount(own, weights, BINS) for weights in (np.ones(len(rows)), confidences, hits(rows)))
    with np.errstate(invalid="ignore"):
        return np.stack([images, sure / images, right / images], axis=1)


def bins(confidences: NDArray[np.float32]) -> NDArray[np.intp]:
    """Number of the bin (lo, hi] each confidence falls into, in [0, 15).

    Args:
        confidences: Shape (N,), float32. The edges are float32 too, so that a stored 0.2 lies on the edge 3/15.
    """
    edges = np.linspace(0, 1, BINS + 1, dtype=np.float32)
    return np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, BINS - 1)


def _sum_of_magnitudes(means: FloatArray) -> FloatArray:
    total: FloatArray = np.abs(means).sum(axis=-1)
    return total
