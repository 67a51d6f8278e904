"""ECE against torchmetrics and by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from fake_runs import answers, predictions, random_predictions
from torchmetrics.functional.classification import multiclass_calibration_error

from robustbench_vit.metrics import estimate, wilson
from robustbench_vit.metrics.calibration import BINS, bins, confidence, expected_calibration_error


@pytest.mark.parametrize("skill", [0.0, 1.0, 4.0])
def test_agrees_with_torchmetrics(skill: float) -> None:
    """15 bins, L1 norm."""
    rows = random_predictions(500, skill=skill)
    scores, labels = torch.tensor(np.stack(rows["probabilities"])), torch.tensor(rows["label"].to_numpy()).long()
    expected = multiclass_calibration_error(scores, labels, num_classes=10, n_bins=15, norm="l1").item()

    assert expected_calibration_error(rows).value == pytest.approx(expected, abs=1e-6)


def test_by_hand() -> None:
    """0.9 twice, once right: |0.9 − 0.5| of 2/3; 0.6 right: |0.6 − 1| of 1/3."""
    rows = predictions([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]], [0, 1, 1])

    assert expected_calibration_error(rows).value == pytest.approx(0.4, abs=1e-6)


def test_errors_of_opposite_sign_cancel_within_a_bin_only() -> None:
    """Two bins, one over- and one under-confident, add up."""
    rows = predictions([[0.75, 0.25], [0.55, 0.45]], [1, 0])

    assert expected_calibration_error(rows).value == pytest.approx((0.75 + 0.45) / 2, abs=1e-6)


def test_bins_are_open_below_and_closed_above() -> None:
    """An edge belongs to the bin below it, also as a stored float32."""
    edges = np.array([1 / 15, 0.2, 0.4, 1.0], dtype=np.float32)

    assert bins(edges).tolist() == [0, 2, 5, 14]
    assert bins(np.nextafter(edges[:3], np.float32(1))).tolist() == [1, 3, 6]


def test_mean_confidence() -> None:
    """The mean of the largest probability."""
    assert confidence(predictions([[0.75, 0.25], [0.5, 0.5]], [0, 0])).value == 0.625


def test_a_classifier_that_is_sure_and_right_has_an_interval() -> None:
    """Nothing varies; one image of 0 of n could be off by 1."""
    (number,) = estimate([expected_calibration_error(answers(*[True] * 60))])

    assert (number.value, number.low) == (0, 0)
    assert number.high == pytest.approx(wilson(0, 60)[1])


@pytest.mark.parametrize("times", [60, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n", [200, 500, 2000])
@pytest.mark.parametrize(("shift", "power"), [(0.0, 1.0), (0.02, 1.0), (0.0, 1.5)])
def test_the_interval_covers_the_true_error(n: int, times: int, shift: float, power: float) -> None:
    """Confidences that are right, two points too high, or far too high; percentiles cover none of the first."""
    generator = np.random.default_rng(n)
    sure = generator.beta(5, 1.5, 300_000)
    gaps = np.bincount(bins(sure.astype(np.float32)), sure - np.clip(sure**power - shift, 0, 1), BINS)
    true, covered = np.abs(gaps / len(sure)).sum(), 0
    for _ in range(times):
        confidence = generator.beta(5, 1.5, n).astype(np.float32)
        right = generator.random(n) < np.clip(confidence**power - shift, 0, 1)
        rows = pd.DataFrame({"confidence": confidence, "label": 0, "pred": (~right).astype(int)})
        (number,) = estimate([expected_calibration_error(rows)])
        covered += number.low <= true <= number.high

    assert covered / times >= (0.94 if times == 2000 else 0.9)
