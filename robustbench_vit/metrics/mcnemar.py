"""McNemar's exact test: do two treatments of the same images differ?"""

from math import log

import numpy as np

from robustbench_vit.metrics.contributions import FloatArray


def mcnemar(one: FloatArray, two: FloatArray) -> float:
    """Two-sided p of the hypothesis that images which only one gets right are as likely to be the one's as the other's.

    With b images that only the first has right and c that only the second has: twice the probability of at most
    min(b, c) heads in b + c throws of a fair coin, at most 1.

    Args:
        one: Shape (N,), 1 where the first is right, else 0.
        two: The same of the second, on the same images in the same order.

    Returns:
        In (0, 1]; a p below 1e-308 comes out as 0.

    Source:
        Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
        Psychometrika 12, 1947; the exact form is the sign test.

    Example:
        >>> round(mcnemar(np.array([1.0, 1, 1, 1, 1, 0]), np.array([0.0, 0, 0, 0, 0, 1])), 5)
        0.21875
    """
    only_one, only_two = int((one > two).sum()), int((two > one).sum())
    throws, fewer = only_one + only_two, min(only_one, only_two)
    heads = np.arange(1, fewer + 1)
    # ln of the binomial coefficients, each from the one before: they themselves leave the range of floats at 1030.
    logarithms = np.concatenate([[0.0], np.cumsum(np.log((throws - heads + 1) / heads))])
    return min(1.0, 2 * float(np.exp(logarithms - throws * log(2)).sum()))
