"""What is kept of logits, against closed forms in double precision."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, softmax

from robustbench_vit.errors import CaseError
from robustbench_vit.evaluation.predict import columns_of, rows
from robustbench_vit.records import MAX_STORED_CLASSES
from robustbench_vit.types import Batch

N = 40
CLASSES = [2, 10, MAX_STORED_CLASSES, MAX_STORED_CLASSES + 1, 1000]


def logits_of(classes, scale=5.0):
    """Random logits and labels."""
    generator = torch.Generator().manual_seed(classes)
    logits = torch.randn(N, classes, generator=generator) * scale
    return logits, torch.randint(classes, (N,), generator=generator)


def block(n=N, classes=10):
    """A block whose samples are named by their positions."""
    ids = tuple(f"s{index}" for index in range(n))
    labels = torch.arange(n) % classes
    return Batch(torch.zeros(n, 3, 1, 1, dtype=torch.uint8), labels, ids, torch.arange(n))


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("scale", [0.1, 5.0, 100.0])
def test_columns_are_the_closed_form(classes, scale):
    """Against scipy in float64, from flat to saturated."""
    logits, labels = logits_of(classes, scale)
    columns = {name: value.double().numpy() for name, value in columns_of(logits, labels).items()}
    exact = logits.double().numpy()
    p, at = softmax(exact, 1), (np.arange(N), labels.numpy())

    assert exact.argmax(1).tolist() == columns["pred"].tolist()
    np.testing.assert_allclose(columns["confidence"], p.max(1), rtol=1e-4)
    np.testing.assert_allclose(columns["nll"], -log_softmax(exact, 1)[at], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(columns["p_label"], p[at], rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(columns["p_squared"], (p**2).sum(1), rtol=1e-4)
    np.testing.assert_allclose(columns["logsumexp"], logsumexp(exact, 1), rtol=1e-5)


@pytest.mark.parametrize("classes", CLASSES)
def test_small_label_spaces_keep_all_probabilities_large_ones_the_top_5(classes):
    """The border belongs to the small ones (contract C6)."""
    logits, labels = logits_of(classes)
    columns = columns_of(logits, labels)
    p = softmax(logits.double().numpy(), 1)

    if classes <= MAX_STORED_CLASSES:
        np.testing.assert_allclose(columns["probabilities"].numpy(), p, atol=1e-6)
        assert not {"top5_ids", "top5_probabilities"} & set(columns)
    else:
        assert np.argsort(-p, 1)[:, :5].tolist() == columns["top5_ids"].tolist()
        np.testing.assert_allclose(columns["top5_probabilities"].numpy(), -np.sort(-p, 1)[:, :5], rtol=1e-4)
        assert "probabilities" not in columns


def test_brier_score_needs_no_logits():
    """Σ(p − onehot)² = Σp² − 2·p(label) + 1."""
    logits, labels = logits_of(10)
    columns = columns_of(logits, labels)
    p = softmax(logits.double().numpy(), 1)
    brier = ((p - np.eye(10)[labels.numpy()]) ** 2).sum(1)

    np.testing.assert_allclose((columns["p_squared"] - 2 * columns["p_label"] + 1).numpy(), brier, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_half_precision_is_read_out_in_float32(dtype):
    """Only the logits are rounded, not what is computed from them."""
    logits, labels = logits_of(10)
    columns = columns_of(logits.to(dtype), labels)
    expected = columns_of(logits.to(dtype).float(), labels)

    assert {torch.float32, torch.int32} == {value.dtype for value in columns.values()}
    assert all(torch.equal(expected[name], value) for name, value in columns.items())


def test_logits_may_be_large():
    """No overflow where exp would."""
    columns = columns_of(torch.tensor([[1e4, 0.0], [-1e4, 0.0]]), torch.tensor([1, 1]))

    assert [1e4, 0.0] == columns["nll"].tolist()
    assert [0.0, 1.0] == columns["p_label"].tolist()


@pytest.mark.parametrize("classes", [10, 1000])
def test_rows_join_the_batches_of_a_block(classes):
    """The same table, however the block was cut."""
    batch = block(classes=classes)
    logits, _ = logits_of(classes)
    whole = rows(batch, [columns_of(logits, batch.labels)])
    cuts = [(0, 7), (7, 8), (8, N)]
    parts = rows(batch, [columns_of(logits[a:b], batch.labels[a:b]) for a, b in cuts])

    assert ["id", "position", "label"] == whole.column_names[:3]
    assert list(batch.ids) == whole["id"].to_pylist()
    assert whole.column_names == parts.column_names
    assert whole["pred"].equals(parts["pred"])
    vector = "probabilities" if classes == 10 else "top5_probabilities"
    np.testing.assert_allclose(np.stack(whole[vector].to_numpy()), np.stack(parts[vector].to_numpy()), atol=1e-6)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_logits_that_are_no_numbers_name_the_first_sample(value):
    """All entries of a row: a model that returns this has failed."""
    batch = block()
    logits, _ = logits_of(10)
    logits[[3, 9]] = value

    with pytest.raises(CaseError, match="NaN or infinite logits for 2 of 40 images, first for sample 's3'"):
        rows(batch, [columns_of(logits, batch.labels)])


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_one_entry_is_enough(value):
    """NaN or +∞ in a class that is neither the label's nor predicted."""
    batch = block()
    logits, _ = logits_of(10)
    logits[5, 0] = value

    with pytest.raises(CaseError, match="for 1 of 40 images, first for sample 's5'"):
        rows(batch, [columns_of(logits, batch.labels)])


def test_extra_columns_are_kept():
    """What a perturbation says about each image stands beside the prediction."""
    batch = block()
    columns = columns_of(logits_of(10)[0], batch.labels)

    assert batch.positions.tolist() == rows(batch, [{**columns, "area": batch.positions}])["area"].to_pylist()
