"""Intervals and tests over simulations with known truth: they cover, find and spare as often as they say.

Every draw here is of independent images from a known population. Small versions run always, the full ones (2,000
simulations) with ``pytest -m slow``.
"""

from math import sqrt

import numpy as np
import pytest
from fake_runs import corruption_plan
from scipy import stats

from robustbench_vit.aggregates.corruption_error import corruption_error
from robustbench_vit.aggregates.corruptions import BENCHMARK, SEVERITIES
from robustbench_vit.aggregates.groups import Cell
from robustbench_vit.metrics import Contributions, bootstrap, wilson
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.holm import holm
from robustbench_vit.metrics.mcnemar import mcnemar
from robustbench_vit.metrics.permutation import permutations

TIMES = pytest.mark.parametrize("times", [60, pytest.param(2000, marks=pytest.mark.slow)])
"""How many simulations."""

GRID = [case for case in corruption_plan() if case.family == "corruption"]
EASE = np.linspace(0.85, 0.35, len(SEVERITIES))
"""Accuracy at each severity."""


def permutation(one: Contributions, two: Contributions) -> float:
    """The p of one pair."""
    return permutations([(one, two)])[0]


def expect(found: int, times: int, low: float, high: float) -> None:
    """So many of the simulations lie in [low, high] of all; below 2,000 with four standard errors of slack."""
    slack = 4 * sqrt(0.05 * 0.95 / times) if times < 2000 else 0.0
    print(f"{found} of {times}: {found / times:.2%}")  # shown by pytest -s

    assert low - slack <= found / times <= high + slack


def cells(generator: np.random.Generator, n: int, accuracies: FloatArray, shared: float = 0.6) -> FloatArray:
    """N×C of 0 and 1 with these accuracies; an image that is hard in one cell is hard in the others.

    Args:
        generator: Draws.
        n: N.
        accuracies: Of C cells.
        shared: Correlation of two cells' latent normals.
    """
    hard = sqrt(shared) * generator.normal(size=(n, 1))
    own = sqrt(1 - shared) * generator.normal(size=(n, len(accuracies)))
    return (hard + own < stats.norm.ppf(accuracies)).astype(float)


def mce(correct: FloatArray, reference: FloatArray | float) -> Contributions:
    """The mCE of 75 cells in the order of the grid, relative to errors of a model, N×75, or to one rate."""
    errors = np.broadcast_to(reference, correct.shape).T
    grid = zip(GRID, correct.T, errors, strict=True)
    return corruption_error([Cell(case, one, reference=error) for case, one, error in grid])


@pytest.mark.parametrize("n", [500, 1000, 5000])
def test_wilson_covers_exactly_what_it_says(n: int) -> None:
    """No simulation: for each p the probabilities of all counts whose interval holds it are added up."""
    counts = np.arange(n + 1)
    low, high = np.array([wilson(int(count), n) for count in counts]).T
    p = np.linspace(0.05, 0.95, 181)[:, None]
    covered = (stats.binom.pmf(counts, n, p) * ((low <= p) & (p <= high))).sum(axis=1)

    assert covered.min() >= 0.93
    assert covered.max() <= 0.97
    assert covered.mean() == pytest.approx(0.95, abs=0.002)


@TIMES
@pytest.mark.parametrize("paired", [False, True])
def test_the_bootstrap_of_mce_covers(paired: bool, times: int) -> None:
    """75 cells of 500 images, relative to a published rate, or to a model that was measured on the same images."""
    generator, held = np.random.default_rng(1), 0
    accuracies, theirs = np.tile(EASE, len(BENCHMARK)), np.tile(EASE - 0.2, len(BENCHMARK))
    true = 100 * (1 - EASE).sum() / ((1 - EASE).sum() + 1.0)
    for _ in range(times):
        if paired:
            both = cells(generator, 500, np.concatenate([accuracies, theirs]))
            number = mce(both[:, : len(GRID)], 1 - both[:, len(GRID) :])
        else:
            number = mce(cells(generator, 500, accuracies), float((1 - EASE + 0.2).mean()))
        low, high = bootstrap(number)
        held += low <= true <= high

    expect(held, times, 0.93, 0.97)


