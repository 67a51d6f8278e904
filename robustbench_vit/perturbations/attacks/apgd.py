"""APGD: gradient steps with momentum whose length is halved, for each image, when they stop to help."""

from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import product
from math import ceil, inf
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from robustbench_vit.perturbations.attacks.ball import Ball, Norm
from robustbench_vit.perturbations.attacks.losses import (
    Loss,
    cross_entropy,
    difference_of_logits_ratio,
    require_classes,
    targeted_difference_of_logits_ratio,
)
from robustbench_vit.perturbations.attacks.search import Rows, Search, Slope
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Logits, Perturbed, Pixels

LossName: TypeAlias = Literal["ce", "dlr", "dlr_targeted"]

_FEWEST_CLASSES: dict[LossName, int] = {"ce": 2, "dlr": 3, "dlr_targeted": 4}
_MOMENTUM = 0.75
"""α: share of the gradient step; the rest goes on in the direction of the step before."""
_RISING = 0.75
"""ρ: a length is kept if at least so many of the steps since the last checkpoint made the loss larger."""


def apgd(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    eps: int | Fraction,
    norm: Norm = "linf",
    loss: LossName = "ce",
    targets: int = 9,
    steps: int = 100,
    restarts: int = 1,
) -> Perturbed:
    """Make ``steps`` steps from each start, the first of length 2·eps; an image is attacked until the model is wrong.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: One key an image; run n of all starts and targets draws the field ``start/n``.
        context: ``model`` (pixels → logits) and ``labels``.
        eps: Largest distance, pixels in [0,1].
        norm: ``linf`` or ``l2``.
        loss: ``ce`` (cross-entropy), ``dlr`` (difference of logits ratio) or ``dlr_targeted``.
        targets: With ``dlr_targeted``: wrong classes to go for one after the other, in order of decreasing logit of the
            clean image; all wrong classes if there are fewer.
        steps: Gradient steps from each start, hence for each target.
        restarts: Number of starts.

    Returns:
        Images and the columns of every attack, see `robustbench_vit.perturbations.attacks.fgsm`.

    Raises:
        CaseError: If the model is not differentiable, a label is none of its classes, or there are too few classes for
            the loss: 3 for ``dlr``, 4 for ``dlr_targeted``.

    Source:
        Croce & Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
        attacks", ICML 2020 (arXiv:2003.01690), algorithm 1 and section 4; targets: section 5.

    Differences:
        The loop of algorithm 1 looks back when the step after a checkpoint is made; here this happens as soon as the
        loss at the checkpoint is known, so that N steps cost N passes and one to judge the last image. Starts are
        those of `Ball.random`.
    """
    search = Search(images, context, Ball(norm, eps), "apgd")
    logits = search.clean_logits()
    require_classes(logits, _FEWEST_CLASSES[loss], loss)
    wrong = _wrong_classes(logits, search.labels, targets) if loss == "dlr_targeted" else search.labels[:, None]
    for number, (_, target) in enumerate(product(range(restarts), range(wrong.shape[1]))):
        rows = search.left()
        start = search.ball.random(search.clean[rows], keys.at(rows), f"start/{number}")
        _climb(search, _Climb.at(start, rows, wrong[rows, target], 2 * float(eps)), loss, steps)
    return search.result()


