"""Accuracy against torchmetrics and by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from fake_runs import predictions, random_predictions
from torchmetrics.functional.classification import multiclass_accuracy

from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.accuracy import top1, top5


@pytest.mark.parametrize(("metric", "k"), [(top1, 1), (top5, 5)])
def test_agrees_with_torchmetrics(metric: object, k: int) -> None:
    """Micro accuracy over 12 classes."""
    rows = random_predictions(300, classes=12)
    scores, labels = torch.tensor(np.stack(rows["probabilities"])), torch.tensor(rows["label"].to_numpy()).long()
    expected = multiclass_accuracy(scores, labels, num_classes=12, top_k=k, average="micro").item()

    assert metric(rows).value == pytest.approx(expected)


def test_top5_reads_the_ids_of_large_label_spaces() -> None:
    """Lists and arrays alike; more than 32 classes store no whole vector."""
    rows = pd.DataFrame({"label": [7, 7], "top5_ids": [[1, 2, 3, 4, 7], np.array([1, 2, 3, 4, 5], dtype=np.int32)]})

    assert top5(rows).values[:, 0].tolist() == [1, 0]


def test_top5_of_a_constant_model_is_chance() -> None:
    """Equal probabilities rank by class number; not all of them are among the first five."""
    rows = predictions(np.full((10, 10), 0.1), range(10))

    assert top5(rows).value == 0.5


def test_top5_needs_more_than_five_classes() -> None:
    """With five it would always be 1."""
    with pytest.raises(CaseError, match="needs more than 5 classes, the label space has 5"):
        top5(random_predictions(10, classes=5))
