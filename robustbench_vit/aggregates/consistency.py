"""Two decision makers on the same images: do they err on the same ones?"""

from collections.abc import Sequence

import numpy as np

from robustbench_vit.aggregates.groups import Cell
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.contributions import Contributions, FloatArray

_RATES = (0.0, 1.0)


def error_consistency(cells: Sequence[Cell]) -> Contributions:
    """κ = (c_obs − c_exp) / (1 − c_exp): 1 if the same images are right, 0 if no more of them than by chance.

    Args:
        cells: Pairs of decision makers, one behind the other; the number is the mean over the pairs.

    Raises:
        CaseError: If c_exp is 1 for a pair, both being always right or both always wrong.

    Source:
        R. Geirhos, K. Meding & F. Wichmann, "Beyond accuracy: quantifying trial-by-trial behaviour of CNNs and humans
        by measuring error consistency", NeurIPS 2020, section 2.

    Differences:
        model-vs-human gives 1 where the observed consistency is 1, also where nothing else was possible.
    """
    values = _values(cells)
    if not np.isfinite(_kappas(values.mean(axis=0))).all():
        raise CaseError("not defined: both are right on all images, or both wrong, so chance alone makes them agree")
    return Contributions(values, _mean_kappa, bounds=_RATES)


def observed_consistency(cells: Sequence[Cell]) -> Contributions:
    """c_obs: share of images on which both are right or both wrong, in [0, 1].

    Args:
        cells: As for `error_consistency`.
    """
    return Contributions(_values(cells), lambda means: _consistencies(means)[0].mean(axis=-1), bounds=_RATES)


def expected_consistency(cells: Sequence[Cell]) -> Contributions:
    """c_exp = p₁p₂ + (1 − p₁)(1 − p₂): the same of two that err independently, with accuracies p₁ and p₂; in [0, 1].

    Args:
        cells: As for `error_consistency`.
    """
    return Contributions(_values(cells), lambda means: _consistencies(means)[1].mean(axis=-1), bounds=_RATES)


def accuracy_difference(cells: Sequence[Cell]) -> Contributions:
    """Accuracy of the first − accuracy of the second, in [−1, 1].

    Args:
        cells: As for `error_consistency`.
    """
    differences = np.mean([one.correct - two.correct for one, two in _pairs(cells)], axis=0)
    return Contributions(differences, bounds=(-1.0, 1.0))


def _pairs(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    return list(zip(cells[::2], cells[1::2], strict=True))


def _values(cells: Sequence[Cell]) -> FloatArray:
    """Whether the first is right, the second, and both, for each of P pairs: shape (N, 3P)."""
    return np.stack(
        [column for one, two in _pairs(cells) for column in (one.correct, two.correct, one.correct * two.correct)],
        axis=1,
    )


def _consistencies(means: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Observed and expected consistency of each pair: shape (..., 3P) → twice (..., P)."""
    one, two, both = (means[..., column::3] for column in range(3))
    return 1 - one - two + 2 * both, one * two + (1 - one) * (1 - two)


def _kappas(means: FloatArray) -> FloatArray:
    """κ of each pair: shape (..., 3P) → (..., P); NaN where it is not defined."""
    observed, expected = _consistencies(means)
    room = 1 - expected
    kappas: FloatArray = np.divide(observed - expected, room, out=np.full_like(room, np.nan), where=room > 1e-9)
    return kappas


def _mean_kappa(means: FloatArray) -> FloatArray:
    mean: FloatArray = _kappas(means).mean(axis=-1)
    return mean