@dataclass
class _Climb:
    """Where each of n samples stands on its way up: one entry a sample in every tensor.

    Args:
        rows: Places in the batch.
        targets: Classes to go for, where the loss has targets.
        images: The present point x⁽ᵏ⁾.
        loss: Its loss; infinite before the first is known, so that knowing it is no rise.
        gradient: Its gradient.
        before: The point before it.
        best: The point of largest loss so far.
        best_loss: Its loss.
        best_gradient: Its gradient.
        length: η, the length of the next step.
        rises: Steps since the last checkpoint that made the loss larger.
        halved: Whether the length was halved at the last checkpoint.
        best_before: The largest loss at the last checkpoint.
    """

    rows: Rows
    targets: Tensor
    images: Pixels
    loss: Tensor
    gradient: Tensor
    before: Pixels
    best: Pixels
    best_loss: Tensor
    best_gradient: Tensor
    length: Tensor
    rises: Tensor
    halved: Tensor
    best_before: Tensor

    @classmethod
    def at(cls, start: Pixels, rows: Rows, targets: Tensor, length: float) -> "_Climb":
        """Before anything is known about the starts."""
        number, nothing = start.new_zeros(len(start)), torch.zeros_like(start)
        return cls(
            rows=rows,
            targets=targets,
            images=start,
            loss=number + inf,
            gradient=nothing,
            before=start,
            best=start.clone(),
            best_loss=number - inf,
            best_gradient=nothing.clone(),
            length=number + length,
            rises=number.clone(),
            halved=number.bool(),
            best_before=number - inf,
        )

    def keep(self, chosen: Tensor) -> None:
        """Go on with some of the samples: shape (n,), bool."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[chosen])

    def note(self, slope: Slope) -> None:
        """What the model said about the present point."""
        self.rises += slope.loss > self.loss
        self.loss, self.gradient = slope.loss, slope.gradient
        better = slope.loss > self.best_loss
        for best, present in ("best", "images"), ("best_loss", "loss"), ("best_gradient", "gradient"):
            getattr(self, best)[better] = getattr(self, present)[better]

    def check(self, window: int) -> None:
        """At a checkpoint: where steps do not help, halve their length and go on from the best point.

        They do not if too few of the ``window`` steps since the last checkpoint made the loss larger (condition 1), or
        if neither the length nor the largest loss has changed since (condition 2).
        """
        stuck = ~self.halved & (self.best_loss <= self.best_before)
        self.halved = (self.rises < _RISING * window) | stuck
        self.length = torch.where(self.halved, self.length / 2, self.length)
        for best, present in ("best", "images"), ("best_loss", "loss"), ("best_gradient", "gradient"):
            chosen, other = getattr(self, best), getattr(self, present)
            setattr(self, present, torch.where(self.halved.view(-1, *[1] * (other.ndim - 1)), chosen, other))
        self.rises, self.best_before = torch.zeros_like(self.rises), self.best_loss.clone()

    def step(self, ball: Ball, clean: Pixels, momentum: float) -> None:
        """One step: x ← P(x + α·(P(x + η·steepest ascent) − x) + (1 − α)·(x − the point before)), P projecting."""
        here = self.images
        ahead = ball.project(here + self.length.view(-1, 1, 1, 1) * ball.steepest(self.gradient), clean)
        if momentum < 1:
            ahead = ball.project(here + momentum * (ahead - here) + (1 - momentum) * (here - self.before), clean)
        self.images, self.before = ahead, here


def _climb(search: Search, climb: _Climb, loss: LossName, steps: int) -> None:
    """All steps from one start; samples drop out as soon as the model is wrong."""
    windows = _windows(steps)
    for step in range(steps):
        if not len(climb.rows):
            return
        slope = search.slope(climb.images, climb.rows, _loss(loss, climb.targets))
        climb.note(slope)
        if bool(slope.broken.any()):
            climb.keep(~slope.broken)
        if step in windows:
            climb.check(windows[step])
        climb.step(search.ball, search.clean[climb.rows], _MOMENTUM if step else 1)
    if len(climb.rows):
        search.logits(climb.images, climb.rows)


def _windows(steps: int) -> dict[int, int]:
    """Checkpoints w_j = ⌈p_j·steps⌉ ≤ steps, and how many steps there are from the one before to each.

    p₀ = 0, p₁ = 0.22, p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06). The first, at 0, notes the loss of the start.
    """
    # In hundredths: 0.22 + 0.19 + … in binary would end above or below whole numbers by chance.
    places, width = [0], 22
    while places[-1] + width <= 100:
        places.append(places[-1] + width)
        width = max(width - 3, 6)
    points = sorted({ceil(Fraction(place, 100) * steps) for place in places})
    return {point: point - before for before, point in zip([0, *points], points, strict=False)}


def _wrong_classes(logits: Logits, labels: Tensor, count: int) -> Tensor:
    """N×min(count, K − 1): classes other than the label, in order of decreasing logit."""
    others = logits.scatter(1, labels[:, None], -inf)
    return others.argsort(dim=1, descending=True, stable=True)[:, : min(count, logits.shape[1] - 1)]


def _loss(name: LossName, targets: Tensor) -> Loss:
    """The loss of that name, on samples with these targets."""
    match name:
        case "ce":
            return cross_entropy
        case "dlr":
            return difference_of_logits_ratio
        case "dlr_targeted":
            return targeted_difference_of_logits_ratio(targets)
