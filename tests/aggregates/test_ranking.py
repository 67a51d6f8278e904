"""Ranks: against McNemar pair by pair, over many simulated columns, and with oddities on purpose."""

from itertools import combinations
from math import erfc, sqrt
from time import perf_counter

import numpy as np
import pytest
from scipy import stats

from robustbench_vit.aggregates.ranking import Candidate, Over, Standing, beats, standings
from robustbench_vit.metrics import Contributions
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.holm import holm
from robustbench_vit.metrics.mcnemar import mcnemar

ALL = Over("cases", "images")


def column(shares: FloatArray, *, higher: bool = True) -> list[Standing]:
    """Standings of the models of an N×M array."""
    return list(standings({str(at): Candidate(one, ALL) for at, one in enumerate(shares.T)}, higher).values())


def correctness(generator: np.random.Generator, n: int, accuracies: list[float]) -> FloatArray:
    """N×M of 0 and 1: models of these accuracies that err on the same images more often than by chance."""
    common, own = generator.normal(size=(n, 1)), generator.normal(size=(n, len(accuracies)))
    return (stats.norm.cdf(sqrt(0.7) * common + sqrt(0.3) * own) < accuracies).astype(float)


def test_clear_differences() -> None:
    """Two that are alike share the first place, the third comes after both."""
    shares = correctness(np.random.default_rng(0), 4000, [0.7, 0.7, 0.6, 0.5])

    assert column(shares) == [Standing(1, True), Standing(1, True), Standing(3, False), Standing(4, False)]
    assert [one.rank for one in column(1 - shares, higher=False)] == [1, 1, 3, 4]
    assert [one.rank for one in column(shares, higher=False)] == [3, 3, 2, 1]


def test_a_rank_need_not_be_transitive() -> None:
    """0 and 1 tie and 1 and 2 tie, but 0 is better than 2: ranks 1, 1, 2, and only 0 and 1 may be the best."""
    flips = np.zeros((400, 3))
    flips[:, 0] = 1
    flips[:6, 1], flips[6:, 1] = 0, 1
    flips[:12, 2], flips[12:, 2] = 0, 1

    assert column(flips) == [Standing(1, True), Standing(1, True), Standing(2, False)]


def test_one_may_tie_with_the_best_and_yet_have_a_better_one() -> None:
    """The second is nearly the third's twin, so less is needed to tell them apart: rank 2, and the mark of a tie."""
    generator = np.random.default_rng(1)
    third = (generator.random(1000) < 0.5).astype(float)
    second = third.copy()
    second[np.flatnonzero(third == 0)[:15]] = 1
    best = (generator.permutation(1000) < second.sum() + 5).astype(float)

    assert column(np.stack([best, second, third], axis=1)) == [Standing(1, True), Standing(1, True), Standing(2, True)]


def test_twins_tie() -> None:
    """Equal contributions have no difference to divide by, whatever rounding makes of it."""
    one = np.random.default_rng(2).random(3000) * 1e3
    worse = one - 50 * np.random.default_rng(3).random(3000)

    assert [place.rank for place in column(np.stack([one, worse, one, worse], axis=1))] == [1, 3, 1, 3]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_images_tell_nothing(n: int) -> None:
    """All right against all wrong: the exact p of five is 1/16."""
    assert column(np.stack([np.ones(n), np.zeros(n)], axis=1)) == [Standing(1, True)] * 2


def test_one_model_and_none() -> None:
    """One is the best; of none there is nothing to say."""
    assert column(np.ones((3, 1))) == [Standing(1, True)]
    assert standings({}) == {}


def test_it_is_mcnemar_s_test_of_all_pairs() -> None:
    """Twelve models, 66 pairs, against the exact test and Holm's method from elsewhere."""
    shares = correctness(np.random.default_rng(4), 1500, list(np.linspace(0.6, 0.7, 12)))
    pairs = list(combinations(range(12), 2))
    exact = holm([mcnemar(shares[:, one], shares[:, two]) for one, two in pairs])
    better = np.zeros((12, 12), dtype=bool)
    for (one, two), p in zip(pairs, exact, strict=True):
        better[one, two] = p < 0.05 and shares[:, one].sum() > shares[:, two].sum()
        better[two, one] = p < 0.05 and shares[:, one].sum() < shares[:, two].sum()

    assert 10 < better.sum() < 60
    assert (beats(shares)[0] == better).all()


