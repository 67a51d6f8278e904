"""Is one model better than another? The paired comparison, over the images that both have seen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan, nan
from typing import Any, NamedTuple

import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.cells import cells_of, correctness, read
from robustbench_vit.aggregates.difference import TIE, Comparison, Difference
from robustbench_vit.aggregates.groups import Cell, Group, groups
from robustbench_vit.aggregates.honesty import BETWEEN
from robustbench_vit.aggregates.measuring import attempt, estimates
from robustbench_vit.aggregates.pairing import Known, Pairing, know, pair
from robustbench_vit.aggregates.references import AlexNet, Reference, defined, reference_model
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.catalog import METRICS, Metric
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.metrics.detectable import LEVEL, detectable_by_interval, detectable_difference
from robustbench_vit.metrics.holm import holm
from robustbench_vit.metrics.intervals import Estimate
from robustbench_vit.metrics.mcnemar import mcnemar
from robustbench_vit.records import PlannedCase

AGGREGATED = ("auc", "robust_auc", "family_accuracy", "mean_corruption_accuracy", "mce", "relative_mce")
"""Aggregates that are compared, beside the accuracy of each case."""


class _Question(NamedTuple):
    """What is asked of both models: the group has the members of the first, then those of the second."""

    group: Group
    row: Metric | Aggregate
    reference: Reference | None = None

    @property
    def case(self) -> PlannedCase:
        """A case that has the data, geometry and family."""
        return self.group.last


class _Sides(NamedTuple):
    a: Contributions
    b: Contributions
    difference: Contributions


def compare(
    cases: Sequence[PlannedCase],
    rows: Callable[[PlannedCase], pd.DataFrame],
    a: str,
    b: str,
    reference: str | None = None,
) -> Comparison:
    """Compare two models case by case and over cases, always on the images both have seen.

    Args:
        cases: The plan of a run, of any number of models.
        rows: Gives the per-sample rows of a case, as for `score`.
        a: Name of a model, alone or with its variant, or its key.
        b: The other one; differences are b − a.
        reference: Model of the plan that corruption errors are relative to; None is AlexNet as published.

    Raises:
        UnknownNameError: If the plan has no model of that name; offers the closest.
        SpecError: If a name is that of several models, or both are the same model.
        CaseError: If they share no case, or no image.
        StoreError: If rows lack a column or hold a sample twice.
    """
    pairing = pair(cases, a, b)
    against = reference_model(cases, reference, lambda case: correctness(read(case, rows))) if reference else AlexNet()
    known = know(pairing, rows)
    suites = dict.fromkeys(case.suite for case in pairing.partners)
    asked = [question for suite in suites for question in _questions(suite, pairing, known, against)]
    sides = [_sides(question, known) for question in asked]
    if not any(isinstance(found, _Sides) for found in sides):
        raise CaseError(
            f"{pairing.a} and {pairing.b} share {len(pairing.partners)} cases but no image of them; run both with the "
            "same --limit and --shard"
        )
    numbers = estimates({(place, side): given for place, found in enumerate(sides) for side, given in _named(found)})
    found = [
        _difference(question, pairing, known, [numbers[place, side][:2] for side in _Sides._fields], sides[place])
        for place, question in enumerate(asked)
    ]
    return Comparison(pairing.a, pairing.b, tuple(_judged(asked, found)), pairing.alone)


def _questions(suite: str, pairing: Pairing, known: Known, reference: Reference) -> Iterator[_Question]:
    """The cases of a suite, then what is over several of them."""
    shared = {case: other for case, other in pairing.partners.items() if case.suite == suite}
    for case, other in shared.items():
        yield _Question(Group("case", case.case, (case, other)), METRICS["robust_accuracy" if case.threat else "top1"])
    over = [_grid(case, known.grids[case]) for case in shared if case in known.grids]
    twins = {one: known.grids[shared[case]][at] for case in shared for at, one in known.grids.get(case, {}).items()}
    for group in [*over, *groups(list(shared))]:
        # A grid that only one of them has in full says nothing of both; a family of one case says nothing new.
        if group.absent or group.wants_clean or (group.scope == "family" and len(group.members) == 1):
            continue
        both = group.members + tuple({**shared, **twins}[case] for case in group.members)
        for row in (AGGREGATES[name] for name in AGGREGATED if AGGREGATES[name].scope == group.scope):
            one = reference if row.compares else None
            if not (one and one.why_not(group.members) and not one.asked_for):
                yield _Question(replace(group, members=both, places=group.places * 2), row, one)


def _grid(case: PlannedCase, points: Mapping[float, PlannedCase]) -> Group:
    return Group("eps", case.case, tuple(points.values()), tuple(points))


def _sides(question: _Question, known: Known) -> _Sides | str:
    """What each image contributes to the number of each model and to their difference, or why there is none."""
    unknown = question.reference.why_not(question.group.members) if question.reference else ""
    cells = [] if unknown else cells_of(question.group, known.correct, question.reference)
    if unknown or not len(cells[0].correct):
        return unknown or "the models share no image"
    half = len(cells) // 2
    a, b = _contributions(question.row, cells[:half]), _contributions(question.row, cells[half:])
    if isinstance(a, str) or isinstance(b, str):
        return a if isinstance(a, str) else str(b)
    return _Sides(a, b, b.minus(a))


def _contributions(row: Metric | Aggregate, cells: Sequence[Cell]) -> Contributions | str:
    return attempt(row, cells) if isinstance(row, Aggregate) else Contributions(cells[0].correct, proportion=True)


def _named(found: _Sides | str) -> list[tuple[str, Contributions | str]]:
    return [(side, found if isinstance(found, str) else getattr(found, side)) for side in _Sides._fields]


def _difference(
    question: _Question,
    pairing: Pairing,
    known: Known,
    numbers: Sequence[tuple[Estimate, str]],
    sides: _Sides | str,
) -> Difference:
    """A row, not yet judged."""
    (a, reason), (b, _), (difference, _) = numbers
    row, case = question.row, question.case
    return Difference(
        model_a=pairing.a,
        model_b=pairing.b,
        case=question.group.name,
        metric=row.name,
        cases=1 if question.group.scope == "eps" else len(question.group.members) // 2,
        n=difference.n,
        **_ends("a", a),
        **_ends("b", b),
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        **(_tested(sides) if isinstance(sides, _Sides) and isinstance(row, Metric) else _UNTESTED),
        p_holm=nan,
        detectable=nan,
        better="",
        unit=row.unit,
        definition=defined(row.definition, case, difference.n, question.reference),
        suite=case.suite,
        family=case.family,
        data=case.data,
        geometry=case.geometry,
        seed=case.seed,
        dtype=case.dtype,
        reference=question.reference.name if question.reference else "",
        reason=reason,
        warning=_warning(question, pairing, known),
    )


def _ends(name: str, number: Estimate) -> dict[str, Any]:
    return {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}


_UNTESTED: dict[str, Any] = {"only_a": None, "only_b": None, "p": nan}


def _tested(sides: _Sides) -> dict[str, Any]:
    """What McNemar's test looks at, and its p."""
    a, b = sides.a.values[:, 0], sides.b.values[:, 0]
    return {"only_a": int((a > b).sum()), "only_b": int((b > a).sum()), "p": mcnemar(a, b)}


