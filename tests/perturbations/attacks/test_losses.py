"""Losses of attacks against their formulas, written out for one image at a time."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attacks import losses

LOGITS = 3 * torch.randn(50, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.arange(50) % 7
TARGETS = (LABELS + 1 + torch.arange(50) % 6) % 7


def dlr(logits: np.ndarray, label: int) -> float:
    """Equation 6 of Croce & Hein."""
    best = np.sort(logits)[::-1]
    return -(logits[label] - max(np.delete(logits, label))) / (best[0] - best[2])


def targeted_dlr(logits: np.ndarray, label: int, target: int) -> float:
    """Equation 7 of Croce & Hein."""
    best = np.sort(logits)[::-1]
    return -(logits[label] - logits[target]) / (best[0] - (best[2] + best[3]) / 2)


def test_cross_entropy():
    """The formula: ln Σ exp z − z_y."""
    expected = [logsumexp(row) - row[label] for row, label in zip(LOGITS.numpy(), LABELS, strict=True)]

    assert losses.cross_entropy(LOGITS, LABELS).numpy() == pytest.approx(expected)


def test_margin():
    """Negative exactly where the largest logit is not the label's."""
    margins = losses.margin(LOGITS, LABELS)
    expected = [row[label] - max(np.delete(row, label)) for row, label in zip(LOGITS.numpy(), LABELS, strict=True)]

    assert margins.numpy() == pytest.approx(expected)
    assert torch.equal(margins < 0, LOGITS.argmax(1) != LABELS)


def test_difference_of_logits_ratio():
    """Equation 6; −1 … 0 where the model is right, 0 … 1 where the label comes second."""
    found = losses.difference_of_logits_ratio(LOGITS, LABELS)

    assert found.numpy() == pytest.approx([dlr(*pair) for pair in zip(LOGITS.numpy(), LABELS, strict=True)])


def test_targeted_difference_of_logits_ratio():
    """Equation 7."""
    found = losses.targeted_difference_of_logits_ratio(TARGETS)(LOGITS, LABELS)
    expected = [targeted_dlr(*item) for item in zip(LOGITS.numpy(), LABELS, TARGETS, strict=True)]

    assert found.numpy() == pytest.approx(expected)


@pytest.mark.parametrize(
    "loss", [losses.difference_of_logits_ratio, losses.targeted_difference_of_logits_ratio(TARGETS)]
)
def test_ratios_keep_to_shape_not_scale(loss):
    """The same for 1000·logits − 5: no gradient is lost where the softmax is saturated."""
    assert torch.allclose(loss(1000 * LOGITS - 5, LABELS), loss(LOGITS, LABELS))


@pytest.mark.parametrize(("loss", "fewest"), [("dlr", 3), ("dlr_targeted", 4)])
def test_ratios_need_enough_classes(loss, fewest, attacks):
    """One class too few is an error that names the way out, in the function and in the attack, broken images or not."""
    function = {
        "dlr": losses.difference_of_logits_ratio,
        "dlr_targeted": losses.targeted_difference_of_logits_ratio(TARGETS * 0),
    }[loss]
    model = attacks.linear.random(fewest - 1, 4)
    images = torch.full((3, 3, 4, 4), 0.6)
    labels = model(images).argmax(1)

    for wrong in (labels, (labels + 1) % (fewest - 1)):
        with pytest.raises(CaseError, match=f"loss={loss} needs at least {fewest} classes, the model has {fewest - 1}"):
            attacks.run(f"apgd(0.1, loss={loss})", model, images, wrong)
    with pytest.raises(CaseError, match="use loss=ce"):
        function(LOGITS[:, : fewest - 1], LABELS * 0)
