"""The permutation test: would exchanging two models, image by image, make as large a difference?"""

from collections.abc import Iterator, Sequence
from math import exp

import numpy as np
from numpy.typing import NDArray

from robustbench_vit.metrics.contributions import Contributions, FloatArray

DRAWS = 9_999
"""Exchanges drawn; with the observed one they are 10,000, so that p is a multiple of 0.0001."""

_CHUNK = 64  # draws turned from bits into floats at a time: 50,000 images then take 13 MB

_ROUNDING = (
    1e-4  # of the mean difference drawn: single precision errs less, and ties between integers lie further apart
)


def permutations(pairs: Sequence[tuple[Contributions, Contributions]]) -> list[float]:
    """Two-sided p of the hypothesis that exchanging two models on any image leaves their difference as it is.

    In each of R draws, what the two contribute is exchanged on about half of the images. With h the draws whose
    difference is as large as the observed one, p = (1 + h) / (1 + R). The draws are a function of N alone, so numbers
    over equally many images share them.

    Where h is 0, p is at most 1 / (1 + R); Hoeffding's inequality may know that it is smaller: 2·exp(−z²/2), with z the
    difference in standard errors, bounds the p of all 2^N exchanges. So a clear difference stays one after an
    adjustment over more than 500 tests.

    Args:
        pairs: A number of two models each, on the same images in the same order.

    Returns:
        p of each, in (0, 1]; 1 where there is no image. A draw for which the number is not defined counts as large.

    Raises:
        ValueError: If the two of a pair have values of different shapes.

    Source:
        B. Efron & R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 15; (1 + h) / (1 + R) by B. Phipson
        & G. Smyth, "Permutation p-values should never be zero", SAGMB 9, 2010; W. Hoeffding, "Probability inequalities
        for sums of bounded random variables", JASA 58, 1963, theorem 2.

    Differences:
        Of a quotient, Hoeffding's bound is that of its linear approximation.

    Example:
        >>> permutations([(Contributions(np.ones(4)), Contributions(np.ones(4)))])
        [1.0]
    """
    p = [1.0] * len(pairs)
    for n in {len(one) for one, _ in pairs} - {0}:
        places = [place for place, (one, _) in enumerate(pairs) if len(one) == n]
        alike = [pairs[place] for place in places]
        # One product for all of them: making the draws costs more than using them.
        given = np.split(_given(np.hstack([_gap(*pair) for pair in alike])), _ends(alike), axis=1)
        for place, means in zip(places, given, strict=True):
            p[place] = _p(*pairs[place], means)
    return p


def _gap(one: Contributions, two: Contributions) -> FloatArray:
    if one.values.shape != two.values.shape:
        raise ValueError(f"expected two models with as many values, got {one.values.shape} and {two.values.shape}")
    gap: FloatArray = two.values - one.values
    return gap


def _ends(pairs: Sequence[tuple[Contributions, Contributions]]) -> NDArray[np.int64]:
    return np.cumsum([one.values.shape[1] for one, _ in pairs])[:-1]


def _given(gaps: FloatArray) -> FloatArray:
    """What each draw gives to the means of the first model and takes from those of the second: (N, J) → (R, J)."""
    single = gaps.astype(np.float32)
    return np.concatenate([bits @ single for bits in _exchanged(len(gaps))]).astype(np.float64) / len(gaps)


def _exchanged(n: int) -> Iterator[NDArray[np.float32]]:
    """Which of n images are exchanged, chunk by chunk of the draws: 1 or 0."""
    # Raw bits, for the reason given in `intervals`: numpy promises that they never change.
    raw, words = np.random.PCG64(n), -(-n // 64)
    for start in range(0, DRAWS, _CHUNK):
        draws = min(_CHUNK, DRAWS - start)
        drawn = raw.random_raw(draws * words).astype("<u8").view(np.uint8).reshape(draws, -1)
        yield np.unpackbits(drawn, axis=1, count=n).astype(np.float32)


def _p(one: Contributions, two: Contributions, given: FloatArray) -> float:
    drawn = np.abs(one.combine(one.values.mean(axis=0) + given) - two.combine(two.values.mean(axis=0) - given))
    observed = abs(one.value - two.value)
    hits = int((~(drawn < observed - _ROUNDING * np.nan_to_num(drawn).mean())).sum())
    p = (1 + hits) / (1 + DRAWS)
    return p if hits else min(p, _hoeffding(one, two))


def _hoeffding(one: Contributions, two: Contributions) -> float:
    gaps = one.linear() - two.linear()
    return 2 * exp(-float(gaps.sum() ** 2 / (2 * (gaps**2).sum())))
