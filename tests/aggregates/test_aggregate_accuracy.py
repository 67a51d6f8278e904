"""Aggregates by hand."""

import numpy as np
import pytest
from fake_runs import planned

from robustbench_vit.aggregates import Cell
from robustbench_vit.aggregates.accuracy import (
    accuracy_drop,
    area_under_curve,
    mean_accuracy,
    relative_robustness,
    trapezoid_weights,
)
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics import bootstrap, wilson


def cells(*correct: list[int], at: tuple[float, ...] = (0.0, 1.0, 3.0)) -> list[Cell]:
    """Cells of one group, one list of right and wrong each."""
    return [Cell(planned(), np.array(one, dtype=np.float64), place) for one, place in zip(correct, at, strict=False)]


def test_accuracy_drop_is_paired() -> None:
    """Where both cases err on the same images, the interval is what no image of so many leaves possible."""
    same = [1, 1, 0, 0, 1, 0]
    few = wilson(0, 6)[1]

    assert accuracy_drop(cells([1, 1, 1, 0], [1, 0, 0, 0])).value == 0.5
    assert bootstrap(accuracy_drop(cells(same, same))) == pytest.approx((-few, few))


def test_relative_robustness_is_a_ratio_of_means() -> None:
    """1/4 of 3/4, not a mean of ratios."""
    assert relative_robustness(cells([1, 1, 1, 0], [1, 0, 0, 0])).value == pytest.approx(1 / 3)


def test_relative_robustness_needs_clean_successes() -> None:
    """0/0 is no robustness; rare zeros in replicates are left out."""
    with pytest.raises(CaseError, match="the clean accuracy is 0"):
        relative_robustness(cells([0, 0], [0, 1]))
    assert bootstrap(relative_robustness(cells([1, 0, 0], [1, 0, 0]))) == (1, 1)


def test_area_under_curve_agrees_with_numpy() -> None:
    """np.trapezoid over the accuracies, divided by the length of the axis."""
    points = cells([1, 1], [1, 0], [0, 0])
    expected = np.trapezoid([1, 0.5, 0], [0, 1, 3]) / 3

    assert area_under_curve(points).value == pytest.approx(expected)


def test_area_under_curve_needs_two_points() -> None:
    """One point spans no axis."""
    with pytest.raises(CaseError, match="needs two points of the curve at least, the suite has 1"):
        area_under_curve(cells([1, 1]))


def test_trapezoid_weights_sum_to_one() -> None:
    """Whatever the spacing."""
    assert trapezoid_weights([4, 8, 32]).tolist() == pytest.approx([1 / 14, 1 / 2, 3 / 7])


def test_mean_accuracy_weighs_cases_alike() -> None:
    """(1 + 1/2 + 0) / 3."""
    assert mean_accuracy(cells([1, 1], [1, 0], [0, 0])).value == 0.5