@TIMES
@pytest.mark.parametrize("n", [500, 5000])
def test_the_bootstrap_of_a_difference_covers(n: int, times: int) -> None:
    """Two points between two accuracies, over the same images."""
    generator, held = np.random.default_rng(2), 0
    for _ in range(times):
        a, b = cells(generator, n, np.array([0.70, 0.72]), shared=0.8).T
        low, high = bootstrap(Contributions(b).minus(Contributions(a)))
        held += low <= 0.02 <= high

    expect(held, times, 0.93, 0.97)


@pytest.mark.parametrize("n", [500, 5000])
@pytest.mark.parametrize("discordance", [0.02, 0.1, 0.4])
def test_equal_models_are_told_apart_by_mcnemar_s_test_in_one_of_twenty_at_most(n: int, discordance: float) -> None:
    """No simulation: over all numbers of images that only one has right, and all their splits."""
    differ = np.arange(n + 1)
    # p < 0.05 for at most so many on the smaller side: the largest k with P(X ≤ k) < 0.025
    least = stats.binom.ppf(0.025, differ, 0.5)
    most = np.where(stats.binom.cdf(least, differ, 0.5) < 0.025, least, least - 1)
    apart = (stats.binom.pmf(differ, n, discordance) * 2 * stats.binom.cdf(most, differ, 0.5)).sum()

    assert 0.02 < apart <= 0.05
    assert mcnemar(np.repeat([1.0, 0], [most[-1], n - most[-1]]), np.repeat([0.0, 1], [most[-1], n - most[-1]])) < 0.05
    more = most[-1] + 1
    assert mcnemar(np.repeat([1.0, 0], [more, n - more]), np.repeat([0.0, 1], [more, n - more])) >= 0.05


@TIMES
@pytest.mark.parametrize("n", [500, 5000])
def test_equal_models_are_told_apart_by_exchanges_in_one_of_twenty_at_most(n: int, times: int) -> None:
    """Mean accuracy over five cells, which is no count of right and wrong."""
    generator, apart = np.random.default_rng(3), 0
    for _ in range(times):
        both = cells(generator, n, np.tile(EASE, 2))
        a, b = (Contributions(half.mean(axis=1)) for half in np.split(both, 2, axis=1))
        apart += permutation(a, b) < 0.05

    expect(apart, times, 0, 0.06)


@TIMES
def test_two_points_are_found(times: int) -> None:
    """Of 5,000 images 10 % are right with one alone, 6 % with the better: found in 95 % at least, by either test."""
    generator, tests = np.random.default_rng(4), np.zeros(2)
    for _ in range(times):
        kind = generator.choice(3, size=5000, p=[0.04, 0.06, 0.90])
        a, b = np.where(kind == 0, 1.0, kind == 2), np.where(kind == 1, 1.0, kind == 2)
        tests += [mcnemar(a, b) < 0.05, permutation(Contributions(a), Contributions(b)) < 0.05]

    expect(int(tests.min()), times, 0.95, 1)


@TIMES
def test_a_whole_comparison_of_equal_models_finds_nothing(times: int) -> None:
    """75 cases, the mean of each corruption, of all, and mCE, adjusted together: one false row in 6 % at most."""
    generator, wrong = np.random.default_rng(5), 0
    accuracies = np.tile(EASE, 2 * len(BENCHMARK))
    for _ in range(times):
        a, b = np.split(cells(generator, 500, accuracies), 2, axis=1)
        cases = [mcnemar(one, two) for one, two in zip(a.T, b.T, strict=True)]
        by_corruption = [one.reshape(500, len(BENCHMARK), -1).mean(axis=2) for one in (a, b)]
        means = [tuple(Contributions(one[:, at]) for one in by_corruption) for at in range(len(BENCHMARK))]
        over = [(Contributions(a.mean(axis=1)), Contributions(b.mean(axis=1))), (mce(a, 0.5), mce(b, 0.5))]
        wrong += min(holm([*cases, *permutations([*means, *over])])) < 0.05

    expect(wrong, times, 0, 0.06)