def test_of_two_models_p_is_the_corrected_one() -> None:
    """(|b − c| − 1)² / (b + c) is chi-squared: 21 against 9 is p = 0.045, and 20 against 9 is p = 0.063."""
    for more, apart in ((21, True), (20, False)):
        p = erfc((more - 9 - 1) / sqrt(more + 9) / sqrt(2))
        shares = np.repeat([[1.0, 0], [0, 1], [1, 1]], [more, 9, 50], axis=0)

        assert (p < 0.05) == apart
        assert beats(shares)[0][0, 1] == apart


def test_quotients_are_ranked_by_their_linear_shares() -> None:
    """A quotient with a known standard error: that of the delta method, as in textbooks."""
    generator = np.random.default_rng(5)
    below = 1 + generator.random(500)
    above = below * 0.5 + generator.normal(size=500) * 0.1
    ratio = Contributions(np.stack([above, below], axis=1), lambda means: means[..., 0] / means[..., 1])
    shares = ratio.linear()

    assert shares.mean() == pytest.approx(ratio.value)
    assert shares == pytest.approx(ratio.value + (above - ratio.value * below) / below.mean(), abs=1e-6)
    assert Contributions(above).linear() == pytest.approx(above)


def test_other_images_and_doubts_have_no_rank() -> None:
    """The cases and images of most models count; a number in doubt is no one's better."""
    ones, zeros = np.ones(60), np.zeros(60)
    found = standings(
        {
            "a": Candidate(zeros, ALL),
            "short": Candidate(ones[:20], ALL._replace(images="some")),
            "easy": Candidate(ones, ALL._replace(cases="some")),
            "masked": Candidate(ones, ALL, "gradient masking"),
            "b": Candidate(zeros, ALL),
            "broken": Candidate(np.full(60, np.nan), ALL),
        }
    )

    assert [found[name] for name in ("a", "b")] == [Standing(1, True)] * 2
    assert [found[name].rank for name in ("short", "easy", "masked", "broken")] == [None] * 4
    assert "the same images" in found["short"].reason
    assert "the same cases" in found["easy"].reason
    assert "gradient masking" in found["masked"].reason
    assert "no number" in found["broken"].reason


def test_equal_models_are_told_apart_in_one_of_twenty_columns_at_most() -> None:
    """All ranks 1 in 94 % at least of 400 columns of eight models; of right and wrong, and of means over cases."""
    generator, right, means, times = np.random.default_rng(6), 0, 0, 400
    for _ in range(times):
        right += not beats(correctness(generator, 300, [0.7] * 8))[0].any()
        hard = generator.random((300, 1, 5))
        means += not beats((0.6 * hard + 0.4 * generator.random((300, 8, 5)) < 0.6).mean(axis=2))[0].any()

    assert right / times >= 0.94
    assert means / times >= 0.94


def test_equal_quotients_of_unequal_models_are_told_apart_in_one_of_twenty_columns_at_most() -> None:
    """Half of what is right without a perturbation is right with it, at clean accuracies from 0.5 to 0.95."""
    generator, alike, times = np.random.default_rng(7), 0, 400
    for _ in range(times):
        clean = correctness(generator, 600, list(np.linspace(0.5, 0.95, 6)))
        kept = clean * (generator.random(clean.shape) < 0.5)
        shares = [
            Contributions(np.stack(both, axis=1), lambda means: means[..., 0] / means[..., 1]).linear()
            for both in zip(kept.T, clean.T, strict=True)
        ]
        alike += not beats(np.stack(shares, axis=1))[0].any()

    assert alike / times >= 0.94


@pytest.mark.slow
def test_five_hundred_models_take_seconds() -> None:
    """Fifteen columns of 500 models and 5,000 images in under 15 s."""
    generator = np.random.default_rng(8)
    shares = correctness(generator, 5000, list(np.linspace(0.5, 0.8, 500)))
    began = perf_counter()
    for _ in range(15):
        column(shares)

    assert perf_counter() - began < 15
