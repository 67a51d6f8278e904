"""The worst of several attacks on each image: one case, not an average."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attack_catalog import ATTACKS
from robustbench_vit.perturbations.attacks.ball import Ball
from robustbench_vit.perturbations.attacks.search import ATTACK, Rows, Search
from robustbench_vit.randomness import Keys
from robustbench_vit.records import Threat
from robustbench_vit.spec import Spec
from robustbench_vit.types import Context, Perturbed, Pixels


def worst(images: Pixels, keys: Keys, *, context: Context, attacks: Sequence[Spec]) -> Perturbed:
    """Attack with one after the other; each is shown only the samples that the model is right about still.

    A sample is broken if any attack breaks it. What an attack draws for an image does not depend on the attacks before
    it, so robust accuracy is at most that of each attack alone.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: One key an image; each attack draws from the stream of its own name.
        context: ``model`` (pixels → logits) and ``labels``.
        attacks: Specs of the catalogue of attacks, with the same norm and eps.

    Returns:
        Of each sample the image of smallest margin that any attack returned, and the columns of every attack, see
        `robustbench_vit.perturbations.attacks.fgsm`. ``broken_by`` names the first attack that broke the sample;
        passes are those of all attacks and one of each attack's result.

    Raises:
        CaseError: As each attack; or if one returns an image that is farther than eps, or not in [0,1].
    """
    named = {ATTACKS.row(spec).label(spec): spec for spec in attacks}
    return ensemble(images, keys, context, named, "worst")


def ensemble(images: Pixels, keys: Keys, context: Context, attacks: Mapping[str, Spec], name: str) -> Perturbed:
    """As `worst`, under a name of its own and with the attacks by the names that ``broken_by`` is to show."""
    search = Search(images, context, ball_of(next(iter(attacks.values()))), name)
    search.clean_logits()
    for code, spec in enumerate(attacks.values(), start=ATTACK):
        rows = search.left()
        if len(rows):
            search.adopt(apply(spec, search, rows, keys, context), rows, code)
    return search.result(tuple(attacks))


def apply(spec: Spec, search: Search, rows: Rows, keys: Keys, context: Context, **changed: Any) -> Perturbed:
    """One attack on some of the samples, which it draws for as if it were alone.

    Args:
        spec: The attack.
        search: Of all samples.
        rows: Which of them to attack.
        keys: Of all samples.
        context: Of all samples.
        **changed: Arguments that replace those of the spec.
    """
    function, arguments = ATTACKS.load(spec)
    own = replace(context, labels=search.labels[rows], positions=None, mask=None, saliency=None, examples=None)
    found = function(search.clean[rows], keys.under(spec.name).at(rows), context=own, **{**arguments, **changed})
    return found if isinstance(found, Perturbed) else Perturbed(found)


def ball_of(spec: Spec) -> Ball:
    """The images that an attack is allowed.

    Raises:
        CaseError: If it knows no bound.
    """
    threat: Threat | None = ATTACKS.row(spec).threat(spec)
    match threat:
        case Threat(norm="linf" | "l2" as norm, eps=eps):
            return Ball(norm, eps)
    raise CaseError(f"{spec} keeps to no eps, so it cannot be one of several attacks")
