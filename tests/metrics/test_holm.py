"""Holm's adjustment, and the smallest difference that would be found."""

from itertools import combinations
from math import isnan, sqrt

import pytest
from hypothesis import given, strategies as st
from scipy import stats

from robustbench_vit.metrics.detectable import detectable_by_interval, detectable_difference
from robustbench_vit.metrics.holm import holm


def test_four_tests_by_hand() -> None:
    """4 · 0.005, 3 · 0.01, 2 · 0.03, and the last is no smaller than the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_no_test_and_one_test() -> None:
    """One alone is not adjusted."""
    assert holm([]) == []
    assert holm([0.04]) == [0.04]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_it_is_the_closed_test_of_bonferroni(p: list[float]) -> None:
    """A test's adjusted p is the largest Bonferroni p of any set of tests that holds it (Marcus et al., 1976)."""
    sets = [chosen for size in range(1, len(p) + 1) for chosen in combinations(range(len(p)), size)]
    closed = [
        max(min(1.0, len(chosen) * min(p[other] for other in chosen)) for chosen in sets if place in chosen)
        for place in range(len(p))
    ]

    assert holm(p) == pytest.approx(closed)


@pytest.mark.parametrize(("n", "discordance"), [(200, 0.3), (1000, 0.2), (50_000, 0.01)])
def test_connor_s_formula_gives_the_number_of_images_back(n: int, discordance: float) -> None:
    """Images = (z_α√ψ + z_β√(ψ − d²))² / d²."""
    d = detectable_difference(n, discordance)
    alpha, beta = stats.norm.ppf([0.975, 0.8])

    assert (alpha * sqrt(discordance) + beta * sqrt(discordance - d**2)) ** 2 / d**2 == pytest.approx(n)


@pytest.mark.parametrize("discordance", [0.0, 0.01])
def test_where_too_few_images_differ_all_must_be_on_one_side(discordance: float) -> None:
    """The formula holds with ψ = d; for no discordance the difference is not 0."""
    n, d = 100, detectable_difference(100, discordance)
    alpha, beta = stats.norm.ppf([0.975, 0.8])

    assert d > discordance
    assert (alpha * sqrt(d) + beta * sqrt(d - d**2)) ** 2 / d**2 == pytest.approx(n)


def test_the_power_is_what_it_says() -> None:
    """Over all outcomes of 400 images, McNemar's asymptotic test finds the difference in about 80 %."""
    n, discordance = 400, 0.2
    d = detectable_difference(n, discordance)
    power = 0.0
    for differ in range(1, n + 1):
        # (b − c)² / (b + c) > z² with b + c = differ
        least = (differ + stats.norm.ppf(0.975) * sqrt(differ)) / 2
        one_side = stats.binom.sf(int(least), differ, (1 + d / discordance) / 2)
        power += stats.binom.pmf(differ, n, discordance) * one_side

    assert power == pytest.approx(0.8, abs=0.02)


def test_few_images_show_nothing() -> None:
    """Three cannot; nor does an interval without width say anything."""
    assert isnan(detectable_difference(3, 0.5))
    assert isnan(detectable_by_interval(0.0, 0.0))


def test_of_an_interval_it_is_the_usual_multiple_of_the_standard_error() -> None:
    """2.80 standard errors, with 1.96 in half an interval."""
    assert detectable_by_interval(-1.96, 1.96) == pytest.approx(2.8, abs=0.01)
