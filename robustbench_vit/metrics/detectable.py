"""The smallest difference between two models that a number of images would show."""

from math import nan, sqrt
from statistics import NormalDist

LEVEL = 0.05
"""Two-sided level of the test."""

POWER = 0.8
"""Chance of finding a true difference; what planners of studies ask for by custom. It is reached approximately: the
exact test of a case has 0.77 to 0.79 there."""


def detectable_difference(n: int, discordance: float, level: float = LEVEL, power: float = POWER) -> float:
    """The smallest true difference of two accuracies that McNemar's test finds with the power given.

    With ψ the share of images on which exactly one of the two is right, d the difference, and z the normal quantiles of
    1 − level/2 (α) and of the power (β), the test needs n = (z_α√ψ + z_β√(ψ − d²))² / d² images. Solved for d, this is
    g·√ψ with g = (z_α√n + z_β√(n + z_β² − z_α²)) / (n + z_β²). No difference is larger than ψ; where g·√ψ is, ψ must
    be larger for any to be found, and the smallest found is the one with all such images on one side, ψ = d = g².

    Args:
        n: Number of images both have seen.
        discordance: ψ as observed, in [0, 1].
        level: Two-sided level of the test, in (0, 1).
        power: Chance of finding the difference, in (level, 1).

    Returns:
        In (0, 1]; NaN for so few images that no difference would be found.

    Source:
        R. J. Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43,
        1987.

    Differences:
        The formula is of the asymptotic test without correction. The exact test that `mcnemar` is finds a little less
        (with a power of 0.8, in 0.77 to 0.79), and Holm's adjustment over several cases less still.

    Example:
        >>> round(detectable_difference(1000, 0.2), 4)
        0.0396
    """
    alpha, beta = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)
    if n < alpha**2:  # g would be larger than 1
        return nan
    factor = (alpha * sqrt(n) + beta * sqrt(n + beta**2 - alpha**2)) / (n + beta**2)
    return factor * max(sqrt(discordance), factor)


def detectable_by_interval(low: float, high: float, level: float = LEVEL, power: float = POWER) -> float:
    """Likewise of a number whose 95 % interval is all that is known: (z_α + z_β) standard errors.

    Args:
        low: Lower end of the interval of the difference.
        high: Upper end; half the width is taken for 1.96 standard errors.
        level: Two-sided level of the test, in (0, 1).
        power: Chance of finding the difference, in (0, 1).

    Returns:
        In the unit of the number; NaN without an interval.

    Source:
        The normal approximation, e.g. J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988.
    """
    if not high > low:
        return nan
    normal = NormalDist()
    deviation = (high - low) / (2 * normal.inv_cdf(0.975))
    return (normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)) * deviation
