"""Intervals against published values, scipy and simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from robustbench_vit.metrics import Contributions, bootstrap, estimate, wilson
from robustbench_vit.metrics.intervals import REPLICATES, resampled_means


def test_wilson_gives_the_published_example() -> None:
    """81 of 263: Newcombe, Statistics in Medicine 17, 1998, table I, method 3."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 10), (10, 10), (3, 7), (499, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_agrees_with_scipy(successes: int, n: int, level: float) -> None:
    """The score interval of scipy without continuity correction is the same."""
    expected = binomtest(successes, n).proportion_ci(level, method="wilson")

    assert wilson(successes, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_ends_are_exact_where_nothing_or_everything_succeeds() -> None:
    """Rounding never yields an end of 1e-18."""
    assert wilson(0, 33)[0] == 0
    assert wilson(33, 33)[1] == 1


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_wilson_refuses_impossible_counts(successes: int, n: int) -> None:
    """The message holds what came."""
    with pytest.raises(ValueError, match=f"got successes={successes}, n={n}"):
        wilson(successes, n)


def test_draws_depend_on_n_alone() -> None:
    """Two numbers over the same images are resampled alike, so their difference is paired."""
    generator = np.random.default_rng(1)
    one, two = generator.normal(size=(2, 50, 1))

    paired = resampled_means(np.hstack([one, two]))

    assert np.allclose(resampled_means(one)[:, 0], paired[:, 0], atol=1e-6)
    assert np.allclose(resampled_means(one - two), paired[:, :1] - paired[:, 1:], atol=1e-6)


def test_draws_never_change() -> None:
    """The first replicate of five images, from PCG64's raw bits, which numpy keeps across versions."""
    bits = np.random.PCG64(5).random_raw(5)
    expected = np.mean([int(word) * 5 >> 64 for word in bits])

    assert resampled_means(np.arange(5.0)[:, None])[0, 0] == pytest.approx(expected)
    assert resampled_means(np.ones((5, 1))).tolist() == [[1.0]] * REPLICATES


def test_bootstrap_agrees_with_the_normal_interval_of_a_mean() -> None:
    """For a mean of many values both are the same, up to the noise of 1000 replicates."""
    values = np.random.default_rng(2).normal(3, 2, size=2000)
    expected = np.mean(values) + np.array([-1.96, 1.96]) * np.std(values) / np.sqrt(2000)

    assert bootstrap(Contributions(values)) == pytest.approx(tuple(expected), abs=0.012)


def test_bootstrap_covers_the_truth_as_often_as_it_says() -> None:
    """95 % of 300 simulated ratios of means, give or take three standard errors."""
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        clean = generator.random(150) < 0.8
        kept = clean & (generator.random(150) < 0.7)
        ratio = Contributions(np.stack([kept, clean], axis=1), lambda means: means[..., 0] / means[..., 1])
        low, high = bootstrap(ratio)
        covered += low <= 0.7 <= high

    assert covered / 300 == pytest.approx(0.95, abs=0.04)


def test_interval_of_a_biased_number_still_holds_it() -> None:
    """Resampling biases a sum of magnitudes upwards; the interval is widened to hold the estimate."""
    values = np.tile([1.0, -1.0], 50)
    folded = Contributions(values, lambda means: np.abs(means[..., 0]))

    low, high = bootstrap(folded)

    assert folded.value == low == 0
    assert high > 0


def test_estimate_equals_one_by_one() -> None:
    """Stacking contributions into one product changes nothing."""
    generator = np.random.default_rng(4)
    items = [
        Contributions(generator.normal(size=(40, 3)), lambda means: np.abs(means).sum(axis=-1)),
        Contributions(generator.integers(2, size=40), proportion=True),
        Contributions(generator.normal(size=40)),
    ]

    together = estimate(items)

    alone = [estimate([item])[0] for item in items]

    assert np.allclose(together, alone, atol=1e-6)
    assert together[1][1:3] == wilson(int(items[1].values.sum()), 40)
    assert together[0][1:3] == pytest.approx(bootstrap(items[0]), abs=1e-6)


def test_estimate_without_images_is_not_a_number() -> None:
    """No image, no number, and no warning either."""
    (number,) = estimate([Contributions(np.empty(0))])

    assert np.isnan([number.value, number.low, number.high]).all()
    assert number.n == 0
    assert estimate([]) == []


def test_estimate_refuses_contributions_of_other_images() -> None:
    """Numbers estimated together are over the same images."""
    with pytest.raises(ValueError, match=r"got \[2, 3\] images"):
        estimate([Contributions(np.ones(2)), Contributions(np.ones(3))])


def test_where_all_images_are_alike_a_mean_has_wilson_s_interval() -> None:
    """Always right over a curve is no more certain than always right in a case; between the ends, 0 of n others."""
    few = wilson(0, 50)[1]

    assert bootstrap(Contributions(np.ones(50), bounds=(0.0, 1.0))) == pytest.approx(wilson(50, 50))
    assert bootstrap(Contributions(np.zeros(50), bounds=(0.0, 1.0))) == pytest.approx(wilson(0, 50))
    half = bootstrap(Contributions(np.full(50, 0.5), bounds=(0.0, 1.0)))
    assert half == pytest.approx((0.5 - few / 2, 0.5 + few / 2))
    assert wilson(25, 50)[0] < half[0]


def test_where_all_images_are_alike_a_quotient_can_move_both_ways() -> None:
    """All kept: what so few others could take from above, or from below, in the first order."""
    few = wilson(0, 50)[1]
    ratio = Contributions(np.ones((50, 2)), lambda means: means[..., 0] / means[..., 1], bounds=(0.0, 1.0))

    assert bootstrap(ratio) == pytest.approx((1 - few, 1 + few), abs=1e-6)


def test_a_quotient_that_no_draw_moves_is_not_certain() -> None:
    """A model that is right about the same images before and after keeps all of its accuracy, in whatever draw."""
    few, right = wilson(0, 80)[1], np.random.default_rng(5).integers(2, size=80).astype(float)
    before_and_after = np.stack([right, right], axis=1)
    kept = Contributions(before_and_after, lambda means: means[..., 0] / means[..., 1], bounds=(0.0, 1.0))

    assert bootstrap(kept) == pytest.approx((1 - few / right.mean(), 1 + few / right.mean()), abs=1e-6)


def test_rounding_decides_nothing() -> None:
    """Ten thirds less ten thirds are nothing, in the estimate as in the ends."""
    third = np.random.default_rng(2).integers(2, size=(300, 10)).astype(float)
    differences = (third * (1 / 3)).sum(axis=1) - (third[:, ::-1] / 3).sum(axis=1)
    (number,) = estimate([Contributions(differences, bounds=(-4.0, 4.0))])

    assert number.value == 0
    assert not np.signbit(number.value)


def test_without_bounds_nothing_is_said_of_images_that_are_alike() -> None:
    """Nobody knows how large the next value may be."""
    (number,) = estimate([Contributions(np.full(30, 2.5))])

    assert (number.value, number.n) == (2.5, 30)
    assert np.isnan([number.low, number.high]).all()


def test_equal_models_differ_by_what_so_few_images_leave_possible() -> None:
    """Of two 0/1 numbers and of two quotients; a single image that differs, and the bootstrap speaks."""
    few = wilson(0, 80)[1]
    right = np.random.default_rng(5).integers(2, size=80).astype(float)
    one = Contributions(right, proportion=True)
    quotient = Contributions(
        np.stack([right, np.ones(80)], axis=1), lambda means: means[..., 0] / means[..., 1], bounds=(0.0, 1.0)
    )

    assert bootstrap(one.minus(one)) == pytest.approx((-few, few))
    low, high = bootstrap(quotient.minus(quotient))
    assert -low == pytest.approx(high)
    assert few <= high < 3 * few
    other = Contributions(np.where(np.arange(80) == 3, 1 - right, right), proportion=True)
    assert bootstrap(one.minus(other))[1] - bootstrap(one.minus(other))[0] < 2 * few


def test_one_image_says_little() -> None:
    """And never that it is sure."""
    assert bootstrap(Contributions(np.ones(1), bounds=(0.0, 1.0))) == pytest.approx(wilson(1, 1))
