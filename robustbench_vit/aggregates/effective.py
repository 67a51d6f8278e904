"""Effective robustness: accuracy under a shift beyond what clean accuracy lets one expect of a model."""

from dataclasses import dataclass

import numpy as np

from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.intervals import Estimate, percentiles, resampled_means

EFFECTIVE = "effective_robustness"
"""Name of the number."""

FEWEST = 3
"""Models a line is fitted to at least; through two it always passes."""


@dataclass(frozen=True)
class Line:
    """Accuracy on the line, and each model's distance from it.

    Args:
        slope: b of logit(shifted) = a + b · logit(clean).
        intercept: a.
        robustness: Effective robustness of each model in [−1, 1], with its interval.
    """

    slope: float
    intercept: float
    robustness: list[Estimate]

    def distance(self, clean: float, shifted: float, n: int, others: int) -> float:
        """How far a model lies above the line.

        Args:
            clean: Its clean accuracy.
            shifted: Its accuracy under the shift.
            n: Images behind the first.
            others: Images behind the second.
        """
        expected = _rate(self.intercept + self.slope * _logit(np.array(clean), n))
        return float(_inside(np.array(shifted), others) - expected)


def effective_robustness(clean: FloatArray, shifted: FloatArray) -> Line:
    """Fit the line that clean accuracy predicts accuracy under shift by, and measure each model's distance from it.

    ρ(m) = shifted(m) − β(clean(m)), β(p) = logit⁻¹(a + b · logit(p)) with a and b by least squares over the models.
    Accuracies of 0 and 1, which have no logit, count as half an image's worth more or less, in β and before the minus:
    else a model that is always right would lie half an image above a line that goes through it.

    Intervals are percentiles over resampled images, the same for all models, with the line fitted anew in every
    replicate. They hold what other images would change, and not what other models would: each model is also a point of
    the line, so with few of them all are drawn towards it.

    Args:
        clean: Shape (N, M), 1 where model m is right about image n, else 0; or shares of right answers.
        shifted: Shape (N', M), likewise under the shift, in [0, 1]; of several cases, their mean on each image. The
            images may be others. If they are the same they must stand in the same order, for then they are resampled
            together.

    Raises:
        CaseError: If fewer than three models differ in clean accuracy, or there is no image.

    Source:
        Taori et al., "Measuring robustness to natural distribution shifts in image classification", NeurIPS 2020,
        section 2.

    Differences:
        There the line is fitted to models that were trained without any means against shifts; who those are, a table
        does not know, so here it is fitted to all.
    """
    if not len(clean) or not len(shifted):
        raise CaseError("effective robustness is not defined: there is no image that all models have seen")
    if (found := len(np.unique(clean.mean(axis=0)))) < FEWEST:
        raise CaseError(
            f"effective robustness needs {FEWEST} models of different clean accuracy to fit a line, there are {found}"
        )
    own, slope, intercept = _distances(clean.mean(axis=0), shifted.mean(axis=0), len(clean), len(shifted))
    drawn, _, _ = _distances(resampled_means(clean), resampled_means(shifted), len(clean), len(shifted))
    robustness = [
        Estimate(float(value), *percentiles(float(value), replicates), len(shifted))
        for value, replicates in zip(own, drawn.T, strict=True)
    ]
    return Line(float(slope[0]), float(intercept[0]), robustness)


def _distances(
    clean: FloatArray, shifted: FloatArray, n: int, others: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distance of M models from their line, (…, M), its slope and its intercept, (…, 1)."""
    x, y = _logit(clean, n), _logit(shifted, others)
    middle = x.mean(axis=-1, keepdims=True)
    spread = ((x - middle) ** 2).sum(axis=-1, keepdims=True)
    # A replicate in which all models are equally accurate has no line, and says nothing.
    common = ((x - middle) * y).sum(axis=-1, keepdims=True)
    slope = np.divide(common, spread, out=np.full_like(spread, np.nan), where=spread > 0)
    intercept = y.mean(axis=-1, keepdims=True) - slope * middle
    return _inside(shifted, others) - _rate(intercept + slope * x), slope, intercept


def _inside(accuracy: FloatArray, n: int) -> FloatArray:
    """Accuracies over n images, half an image away from 0 and 1 at least."""
    return np.clip(accuracy, 0.5 / n, 1 - 0.5 / n)


def _logit(accuracy: FloatArray, n: int) -> FloatArray:
    inside = _inside(accuracy, n)
    logit: FloatArray = np.log(inside / (1 - inside))
    return logit


def _rate(logit: FloatArray) -> FloatArray:
    """The inverse of the logit."""
    rate: FloatArray = 1 / (1 + np.exp(-logit))
    return rate
