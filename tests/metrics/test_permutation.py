"""The permutation test against McNemar's exact test, scipy's enumeration of all exchanges, and simulation."""

from math import exp
from time import perf_counter

import numpy as np
import pytest
from scipy import stats

from robustbench_vit.metrics import Contributions
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.mcnemar import mcnemar
from robustbench_vit.metrics.permutation import DRAWS, permutations

SLACK = 3.5  # standard errors of the share of draws


def permutation(one: Contributions, two: Contributions) -> float:
    """The p of one pair."""
    return permutations([(one, two)])[0]


def ratio(means: FloatArray) -> FloatArray:
    """First mean / second mean."""
    return np.divide(means[..., 0], means[..., 1], out=np.full(means.shape[:-1], np.nan), where=means[..., 1] > 0)


@pytest.mark.parametrize(("only_one", "only_two"), [(0, 0), (1, 0), (0, 3), (4, 9), (10, 10), (30, 50), (200, 240)])
def test_of_right_and_wrong_it_is_mcnemar_s_test(only_one: int, only_two: int) -> None:
    """Whatever the images on which both are right or both wrong."""
    one = np.repeat([1.0, 0, 1, 0], [only_one, only_two, 100, 37])
    two = np.repeat([0.0, 1, 1, 0], [only_one, only_two, 100, 37])
    exact = mcnemar(one, two)

    error = SLACK * np.sqrt(exact * (1 - exact) / DRAWS) + 1 / DRAWS
    assert permutation(Contributions(one), Contributions(two)) == pytest.approx(exact, abs=error)


def test_all_exchanges_of_twelve_images() -> None:
    """Of a quotient, scipy counts all 4096 by exchanging pairs of rows."""
    generator = np.random.default_rng(0)
    one, two = generator.random((2, 12, 2)) + np.array([0.3, 0.0])
    exact = stats.permutation_test(
        (np.arange(12), np.arange(12, 24)),
        lambda a, b: ratio(np.vstack([one, two])[a].mean(axis=0)) - ratio(np.vstack([one, two])[b].mean(axis=0)),
        permutation_type="samples",
        vectorized=False,
    ).pvalue

    p = permutation(Contributions(one, ratio), Contributions(two, ratio))
    assert p == pytest.approx(exact, abs=SLACK * np.sqrt(exact * (1 - exact) / DRAWS))


def test_equal_models_and_no_images() -> None:
    """Every exchange makes as large a difference as none."""
    values = np.random.default_rng(1).random((40, 2))

    assert permutation(Contributions(values, ratio), Contributions(values, ratio)) == 1
    assert permutation(Contributions(np.empty(0)), Contributions(np.empty(0))) == 1


def test_the_order_of_the_models_does_not_matter() -> None:
    """Two-sided."""
    one, two = (Contributions(values) for values in np.random.default_rng(2).random((2, 90)))

    assert permutation(one, two) == permutation(two, one)


def test_draws_that_say_nothing_count_as_large() -> None:
    """Where both models' only success falls to one of them, the other has no quotient."""
    one, two = np.array([[1.0, 1], [0, 0]]), np.array([[0.0, 0], [0, 1]])

    assert permutation(Contributions(one, ratio), Contributions(two, ratio)) == 1


def test_several_at_once_are_each_as_alone() -> None:
    """Also over different images."""
    generator = np.random.default_rng(3)
    pairs = [
        tuple(Contributions(values, combine) for values in generator.random((2, n, 2)))
        for n, combine in ((50, ratio), (70, ratio), (50, lambda means: means[..., 1]))
    ]

    assert permutations([]) == []
    assert permutations(pairs) == pytest.approx([permutation(*pair) for pair in pairs])


def test_draws_never_change() -> None:
    """The bits of PCG64 are the draws: 64 to a word, a word a draw for up to 64 images."""
    words = np.random.PCG64(3).random_raw(DRAWS)
    values = np.array([1.0, 2.0, 4.0])
    sums = sum(np.where(words >> np.uint64(7 - place) & np.uint64(1), -value, value)
               for place, value in enumerate(values))  # fmt: skip
    expected = (1 + (np.abs(sums) >= 7).sum()) / (1 + DRAWS)

    assert permutation(Contributions(values), Contributions(np.zeros(3))) == expected


@pytest.mark.parametrize("n", [60, 400])
def test_beyond_the_draws_p_is_a_bound_of_the_exact_one(n: int) -> None:
    """All images against none: p = 2 / 2^n, of which Hoeffding's inequality knows 2·exp(−n/2)."""
    p = permutation(Contributions(np.ones(n)), Contributions(np.zeros(n)))

    assert 2 / 2**n < p == pytest.approx(2 * exp(-n / 2))


def test_other_shapes_are_refused() -> None:
    """The message holds both."""
    with pytest.raises(ValueError, match=r"got \(2, 1\) and \(3, 1\)"):
        permutation(Contributions(np.ones(2)), Contributions(np.ones(3)))


@pytest.mark.slow
def test_fifty_thousand_images_take_seconds() -> None:
    """Under two."""
    one, two = (Contributions(values) for values in np.random.default_rng(4).random((2, 50_000)))
    began = perf_counter()
    permutation(one, two)

    assert perf_counter() - began < 2
