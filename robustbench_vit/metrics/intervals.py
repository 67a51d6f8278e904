"""95 % intervals: Wilson's for proportions, the percentile bootstrap over images for everything else."""

from collections.abc import Sequence
from functools import lru_cache
from math import nan, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustbench_vit.metrics.contributions import Contributions, FloatArray

LEVEL = 0.95
REPLICATES = 1000
"""Bootstrap replicates; Efron & Tibshirani 1993, section 12.5, advise about 1000 for percentile intervals."""

_ROUNDING = 1e-9  # of sums of 0 and 1, in double precision
_DIGITS = 7  # of replicates, which are sums in single precision: what is 0 must not be below it

_CHUNK = 64  # replicates turned from counts into floats at a time: 50,000 images then take 13 MB


class Estimate(NamedTuple):
    """A number with its interval.

    Args:
        value: The estimate.
        low: Lower end of the interval.
        high: Upper end.
        n: Number of images behind it.
    """

    value: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    With p = successes / n and z the normal quantile of (1 + level) / 2: the solutions q of
    (p − q)² = z² q (1 − q) / n. Unlike p ± z·√(p(1 − p)/n) it stays inside [0, 1] and keeps its coverage near 0 and 1.

    Args:
        successes: Number of successes, in [0, n].
        n: Number of trials, at least 1.
        level: Coverage, in (0, 1).

    Returns:
        Lower and upper end, in [0, 1].

    Raises:
        ValueError: If successes is outside [0, n] or n is below 1.

    Source:
        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927; advised by
        Brown, Cai & DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16, 2001.

    Example:
        >>> low, high = wilson(81, 263)
        >>> round(low, 4), round(high, 4)
        (0.2553, 0.3662)
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"expected 0 <= successes <= n and n >= 1, got successes={successes}, n={n}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    p = successes / n
    centre = p + z**2 / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (centre - spread) / (1 + z**2 / n), (centre + spread) / (1 + z**2 / n)
    # The ends are exact at 0 and n successes; rounding must not say otherwise.
    return (0.0 if successes == 0 else max(low, 0.0)), (1.0 if successes == n else min(high, 1.0))


def bootstrap(contributions: Contributions, level: float = LEVEL) -> tuple[float, float]:
    """Percentile bootstrap over images.

    The draws are a function of N alone. Two numbers over the same images in the same order are therefore resampled
    alike: comparisons between models and cases are paired.

    Args:
        contributions: Of N images, at least one.
        level: Coverage, in (0, 1).

    Returns:
        Lower and upper end; they always hold the estimate. Where all images contribute alike, or what is a norm, see
        `alike` and `of_norm`.

    Source:
        B. Efron & R. Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.
    """
    return _interval(contributions, resampled_means(contributions.values), level)


def estimate(contributions: Sequence[Contributions], level: float = LEVEL) -> list[Estimate]:
    """Numbers with their intervals, all over the same N images.

    Args:
        contributions: Any number of them, each of the same N images in the same order.
        level: Coverage, in (0, 1).

    Returns:
        One estimate each; NaN without images.

    Raises:
        ValueError: If their N differ.
    """
    sizes = {len(item) for item in contributions}
    if len(sizes) > 1:
        raise ValueError(f"expected contributions of the same images, got {sorted(sizes)} images")
    if sizes == {0}:
        return [Estimate(nan, nan, nan, 0) for _ in contributions]
    resampled = [item for item in contributions if not item.proportion]
    # One product for all of them: at 50,000 images the counts cost more than the columns.
    columns = resampled_means(np.hstack([item.values for item in resampled])) if resampled else np.empty((0, 0))
    ends = np.cumsum([item.values.shape[1] for item in resampled])[:-1]
    means = iter(np.split(columns, ends, axis=1))
    return [_wilson_estimate(item, level) if item.proportion else _bootstrap_estimate(item, next(means), level)
            for item in contributions]  # fmt: skip


def resampled_means(values: FloatArray) -> FloatArray:
    """Means over images drawn with replacement.

    W @ values with W the (B, N) matrix of how often replicate b draws image n, divided by N.

    Args:
        values: Shape (N, J).

    Returns:
        Shape (B, J) with B = `REPLICATES`.
    """
    # Single precision is several times faster, exact for counts, and its error is far below an interval's width.
    counts, single = _counts(len(values)), values.astype(np.float32)
    chunks = [counts[start : start + _CHUNK].astype(np.float32) @ single for start in range(0, REPLICATES, _CHUNK)]
    return np.concatenate(chunks).astype(np.float64) / len(values)


