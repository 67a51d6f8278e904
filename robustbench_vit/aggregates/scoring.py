"""From per-sample rows to measurements: the judge of contract C6. It needs no model, no images and no torch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from math import nan
from typing import TypeAlias

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.attacks import of_attack
from robustbench_vit.aggregates.boards import boards, decisions, measure_board
from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.figures import figures
from robustbench_vit.aggregates.groups import Cell, Group, groups
from robustbench_vit.aggregates.honesty import BETWEEN, WARNED, comparisons, doubts
from robustbench_vit.aggregates.measuring import NOTHING, attempt, estimates, metrics_of, of_case
from robustbench_vit.aggregates.references import AlexNet, Reference, reference_model
from robustbench_vit.errors import StoreError
from robustbench_vit.metrics.catalog import METRICS, Metric
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.intervals import Estimate
from robustbench_vit.metrics.robustness import right
from robustbench_vit.records import CORE_COLUMNS, Measurement, PlannedCase, Status
from robustbench_vit.trials import Trials

COLUMNS = tuple(field.name for field in fields(Measurement))
"""Columns of the frame of measurements."""

_Correct: TypeAlias = dict[PlannedCase, "pd.Series[float]"]

_OPTIONAL = ("probabilities", "top5_ids", "top5_probabilities", "texture")  # depends on the classes and the data
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
    compared = reference_model(cases, reference, lambda case: _correct(_read(case, rows))) if reference else AlexNet()
    order = {case: position for position, case in enumerate(cases)}
    measured: list[tuple[int, Measurement]] = []
    decided: dict[PlannedCase, pd.DataFrame] = {}
    # Model by model, so that no more than one model's predictions are held at once.
    for suite, model in dict.fromkeys((case.suite, case.model_key) for case in cases):
        plan = [case for case in cases if (case.suite, case.model_key) == (suite, model)]
        correct: _Correct = {}
        own: dict[PlannedCase, list[Measurement]] = {}
        doubted: dict[PlannedCase, list[str]] = {}
        for case in plan:
            found = _read(case, rows)
            correct[case], doubted[case] = _correct(found), doubts(case, found)
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


def _read(case: PlannedCase, rows: Callable[[PlannedCase], pd.DataFrame]) -> pd.DataFrame:
    """The case's rows below its n in canonical order; none if it was not run."""
    if case.status in {"failed", "skipped"}:
        return pd.DataFrame({name: [] for name in CORE_COLUMNS})
    found = rows(case)
    missing = [name for name in CORE_COLUMNS if name not in found and name not in _OPTIONAL]
    if missing or not {"probabilities", "top5_ids"} & set(found.columns):
        raise StoreError(f"the rows of {case.case} on {case.model} lack {missing or 'probabilities and top5_ids'}")
    # Canonical order makes the intervals of two models paired, whatever order the blocks were committed in.
    found = found[found["position"] < case.n].sort_values("position", kind="stable")
    if "texture" in found and (found["texture"] == found["label"]).all():
        found = found.drop(columns="texture")  # as in photographs: both cues say the same, there is nothing to decide
    twice = found["id"][found["id"].duplicated()]
    if len(twice):
        raise StoreError(f"the rows of {case.case} on {case.model} hold sample {twice.iloc[0]!r} more than once")
    return found


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


def _correct(rows: pd.DataFrame) -> "pd.Series[float]":
    """1 where the prediction is right, and no attack made it wrong on the way, else 0, by sample id."""
    return pd.Series(right(rows), index=pd.Index(rows["id"], dtype=object))


def _aggregate(group: Group, correct: _Correct, reference: Reference) -> Iterator[Measurement]:
    for one in (None, reference):
        rows = [row for row in AGGREGATES if row.scope == group.scope and row.compares == (one is not None)]
        if rows:
            yield from _numbers(group, rows, correct, one)


def _numbers(
    group: Group, aggregates: Sequence[Aggregate], correct: _Correct, reference: Reference | None
) -> Iterator[Measurement]:
    unknown = reference.why_not(group.members) if reference else ""
    if unknown and group.scope not in {"benchmark", "clean+benchmark"}:
        return  # mCE says once what would stand behind the CE of each corruption
    missing = _missing(group, correct) or unknown
    cells = [] if missing else _cells(group, correct, reference)
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


def _cells(group: Group, correct: _Correct, reference: Reference | None) -> list[Cell]:
    """The members over the images that all of them, and the reference, share."""
    errors = [reference.errors(case) if reference else nan for case in group.members]
    indexes = [correct[case].index for case in group.members]
    indexes += [found.index for found in errors if isinstance(found, pd.Series)]
    common = correct[group.last].index
    # As a rule all cases of a run have the same images, and looking up 50,000 names a cell would take seconds.
    if any(not common.equals(index) for index in indexes):
        for index in indexes:
            common = common[common.isin(index)]
    places = group.places or (nan,) * len(group.members)
    return [
        Cell(case, _values(correct[case], common), at, _values(found, common) if reference else np.empty(0))
        for case, at, found in zip(group.members, places, errors, strict=True)
    ]


def _values(values: "pd.Series[float] | float", ids: pd.Index) -> FloatArray:
    """Values by sample id, or one number for all, as an array of shape (N,)."""
    if isinstance(values, pd.Series):
        return np.asarray(values.reindex(ids), dtype=np.float64)
    return np.full(len(ids), values)


def _missing(group: Group, correct: _Correct) -> str:
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
        definition=_definition(aggregate, group.last, number, reference),
        reason=reason,
    )
    own = replace(own, status=status, reference=reference.name if reference else own.reference)
    if group.scope == "case":
        return own
    if group.name == own.curve:
        return replace(own, case=group.name, perturbation=group.name, at=nan)
    return replace(own, case=group.name, perturbation="", curve="", axis="", at=nan, clean_at=nan)


def _definition(aggregate: Aggregate, case: PlannedCase, number: Estimate, reference: Reference | None) -> str:
    """The aggregate's own, with the reference by its name and what to bear in mind about it."""
    if reference is None:
        return aggregate.definition
    remark = reference.remark(case, number.n) if number.n else ""
    named = aggregate.definition.replace("the reference", reference.described)
    return f"{named}; {remark}" if remark else named
