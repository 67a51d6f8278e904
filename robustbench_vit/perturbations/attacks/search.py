"""What an attack has found so far, and what it has cost: the part that all attacks share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import TypeAlias

import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attacks.ball import Ball
from robustbench_vit.perturbations.attacks.losses import Loss, margin
from robustbench_vit.perturbations.attacks.target import gradient_of, leads_nowhere, logits_of
from robustbench_vit.types import Context, Logits, Perturbed, Pixels

NOBODY, CLEAN, ATTACK = 0, 1, 2
"""Codes of ``broken_by``: the model is right still; was wrong without any attack; was led astray by the attack. Of
several attacks, it is the first, and the others count on from there."""

_ROUNDING = 1e-6
"""How far beyond eps rounding may carry an image: values near 1 have steps of 6e-8 in float32."""

Rows: TypeAlias = Tensor
"""Places of some of the images in the batch: int64, shape (n,)."""


@dataclass(frozen=True)
class Slope:
    """The gradient of a loss at some images, and what came with it.

    Args:
        gradient: n×3×H×W, of each image's loss by its own pixels; 0 where it is not finite.
        loss: Shape (n,).
        broken: Shape (n,), whether to stop because the model is wrong there.
    """

    gradient: Tensor
    loss: Tensor
    broken: Tensor


class Search:
    """The worst image found for each sample, and the passes it took.

    The worst image is the one of smallest margin (logit of the label − largest other logit). Every image that the model
    is shown is a candidate, unless it says ``keep=False``; so what is returned is adversarial if any of them was.
    Samples are left alone as soon as the model is wrong, unless the context says that the search persists.

    Args:
        images: N×3×H×W float in [0,1], clean.
        context: ``model`` and ``labels``.
        ball: Which images are allowed.
        name: Name of the attack, for messages and for the column ``broken_by``.

    Raises:
        CaseError: If the context lacks the model or the labels.
    """

    def __init__(self, images: Pixels, context: Context, ball: Ball, name: str) -> None:
        if context.model is None or context.labels is None:
            raise CaseError(f"{name} needs a model and labels in the context")
        if context.labels.shape != (len(images),) or context.labels.is_floating_point():
            came = f"{context.labels.dtype} of shape {tuple(context.labels.shape)}"
            raise CaseError(f"{name} needs one integer label an image, {len(images)} in all, got {came}")
        self.clean, self.labels = images.detach().contiguous(), context.labels.long()
        self.ball, self.name, self.persists = ball, name, context.persist
        self.worst, self.margin = self.clean.clone(), self._filled(inf)
        self.broken_by = torch.full((len(images),), NOBODY, device=images.device)
        self.forward_passes, self.backward_passes = self._filled(0), self._filled(0)
        self.zero_gradient = self._filled(nan)
        self.not_a_number = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        self.everything: Rows = torch.arange(len(images), device=images.device)
        self._model: Callable[[Pixels], Logits] = context.model
        self._num_classes: int | None = None

    def left(self) -> Rows:
        """Samples to go on with, in increasing order: about which the model is right still; all, if it persists."""
        return self.everything if self.persists else (self.broken_by == NOBODY).nonzero()[:, 0]

    def clean_logits(self, *, keep: bool = True) -> Logits:
        """Logits N×K of the clean images; samples that are wrong without an attack are marked as such."""
        logits = self._forward(self.clean, self.everything)
        self._judge(self.clean, self.everything, logits, CLEAN, keep=keep)
        return logits

    def clean_slope(self, loss: Loss, *, keep: bool = True) -> Slope:
        """The gradient at the clean images, which are judged as by `clean_logits`; saves a pass."""
        return self._slope(self.clean, self.everything, loss, CLEAN, keep=keep)

    def logits(self, images: Pixels, rows: Rows, by: int = ATTACK) -> tuple[Logits, Tensor]:
        """One forward pass: logits n×K, and whether to stop because the model is wrong, shape (n,).

        Args:
            images: n×3×H×W, one for each of the rows.
            rows: Which samples they belong to, each once.
            by: Code of the attack that made them.
        """
        logits = self._forward(images, rows)
        return logits, self._judge(images, rows, logits, by, keep=True)

    def adopt(self, found: Perturbed, rows: Rows, by: int) -> None:
        """Judge what another attack returned for some of the samples, and take over its columns.

        Raises:
            CaseError: If one of the images is not in the ball.
        """
        checked(self.ball, found.images, self.clean[rows], self.name)
        self.logits(found.images, rows, by)
        if "broken_by" in found.columns:
            # Rounding may differ between the two looks; whoever saw the model err is believed.
            seen = rows[(found.columns["broken_by"] != NOBODY) & (self.broken_by[rows] == NOBODY)]
            self.broken_by[seen] = by
        for name in ("forward_passes", "backward_passes"):
            if name in found.columns:
                getattr(self, name)[rows] += found.columns[name].to(torch.int64)
        if "zero_gradient" in found.columns:
            known = self.zero_gradient[rows]
            self.zero_gradient[rows] = torch.where(known.isnan(), found.columns["zero_gradient"], known)

    def slope(self, images: Pixels, rows: Rows, loss: Loss, *, keep: bool = True) -> Slope:
        """One forward and one backward pass.

        Args:
            images: n×3×H×W, one for each of the rows.
            rows: Which samples they belong to, each once.
            loss: Gets the labels of these rows.
            keep: Whether these images are candidates.

        Raises:
            CaseError: If the model is not differentiable.
        """
        return self._slope(images, rows, loss, ATTACK, keep=keep)

    def result(self, attacks: Sequence[str] = ()) -> Perturbed:
        """The worst images and what is known about each.

        Args:
            attacks: Names of several attacks, in the order of their codes.

        Raises:
            CaseError: If one of them is not in the ball, or the model gave no numbers for one that it was shown.
        """
        if bool(self.not_a_number.any()):
            raise CaseError(
                f"{self.name}: NaN or infinite logits for images of {int(self.not_a_number.sum())} of "
                f"{len(self.clean)} samples while they were attacked; look for divisions and overflows in the model"
            )
        columns = {
            "norm": checked(self.ball, self.worst, self.clean, self.name),
            "margin": self.margin,
            "broken_by": self.broken_by,
            "forward_passes": self.forward_passes,
            "backward_passes": self.backward_passes,
            "zero_gradient": self.zero_gradient.masked_fill(self.broken_by == CLEAN, nan),
        }
        return Perturbed(self.worst, columns, {"broken_by": ("none", "clean", *(attacks or [self.name]))})

    def _forward(self, images: Pixels, rows: Rows) -> Logits:
        with torch.no_grad():
            logits = logits_of(self._model, images, self.name)
        self.forward_passes[rows] += 1
        return logits

    def _slope(self, images: Pixels, rows: Rows, loss: Loss, code: int, *, keep: bool) -> Slope:
        pixels = images.detach().requires_grad_()
        with torch.enable_grad():
            logits = logits_of(self._model, pixels, self.name)
            self._require_labels(logits)
            losses = loss(logits, self.labels[rows])
            gradient = gradient_of(losses.sum(), pixels, self.name)
        self.forward_passes[rows] += 1
        self.backward_passes[rows] += 1
        self._note_zero(gradient, rows)
        broken = self._judge(images, rows, logits.detach(), code, keep=keep)
        return Slope(gradient.nan_to_num_(0, 0, 0), losses.detach(), broken)

    def _judge(self, images: Pixels, rows: Rows, logits: Logits, code: int, *, keep: bool) -> Tensor:
        """Whether to stop with each image because the model is wrong; what is worse than anything before is kept."""
        self._require_labels(logits)
        labels = self.labels[rows]
        margins, broken = margin(logits, labels), logits.argmax(1) != labels
        self.not_a_number[rows] |= ~margins.isfinite()
        if keep:
            worse = margins < self.margin[rows]
            self.margin[rows[worse]], self.worst[rows[worse]] = margins[worse], images[worse].detach()
        if keep or code == CLEAN:
            self.broken_by[rows[broken & (self.broken_by[rows] == NOBODY)]] = code
        return torch.zeros_like(broken) if self.persists else broken

    def _note_zero(self, gradient: Tensor, rows: Rows) -> None:
        """Whether the first gradient of each sample leads nowhere."""
        first = self.zero_gradient[rows].isnan()
        self.zero_gradient[rows[first]] = leads_nowhere(gradient)[first].to(self.zero_gradient.dtype)

    def _require_labels(self, logits: Logits) -> None:
        """Made sure of once, because the device must be waited for."""
        if self._num_classes is None and len(self.labels):
            self._num_classes = logits.shape[1]
            low, high = int(self.labels.min()), int(self.labels.max())
            if not 0 <= low <= high < self._num_classes:
                raise CaseError(
                    f"{self.name}: the model has {self._num_classes} classes, the labels span {low} to {high}; "
                    "use a model of these classes"
                )

    def _filled(self, value: float) -> Tensor:
        return torch.full((len(self.clean),), value, device=self.clean.device)


def checked(ball: Ball, images: Pixels, clean: Pixels, name: str) -> Tensor:
    """Distance of each image, shape (N,), all of which must be in the ball.

    Raises:
        CaseError: If an image is farther than eps from the clean one, or not in [0,1].
    """
    distance = ball.distance(images, clean)
    if not bool((distance <= float(ball.eps) * (1 + 1e-5) + _ROUNDING).all()):
        far, eps = float(distance.max()), float(ball.eps)
        raise CaseError(f"{name} returned an image at {ball.norm} distance {far:.6g}, eps is {eps:.6g}")
    if not bool(((images >= 0) & (images <= 1)).all()):
        raise CaseError(f"{name} returned values outside [0,1]: {float(images.min()):g} to {float(images.max()):g}")
    return distance
