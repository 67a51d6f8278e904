"""Effective robustness and relative robustness: against scipy's regression, by hand, and by simulation."""

import numpy as np
import pytest
from fake_runs import planned
from scipy import special, stats

from robustbench_vit.aggregates import Cell
from robustbench_vit.aggregates.accuracy import relative_robustness
from robustbench_vit.aggregates.effective import effective_robustness
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.contributions import FloatArray


def answers(generator: np.random.Generator, n: int, accuracies: FloatArray) -> FloatArray:
    """N×M of 0 and 1; models err on the same images more often than by chance."""
    common, own = generator.normal(size=(n, 1)), generator.normal(size=(n, len(accuracies)))
    return (stats.norm.cdf((common + own) / np.sqrt(2)) < accuracies).astype(float)


def test_it_is_the_distance_from_scipy_s_line() -> None:
    """In log-odds, six models."""
    generator = np.random.default_rng(0)
    clean, shifted = (answers(generator, 800, np.linspace(low, low + 0.3, 6)) for low in (0.6, 0.3))
    line = effective_robustness(clean, shifted)
    x, y = special.logit(clean.mean(axis=0)), special.logit(shifted.mean(axis=0))
    expected = stats.linregress(x, y)

    assert (line.slope, line.intercept) == pytest.approx((expected.slope, expected.intercept))
    assert [one.value for one in line.robustness] == pytest.approx(
        shifted.mean(axis=0) - special.expit(expected.intercept + expected.slope * x)
    )
    assert all(one.low <= one.value <= one.high and one.n == 800 for one in line.robustness)


def test_models_on_a_line_have_none() -> None:
    """Equal log-odds under both: slope 1, intercept 0."""
    clean = np.repeat([[1.0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]], [10, 20, 30, 40], axis=0)
    line = effective_robustness(clean, clean)

    assert (line.slope, line.intercept) == pytest.approx((1, 0))
    assert np.abs([one[:3] for one in line.robustness]).max() == pytest.approx(0, abs=1e-12)


def test_all_right_and_all_wrong_count_as_half_an_image_less() -> None:
    """No infinite log-odds, and no warning."""
    clean = np.repeat([[1.0, 0, 1], [1, 0, 0]], [5, 5], axis=0)
    line = effective_robustness(clean, clean)

    assert line.slope == pytest.approx(1)
    assert np.abs([one[:3] for one in line.robustness]).max() == pytest.approx(0, abs=1e-9)


def test_a_model_at_the_end_of_the_scale_is_not_off_the_line() -> None:
    """Always right under the shift, as its clean accuracy lets one expect: no distance that looks significant."""
    generator = np.random.default_rng(3)
    clean = answers(generator, 50, np.array([0.5, 0.8, 1.0]))
    best = effective_robustness(clean, clean).robustness[2]

    assert best[:3] == pytest.approx((0, 0, 0), abs=1e-9)
    assert effective_robustness(clean, clean).distance(1.0, 1.0, 50, 50) == pytest.approx(0, abs=1e-9)


def test_the_images_may_be_others() -> None:
    """The number given is that of the shifted ones."""
    generator = np.random.default_rng(1)
    accuracies = np.array([0.5, 0.6, 0.7])
    line = effective_robustness(answers(generator, 300, accuracies), answers(generator, 200, accuracies - 0.2))

    assert [one.n for one in line.robustness] == [200] * 3


def test_intervals_cover_the_truth() -> None:
    """Of the third of six models, 8 points above a line that the images draw anew, in 300 simulations."""
    generator, covered, times = np.random.default_rng(2), 0, 300
    clean = np.linspace(0.55, 0.85, 6)
    shifted = special.expit(0.9 * special.logit(clean) - 1)
    shifted[2] += 0.08
    fit = stats.linregress(special.logit(clean), special.logit(shifted))
    true = shifted[2] - special.expit(fit.intercept + fit.slope * special.logit(clean[2]))
    for _ in range(times):
        both = answers(generator, 500, np.concatenate([clean, shifted]))
        found = effective_robustness(both[:, :6], both[:, 6:]).robustness[2]
        covered += found.low <= true <= found.high

    assert 0.92 <= covered / times <= 0.98


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (np.ones((5, 2)), "needs 3 models of different clean accuracy to fit a line, there are 1"),
        (np.eye(4)[:, [0, 1, 2]], "there are 1"),
        (np.tril(np.ones((3, 3)))[:, [0, 2, 2]], "there are 2"),
        (np.ones((0, 3)), "no image"),
    ],
)
def test_too_few_models(models: FloatArray, told: str) -> None:
    """Three clean accuracies are the least."""
    with pytest.raises(CaseError, match=told):
        effective_robustness(models, models)


def test_relative_robustness_of_several_cases() -> None:
    """(1/2 + 1/4) / 2 of what is kept, over 3/4."""
    cells = [Cell(planned(), np.array(bits, dtype=float)) for bits in ([1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1])]

    assert relative_robustness(cells).value == pytest.approx(0.375 / 0.75)
    assert relative_robustness(cells[:2]).value == pytest.approx(0.5 / 0.75)
