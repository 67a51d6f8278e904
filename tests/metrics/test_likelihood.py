"""NLL and Brier by hand."""

from math import log

import numpy as np
import pytest
from fake_runs import predictions, random_predictions

from robustbench_vit.metrics.likelihood import brier_score, negative_log_likelihood


def test_negative_log_likelihood_by_hand() -> None:
    """−(ln 0.5 + ln 0.25) / 2."""
    rows = predictions([[0.5, 0.5], [0.75, 0.25]], [0, 1])

    assert negative_log_likelihood(rows).value == pytest.approx((log(2) + log(4)) / 2)


def test_brier_score_by_hand() -> None:
    """(0.25 + 0.25 + 0.5625 + 0.5625) / 2."""
    rows = predictions([[0.5, 0.5], [0.75, 0.25]], [0, 1])

    assert brier_score(rows).values[:, 0].tolist() == [0.5, 1.125]


def test_brier_score_is_the_squared_distance_from_the_truth() -> None:
    """The two stored numbers give what the whole vector gives."""
    rows = random_predictions(100)
    expected = ((np.stack(rows["probabilities"]) - np.eye(10)[rows["label"]]) ** 2).sum(axis=1)

    assert np.allclose(brier_score(rows).values[:, 0], expected, atol=1e-6)
