"""ECE against torchmetrics and by hand."""

import numpy as np
import pytest
import torch
from fake_runs import predictions, random_predictions
from torchmetrics.functional.classification import multiclass_calibration_error

from robustbench_vit.metrics.calibration import bins, confidence, expected_calibration_error


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
