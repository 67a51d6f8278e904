"""AutoAttack as published: four attacks without parameters, each on what the former ones left."""

from fractions import Fraction

import torch

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attack_catalog import AUTOATTACK
from robustbench_vit.perturbations.attack_row import allowing
from robustbench_vit.perturbations.attacks.ball import Norm
from robustbench_vit.perturbations.attacks.package import library_class
from robustbench_vit.perturbations.attacks.target import logits_of
from robustbench_vit.perturbations.attacks.worst import ensemble
from robustbench_vit.randomness import Keys
from robustbench_vit.spec import Spec, format_value
from robustbench_vit.types import Context, Perturbed, Pixels

_FEWEST_CLASSES = 4  # of the targeted DLR loss


def autoattack(images: Pixels, keys: Keys, *, context: Context, eps: int | Fraction, norm: Norm = "linf") -> Perturbed:
    """The standard version: APGD on cross-entropy, APGD on targeted DLR, targeted FAB, Square.

    The first three make 100 steps from one start, the targeted ones for each of 9 wrong classes, or all if there are
    fewer; Square asks 5,000 queries. A sample is broken if one of them breaks it.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: One key an image; each attack draws from the stream of its own name.
        context: ``model`` (pixels → logits) and ``labels``.
        eps: Largest distance, pixels in [0,1].
        norm: ``linf`` or ``l2``.

    Returns:
        As `robustbench_vit.perturbations.attacks.worst`; ``broken_by`` says ``apgd-ce``, ``apgd-t``, ``fab-t`` or
        ``square``. One look at the first image, for the number of classes, is not among the passes.

    Raises:
        CaseError: If torchattacks is missing, which computes FAB, or there are fewer than four classes; both before
            anything is attacked. Otherwise as each attack.

    Source:
        Croce & Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
        attacks", ICML 2020 (arXiv:2003.01690), section 6 and appendix; authors' code, version ``standard``.

    Differences:
        APGD and Square are ours, see there; FAB is that of torchattacks. Random numbers are drawn for each image, not
        for each batch.
    """
    library_class("FAB", "autoattack")
    _require_classes(images, context, eps, norm)
    return ensemble(images, keys, context, _members(eps, norm), "autoattack")


def _members(eps: int | Fraction, norm: Norm) -> dict[str, Spec]:
    """The attacks by their names, with what they are allowed."""
    return allowing(AUTOATTACK, {"eps": eps, "norm": norm})


def _require_classes(images: Pixels, context: Context, eps: int | Fraction, norm: Norm) -> None:
    if context.model is None or not len(images):
        return
    with torch.no_grad():
        num_classes = logits_of(context.model, images[:1], "autoattack").shape[1]
    if num_classes < _FEWEST_CLASSES:
        allowed = f"eps={format_value(eps)}" + ("" if norm == "linf" else f", norm={norm}")
        raise CaseError(
            f"autoattack: its loss dlr_targeted needs at least {_FEWEST_CLASSES} classes, the model has {num_classes}; "
            f"use worst(attacks=[apgd({allowed}), square({allowed})])"
        )
