"""Holm's adjustment: how sure one may be of each of several tests together."""

from collections.abc import Sequence

import numpy as np

from robustbench_vit.metrics.contributions import FloatArray


def holm(p: Sequence[float] | FloatArray) -> list[float]:
    """Adjusted p of each test: those at most α are rejected, with a false one among them in a share α of cases at most.

    With p₍₁₎ ≤ … ≤ p₍ₘ₎: the largest over j ≤ i of (m − j + 1) · p₍ⱼ₎, at most 1. It assumes nothing of how the tests
    depend on one another.

    Args:
        p: Of each test, in [0, 1].

    Returns:
        In the order given, in [0, 1].

    Source:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Example:
        >>> holm([0.25, 0.125, 0.5])
        [0.5, 0.375, 0.5]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return [float(one) for one in adjusted]
