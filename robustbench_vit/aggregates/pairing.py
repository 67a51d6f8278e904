"""Two models of a plan: which cases both ran, and what is known of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from robustbench_vit.aggregates.cells import Correct
from robustbench_vit.aggregates.honesty import comparisons
from robustbench_vit.aggregates.names import spec_of, without_variant
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.errors import CaseError, SpecError, UnknownNameError
from robustbench_vit.records import PlannedCase


@dataclass(frozen=True)
class Pairing:
    """The cases of two models side by side.

    Args:
        a: Name of the first model.
        b: Name of the second.
        partners: Each case of the first that both ran, and the same case of the second. Equal keys mean the same data,
            geometry, perturbation, versions, label space, seed and dtype.
        alone: Cases that one of them ran and the other did not.
        attacks: Every attack that either ran: what one leaves may cast doubt on another.
    """

    a: str
    b: str
    partners: Mapping[PlannedCase, PlannedCase]
    alone: tuple[PlannedCase, ...]
    attacks: tuple[PlannedCase, ...]


@dataclass(frozen=True)
class Known:
    """What the rows of both models say.

    Args:
        correct: 1 where the model is right, by sample id: of each case, and of each point of ``grids``.
        grids: A case of min_eps as one case an eps.
        warnings: Why the number of a case, or of a point, may not mean what it seems to.
        partial: What is missing of a case that is not done.
    """

    correct: Correct = field(default_factory=dict)
    grids: dict[PlannedCase, dict[float, PlannedCase]] = field(default_factory=dict)
    warnings: dict[PlannedCase, list[str]] = field(default_factory=dict)
    partial: dict[PlannedCase, str] = field(default_factory=dict)


def pair(cases: Sequence[PlannedCase], a: str, b: str) -> Pairing:
    """Find the cases that two models share.

    Args:
        cases: The plan.
        a: Display spec of a model, alone or with its variant, or its key.
        b: The other one.

    Raises:
        UnknownNameError: If the plan has no model of that name; offers the closest.
        SpecError: If a name is that of several models, or both are the same model.
        CaseError: If they share no case.
    """
    one, two = _of_model(cases, a), _of_model(cases, b)
    if one[0].model_key == two[0].model_key:
        raise SpecError(f"{a} and {b} are the same model; give two models")
    (mine, theirs), names = (_ran(one), _ran(two)), (_name(one), _name(two))
    partners = {case: theirs[key] for key, case in mine.items() if key in theirs}
    if not partners:
        raise CaseError(
            f"{names[0]} and {names[1]} share no case: {len(mine)} and {len(theirs)} were run, and none has the same "
            "suite, data, geometry, perturbation, labels, seed and dtype; run the same suite on both"
        )
    ran = {**mine, **{key: case for key, case in theirs.items() if key not in mine}}
    alone = tuple(case for key, case in ran.items() if (key in mine) != (key in theirs))
    attacks = tuple(case for case in (*mine.values(), *theirs.values()) if case.threat)
    return Pairing(*names, partners, alone, attacks)


def know(pairing: Pairing, scored: Callable[[PlannedCase], Scored]) -> Known:
    """Look at what both models have right, a case at a time.

    Args:
        pairing: The cases.
        scored: Gives a case as it was scored.
    """
    known = Known()
    for case in dict.fromkeys([*pairing.partners, *pairing.partners.values(), *pairing.attacks]):
        one = scored(case)
        known.correct[case], known.warnings[case] = one.correct, list(one.doubts)
        if one.settled.status == "partial":
            known.partial[case] = f"partial, {len(one.correct):,} of {case.n:,} images"
        if one.points:
            points = {at: replace(case, case_key=f"{case.case_key} eps={at!r}") for at in one.points}
            known.correct.update({points[at]: right for at, right in one.points.items()})
            # One list for all, so that what is added below is known of every point.
            known.warnings.update(dict.fromkeys(points.values(), known.warnings[case]))
            known.partial.update(dict.fromkeys(points.values(), known.partial[case]) if case in known.partial else {})
            known.grids[case] = points
    for suite, model in dict.fromkeys((case.suite, case.model_key) for case in pairing.attacks):
        own = {case: known.correct[case] for case in pairing.attacks if (case.suite, case.model_key) == (suite, model)}
        for case, texts in comparisons(own).items():
            known.warnings[case] += texts
    return known


def _of_model(cases: Iterable[PlannedCase], name: str) -> list[PlannedCase]:
    """The cases of the one model that is called so."""
    called = [case for case in cases if name in {case.model, case.model_key, without_variant(case.model)}]
    if not called:
        alike = [case for case in cases if spec_of(case.model) == name]
        if not alike:
            raise UnknownNameError("model", name, {without_variant(case.model) for case in cases})
        called = alike
    keys = {case.model_key: without_variant(case.model) for case in called}
    if len(keys) > 1:
        names = sorted(keys if len(set(keys.values())) < len(keys) else keys.values())
        raise SpecError(f"{name} is the name of {len(keys)} models; give one of {', '.join(names)}")
    return called


def _name(cases: Sequence[PlannedCase]) -> str:
    return cases[0].model if len({case.model for case in cases}) == 1 else without_variant(cases[0].model)


def _ran(cases: Iterable[PlannedCase]) -> dict[tuple[str, str], PlannedCase]:
    return {(case.suite, case.case_key): case for case in cases if case.status in {"done", "partial"}}
