"""From per-sample rows to measurements: the judge of contract C6. It needs no model, no images and no torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from math import nan
from typing import NamedTuple

import pandas as pd

from robustbench_vit.aggregates.boards import boards, is_heard, measure_board
from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.cells import Correct, cells_of
from robustbench_vit.aggregates.groups import Group, groups, split
from robustbench_vit.aggregates.honesty import BETWEEN, WARNED, comparisons
from robustbench_vit.aggregates.measuring import NOTHING, attempt, estimates, of_case
from robustbench_vit.aggregates.references import AlexNet, Reference, defined, reference_model
from robustbench_vit.aggregates.scored import Scored, score_case
from robustbench_vit.metrics.intervals import Estimate
from robustbench_vit.records import Measurement, PlannedCase, Status
from robustbench_vit.trials import Trials

COLUMNS = tuple(field.name for field in fields(Measurement))
"""Columns of the frame of measurements."""

_NAMED = 4  # missing cells a reason names before it counts the rest


def score(
    cases: Sequence[PlannedCase],
    rows: Callable[[PlannedCase], pd.DataFrame],
    reference: str | None = None,
    trials: Sequence[Trials] = (),
) -> pd.DataFrame:
    """Measure everything that can be measured.

    Args:
        cases: The plan of a run. Only cases that are done or partial are read.
        rows: Gives the per-sample rows of a case (`CORE_COLUMNS` and more, in any order). Rows at canonical positions
            beyond ``case.n`` are ignored.
        reference: Model of the plan that corruption errors are relative to; None is AlexNet as published.
        trials: What humans and other models said about the images of clean cases.

    Returns:
        A row a measurement, with the columns of `Measurement`, in plan order; what is computed over several cases
        stands behind the last of them, and what concerns several decision makers at the end.
        Where there is no number, the value is NaN and ``reason`` says why.

    Raises:
        StoreError: If rows lack a column or hold a sample twice.
        UnknownNameError: If the plan has no model of the reference's name.
        DataError: If trials are about other images, or name other classes.
    """
    scored: dict[PlannedCase, Scored] = {}
    compared = reference_model(cases, reference, lambda case: scored[case].correct) if reference else AlexNet()
    scored.update({case: score_case(case, rows) for case in cases})
    return frame(judge(scored, compared, trials))


def judge(
    scored: Mapping[PlannedCase, Scored], reference: Reference, trials: Sequence[Trials] = ()
) -> list[Measurement]:
    """All measurements of cases that are scored, in plan order.

    Args:
        scored: By the cases of the plan.
        reference: What corruption errors are relative to.
        trials: As for `score`.

    Raises:
        DataError: As `score`.
    """
    cases = list(scored)
    order = {case: position for position, case in enumerate(cases)}
    measured: list[tuple[int, Measurement]] = []
    for plan in plans(cases):
        for case, judged in zip(plan, judge_plan([scored[case] for case in plan], reference), strict=True):
            measured += [(order[case], number) for number in (*judged.own, *judged.over)]
    for measurement in judge_boards(scored, trials):
        measured.append((len(cases), measurement))
    measured.sort(key=lambda item: item[0])
    return [measurement for _, measurement in measured]


def frame(measurements: Sequence[Measurement]) -> pd.DataFrame:
    """A row a measurement, with the columns of `Measurement`."""
    return pd.DataFrame([vars(measurement) for measurement in measurements], columns=list(COLUMNS))


def plans(cases: Sequence[PlannedCase]) -> list[list[PlannedCase]]:
    """The cases of each suite and model, in the order of first appearance."""
    return list(split(cases, lambda case: (case.suite, case.model_key)).values())


class Judged(NamedTuple):
    """The numbers of one case, and of the groups of cases that end with it."""

    own: tuple[Measurement, ...]
    over: tuple[Measurement, ...]


def judge_plan(plan: Sequence[Scored], reference: Reference) -> list[Judged]:
    """Everything about one model in one suite.

    Args:
        plan: Its cases.
        reference: What corruption errors are relative to.
    """
    cases = [one.settled for one in plan]
    correct = {case: one.correct for case, one in zip(cases, plan, strict=True)}
    against = comparisons({case: correct[case] for case in cases if case.threat})
    over: dict[PlannedCase, list[Measurement]] = {case: [] for case in cases}
    order = {case: position for position, case in enumerate(cases)}
    for group in groups(cases):
        over[max(group.members, key=order.__getitem__)] += _aggregate(group, correct, reference)
    return [
        Judged(
            tuple(_warned(number, [*one.doubts, *against.get(case, ())]) for number in one.numbers), tuple(over[case])
        )
        for case, one in zip(cases, plan, strict=True)
    ]


def judge_boards(scored: Mapping[PlannedCase, Scored], trials: Sequence[Trials]) -> Iterator[Measurement]:
    """What concerns several decision makers.

    Args:
        scored: By the cases of the plan; those with decisions matter.
        trials: What humans and other models said.

    Raises:
        DataError: If trials are about other images, or name other classes.
    """
    settled = {one.settled: one.decisions for one in scored.values()}
    decided = {case: found for case, found in settled.items() if is_heard(case, found, trials)}
    for board in boards({case: found for case, found in decided.items() if found is not None}, trials):
        yield from measure_board(board)


def _warned(number: Measurement, texts: Sequence[str]) -> Measurement:
    return replace(number, warning=BETWEEN.join(texts)) if texts and number.metric in WARNED else number


def _aggregate(group: Group, correct: Correct, reference: Reference) -> Iterator[Measurement]:
    for one in (None, reference):
        rows = [row for row in AGGREGATES if row.scope == group.scope and row.compares == (one is not None)]
        if rows:
            yield from _numbers(group, rows, correct, one)


def _numbers(
    group: Group, aggregates: Sequence[Aggregate], correct: Correct, reference: Reference | None
) -> Iterator[Measurement]:
    unknown = reference.why_not(group.members) if reference else ""
    if unknown and group.scope not in {"benchmark", "clean+benchmark"}:
        return  # mCE says once what would stand behind the CE of each corruption
    missing = _missing(group, correct) or unknown
    cells = [] if missing else cells_of(group, correct, reference)
    if not missing and not len(cells[0].correct):
        missing = "the cases share no image"
    if missing:
        numbers = {aggregate.name: (NOTHING, missing, "") for aggregate in aggregates}
    else:
        numbers = estimates({row.name: attempt(row, cells) for row in aggregates})
    status = _status(group, missing, unknown, reference)
    for aggregate in aggregates:
        number, reason, _ = numbers[aggregate.name]
        yield _of_group(group, aggregate, number, status, reason, reference)


def _status(group: Group, missing: str, unknown: str, reference: Reference | None) -> Status:
    if (group.absent or unknown) and not (reference and reference.asked_for):
        return "skipped"  # the plan never asked for it
    return "done" if not missing and all(case.status == "done" for case in group.members) else "partial"


def _missing(group: Group, correct: Correct) -> str:
    """Why the group is not complete, or nothing."""
    if group.wants_clean:
        return "the suite has no clean case with the same data, geometry, label space, dtype and seed"
    names = [f"{case.case} ({case.status})" for case in group.members if not len(correct[case])] + list(group.absent)
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"missing: {', '.join(names[:_NAMED])}{more}"


def _of_group(
    group: Group, aggregate: Aggregate, number: Estimate, status: Status, reason: str, reference: Reference | None
) -> Measurement:
    own = of_case(
        group.last,
        aggregate.name,
        number,
        unit=aggregate.unit,
        definition=defined(aggregate.definition, group.last, number.n, reference),
        reason=reason,
    )
    own = replace(own, status=status, reference=reference.name if reference else own.reference)
    if group.scope == "case":
        return own
    if group.name == own.curve:
        return replace(own, case=group.name, perturbation=group.name, at=nan)
    return replace(own, case=group.name, perturbation="", curve="", axis="", at=nan, clean_at=nan)
