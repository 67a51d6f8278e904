"""What a made set holds: perturbations and the names under which their images are stored."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from robustbench_vit.data.stored import CLEAN
from robustbench_vit.errors import CaseError, SpecError
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.spec import Value, exact, format_value, normalised
from robustbench_vit.suite import Case

_UNMADE = {
    "model": "it depends on the evaluated model; choose saliency=spectral or saliency=mask, or run it on the fly",
    "source_model": "it depends on a source model; run it on the fly",
    "pixel_std": "it works in the normalisation of the evaluated model; run it on the fly",
    "stored": "it names images that are stored already",
}
"""Why a perturbation with such a need cannot be stored."""


@dataclass(frozen=True)
class Condition:
    """One condition of a set.

    Args:
        corruption: Name of its folder or array.
        severity: Its place within it, as written in the name of a folder; empty for clean images.
        perturbation: What makes it.
    """

    corruption: str
    severity: str
    perturbation: Perturbation

    def __str__(self) -> str:
        return f"{self.corruption}/{self.severity}".rstrip("/")


def chosen(cases: Sequence[Case], say: Callable[[str], object]) -> dict[Perturbation, bool]:
    """The perturbations to make, each once, and whether it may be left out where it does not fit.

    Args:
        cases: Declared cases; those with data, geometry or labels of their own are no part of a set.
        say: Told what is left out.

    Raises:
        CaseError: If a perturbation depends on a model, or on stored images.
    """
    found: dict[Perturbation, bool] = {}
    for case in cases:
        if (case.data, case.geometry, case.labels) != (None, None, None):
            say(f"{case.perturbation}: left out, it has data, geometry or labels of its own")
            continue
        perturbation = Perturbation.bind(case.perturbation)
        for need, reason in _UNMADE.items():
            if need in perturbation.needs:
                raise CaseError(f"{case.perturbation} cannot be stored: {reason}")
        found[perturbation] = found.get(perturbation, True) and "optional" in case.tags
    return found


def named(perturbations: Sequence[Perturbation]) -> list[Condition]:
    """Give each perturbation its place in the set; severities come in increasing order.

    The common corruptions keep their published names (``fog/3``) where the set holds one variant of them; anything
    else is named after its curve (``patchdrop-region-salient/0.5``).

    Raises:
        SpecError: If two would have the same place.
    """
    places: dict[tuple[str, str], Condition] = {}
    for perturbation in perturbations:
        name = CLEAN if perturbation.row.name == CLEAN else _corruption(perturbation, perturbations)
        condition = Condition(name, "" if name == CLEAN else _severity(perturbation), perturbation)
        other = places.setdefault((condition.corruption, condition.severity), condition)
        if other is not condition:
            raise SpecError(
                f"{other.perturbation.canonical} and {perturbation.canonical} would both be stored as {condition}; "
                "make them in two folders"
            )
    first = {name: position for position, (name, _) in reversed(list(enumerate(places)))}
    return sorted(places.values(), key=lambda c: (first[c.corruption], exact(float(c.severity or 0))))


def _corruption(perturbation: Perturbation, others: Sequence[Perturbation]) -> str:
    row = perturbation.row
    curves = {_curve(other) for other in others if other.row is row}
    return _slug(row.name if row.family == "corruption" and len(curves) == 1 else _curve(perturbation))


def _curve(perturbation: Perturbation) -> str:
    sweep = perturbation.row.sweep(perturbation.spec)
    return perturbation.row.label(perturbation.spec) if sweep is None else sweep.curve


def _severity(perturbation: Perturbation) -> str:
    """The place on the axis as the user wrote it; 1 without an axis."""
    sweep, axis = perturbation.row.sweep(perturbation.spec), perturbation.row.axis
    if sweep is None or axis is None:
        return "1"
    place: Value = normalised(round(sweep.at, 6)) if axis.cells else perturbation.spec.args[axis.parameter]
    written = format_value(place)
    return f"{sweep.at:.6g}" if "/" in written else written


def _slug(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-.")
