"""From per-sample rows to measurements: the judge of contract C6. It needs no model, no images and no torch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from math import nan

import pandas as pd

from robustbench_vit.aggregates.attacks import of_attack
from robustbench_vit.aggregates.boards import boards, decisions, measure_board
from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.cells import Correct, cells_of, correctness, read
from robustbench_vit.aggregates.figures import figures
from robustbench_vit.aggregates.groups import Group, groups
from robustbench_vit.aggregates.honesty import BETWEEN, WARNED, comparisons, doubts
from robustbench_vit.aggregates.measuring import NOTHING, attempt, estimates, metrics_of, of_case
from robustbench_vit.aggregates.references import AlexNet, Reference, defined, reference_model
from robustbench_vit.metrics.catalog import METRICS, Metric
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
    cases = list(dict.fromkeys(cases))
    compared = reference_model(cases, reference, lambda case: correctness(read(case, rows))) if reference else AlexNet()
    order = {case: position for position, case in enumerate(cases)}
    measured: list[tuple[int, Measurement]] = []
    decided: dict[PlannedCase, pd.DataFrame] = {}
    # Model by model, so that no more than one model's predictions are held at once.
    for suite, model in dict.fromkeys((case.suite, case.model_key) for case in cases):
        plan = [case for case in cases if (case.suite, case.model_key) == (suite, model)]
        correct: Correct = {}
        own: dict[PlannedCase, list[Measurement]] = {}
        doubted: dict[PlannedCase, list[str]] = {}
        for case in plan:
            found = read(case, rows)
            correct[case], doubted[case] = correctness(found), doubts(case, found)
            own[case] = list(_measure(case, found))
            if (decision := decisions(case, found, trials)) is not None:
                decided[case] = decision
        for case, texts in comparisons({case: correct[case] for case in plan if case.threat}).items():
            doubted[case] += texts
        for case, numbers in own.items():
            measured += [(order[case], _warned(number, doubted[case])) for number in numbers]
        for group in groups(plan):
            last = max(order[case] for case in group.members)
            measured += [(last, measurement) for measurement in _aggregate(group, correct, compared)]
    for board in boards(decided, trials):
        measured += [(len(cases), measurement) for measurement in measure_board(board)]
    measured.sort(key=lambda item: item[0])
    return pd.DataFrame([asdict(measurement) for _, measurement in measured], columns=list(COLUMNS))


def _measure(case: PlannedCase, rows: pd.DataFrame) -> Iterator[Measurement]:
    if not len(rows):
        yield from _unmeasured(case)
        return
    metrics = [metric for metric in METRICS if set(metric.columns) <= set(rows.columns)]
    yield from metrics_of(case, metrics, rows)
    yield from of_attack(case, rows)
    yield from figures(case, rows, {column for metric in metrics for column in metric.columns})


def _unmeasured(case: PlannedCase) -> Iterator[Measurement]:
    """Of a case without rows: the numbers that a reader looks for, with the reason why there are none."""
    wanted: list[Metric | Aggregate] = [METRICS["top1"], *([METRICS["robust_accuracy"]] if case.threat else [])]
    if case.threat and case.threat.grid:
        wanted.append(AGGREGATES["robust_auc"])
    for row in wanted:
        reason = case.reason or "no image is done yet"
        yield of_case(case, row.name, NOTHING, unit=row.unit, definition=row.definition, reason=reason)


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
