"""What attacks make large: functions of logits (N×K) and labels (N) that give one number an image."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from robustbench_vit.errors import CaseError
from robustbench_vit.types import Logits

Loss: TypeAlias = Callable[[Logits, Tensor], Tensor]
"""Logits N×K and labels (N,) → (N,); grows as the model goes wrong."""


def cross_entropy(logits: Logits, labels: Tensor) -> Tensor:
    """−ln p(label)."""
    return functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Logits, labels: Tensor) -> Tensor:
    """Logit of the label − largest other logit: negative where the model is wrong. Attacks make it *small*."""
    return _of(logits, labels) - _without(logits, labels).amax(1)


def difference_of_logits_ratio(logits: Logits, labels: Tensor) -> Tensor:
    """DLR: −(z_y − max over i ≠ y of z_i) / (z_π1 − z_π3), with π the order of decreasing logits.

    Unlike cross-entropy it does not change when all logits are multiplied by a number or shifted, so that it has a
    gradient where cross-entropy is saturated.

    Raises:
        CaseError: If there are fewer than three classes.

    Source:
        Croce & Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
        attacks", ICML 2020, equation 6.
    """
    require_classes(logits, 3, "dlr")
    best = logits.topk(3, dim=1).values
    return -margin(logits, labels) / (best[:, 0] - best[:, 2] + _TINY)


def targeted_difference_of_logits_ratio(targets: Tensor) -> Loss:
    """Targeted DLR: −(z_y − z_t) / (z_π1 − (z_π3 + z_π4)/2), with t the wrong class of each image to go for.

    Args:
        targets: Shape (N,), the classes t.

    Raises:
        CaseError: When the loss is called with fewer than four classes.

    Source:
        Croce & Hein, ICML 2020, equation 7.
    """

    def loss(logits: Logits, labels: Tensor) -> Tensor:
        require_classes(logits, 4, "dlr_targeted")
        best = logits.topk(4, dim=1).values
        ratio = (_of(logits, labels) - _of(logits, targets)) / (best[:, 0] - best[:, 2:].mean(1) + _TINY)
        return -ratio

    return loss


def require_classes(logits: Logits, fewest: int, loss: str) -> None:
    """Make sure that a loss is defined for so many classes.

    Raises:
        CaseError: If there are fewer.
    """
    if logits.shape[1] < fewest:
        raise CaseError(f"loss={loss} needs at least {fewest} classes, the model has {logits.shape[1]}; use loss=ce")


_TINY = 1e-12


def _of(logits: Logits, classes: Tensor) -> Tensor:
    return logits.gather(1, classes[:, None])[:, 0]


def _without(logits: Logits, labels: Tensor) -> Logits:
    """Logits with that of the label at −∞."""
    return logits.scatter(1, labels[:, None], -torch.inf)