def percentiles(value: float, replicates: FloatArray, level: float = LEVEL) -> tuple[float, float]:
    """The interval that bootstrap replicates give.

    Args:
        value: The estimate.
        replicates: Shape (B,), of the number. A ratio has none where its denominator drew no success; such replicates
            are NaN and say nothing.
        level: Coverage, in (0, 1).

    Returns:
        Lower and upper end, widened to hold the estimate; NaN without any replicate.
    """
    defined = replicates[np.isfinite(replicates)]
    if not len(defined):
        return nan, nan
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(min(low, value)), float(max(high, value))


def of_norm(contributions: Contributions, means: FloatArray, level: float = LEVEL) -> tuple[float, float]:
    """The interval of a norm of means, such as the ECE: a sum of magnitudes.

    A norm of noisy means is larger than that of the true ones, and that of resampled means larger still, so percentiles
    lie too high: at n = 500 they hold the ECE of a calibrated classifier never. By the triangle inequality the norm of
    the noise is the most that the number can be too large; so the lower end is the number less the upper quantile of
    ‖resampled means − means‖. The upper end is the upper percentile less the bias that resampling shows.

    Args:
        contributions: Of N images, at least one.
        means: Shape (B, J), from `resampled_means`.
        level: Coverage, in (0, 1).

    Returns:
        Lower and upper end, at least 0.

    Source:
        Our own, judged by simulation (decision 0019). The bias: B. Efron & R. Tibshirani, "An Introduction to the
        Bootstrap", 1993, section 10.3.
    """
    value, replicates = contributions.value, contributions.combine(means)
    noise = contributions.combine(means - contributions.values.mean(axis=0))
    upper = (1 + level) / 2
    low = value - float(np.quantile(noise, upper))
    high = float(np.quantile(replicates, upper) - (replicates.mean() - value))
    return max(low, 0.0), max(high, value)


def alike(contributions: Contributions, level: float = LEVEL) -> tuple[float, float]:
    """The interval where all images contribute alike, or all replicates are, so that resampling says nothing.

    Of n images none contributed anything else, so of all images at most the share u = upper end of Wilson's interval of
    0 of n does. The number lies between the ends that this share could move it to: with a and b the least and the
    largest that an image can contribute, value + u · (a − value) and value + u · (b − value). Of a proportion this is
    Wilson's interval.

    Args:
        contributions: Of N images, at least one.
        level: Coverage, in (0, 1).

    Returns:
        Lower and upper end; NaN where nobody knows a and b.

    Source:
        J. A. Hanley & A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983, with Wilson's
        end in the place of 3/n.
    """
    ends = contributions.ends()
    if ends is None:
        return nan, nan
    _, share = wilson(0, len(contributions), level)
    low, high = (contributions.value + share * (end - contributions.value) for end in ends)
    return (max(low, 0.0) if contributions.norm else low), high


@lru_cache(maxsize=4)
def _counts(n: int) -> NDArray[np.uint8]:
    """How often each replicate draws each of n images: shape (B, n), rows sum to n."""
    # Scoring is no perturbation, so this is no keyed randomness: a local generator seeded with n alone. Raw bits,
    # because numpy promises that those never change between versions, which it does not for Generator.integers.
    bits = np.random.PCG64(n)
    counts = np.empty((REPLICATES, n), dtype=np.uint8)
    for replicate in counts:
        drawn = ((bits.random_raw(n) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)
        replicate[:] = np.bincount(drawn.astype(np.int64), minlength=n)
    return counts


def _wilson_estimate(contributions: Contributions, level: float) -> Estimate:
    n, sums = len(contributions), contributions.values.sum(axis=0)
    low, high = wilson(int(sums[0]), n if len(sums) == 1 else int(sums.sum()), level)
    return Estimate(contributions.value, low, high, n)


def _bootstrap_estimate(contributions: Contributions, means: FloatArray, level: float) -> Estimate:
    return Estimate(contributions.value, *_interval(contributions, means, level), len(contributions))


def _interval(contributions: Contributions, means: FloatArray, level: float) -> tuple[float, float]:
    if _are_alike(contributions.values):
        return alike(contributions, level)
    if contributions.norm:
        return of_norm(contributions, means, level)
    replicates = np.round(contributions.combine(means), _DIGITS) + 0.0
    # As of a ratio of two means in which each image counts alike. Without bounds it is the number that is certain: a
    # model relative to itself.
    if contributions.bounds is not None and _are_alike(replicates):
        return alike(contributions, level)
    return percentiles(contributions.value, replicates, level)


def _are_alike(values: FloatArray) -> bool:
    """Whether all images, or all replicates, have the same but for rounding."""
    return bool((np.ptp(values, axis=0) <= _ROUNDING * np.abs(values).max(axis=0)).all())