def _warning(question: _Question, pairing: Pairing, known: Known) -> str:
    """The doubts about a case, or the curve of one case, with the name of the model they are about."""
    if question.group.scope not in {"case", "eps"}:
        return ""
    both = ((pairing.a, question.group.members[0]), (pairing.b, question.group.members[-1]))
    return BETWEEN.join(f"{name}: {text}" for name, case in both for text in known.warnings[case])


def _judged(asked: Sequence[_Question], found: Sequence[Difference]) -> Iterator[Difference]:
    """With adjusted p, what could be detected, and which model is better."""
    # Two suites may hold the same case over the same images: that is one test.
    keys = [(question.case.case_key, row.n) for question, row in zip(asked, found, strict=True)]
    tests = {key: row.p for key, row in zip(keys, found, strict=True) if not isnan(row.p)}
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    for question, key, row in zip(asked, keys, found, strict=True):
        if isnan(row.difference):
            yield row
        elif row.only_a is None or row.only_b is None:
            able = detectable_by_interval(row.low, row.high)
            yield replace(row, detectable=able, better=_better(question, row, not row.low <= 0 <= row.high))
        else:
            able = detectable_difference(row.n, (row.only_a + row.only_b) / row.n)
            better = _better(question, row, adjusted[key] < LEVEL)
            yield replace(row, p_holm=adjusted[key], detectable=able, better=better)


def _better(question: _Question, row: Difference, apart: bool) -> str:
    if not apart:
        return TIE
    return row.model_b if (row.difference > 0) == question.row.higher_is_better else row.model_a
