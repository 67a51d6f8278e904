"""From contributions to measurements, whoever decided and whatever is measured."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan, nan
from typing import Any, TypeVar

import pandas as pd

from robustbench_vit.catalog import Row
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.catalog import Metric
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.metrics.intervals import Estimate, estimate
from robustbench_vit.records import Measurement, PlannedCase, Sweep

NOTHING = Estimate(nan, nan, nan, 0)
"""There is no number."""

EPS_AXIS = "eps, pixels in [0,1]"
"""Axis of the curve that one case of min_eps is."""

_Name = TypeVar("_Name", bound=Hashable)


def metrics_of(
    case: PlannedCase, metrics: Sequence[Metric], rows: pd.DataFrame, makers: int = 1
) -> Iterator[Measurement]:
    """Accuracy, which people look for first, and the others by name.

    Args:
        case: The case.
        metrics: Which to measure.
        rows: Rows of each decision maker in turn, over the same images.
        makers: How many decision makers there are; the numbers are of all together.
    """
    found: dict[tuple[Metric, str], Contributions | str] = {}
    for metric in sorted(metrics, key=lambda metric: (metric.name != "top1", metric.name)):
        for category, part in _parts(case, metric, rows):
            given = attempt(metric, part)
            found[metric, category] = given if isinstance(given, str) else given.averaged(makers)
    for (metric, category), (number, reason, remark) in estimates(found).items():
        definition = f"{metric.definition}; {remark}" if remark else metric.definition
        one = of_case(case, metric.name, number, unit=metric.unit, definition=definition, reason=reason)
        yield replace(one, category=category)


def _parts(case: PlannedCase, metric: Metric, rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All rows, or those of each class under its name."""
    if not metric.by_class:
        yield "", rows
        return
    for label, part in rows.groupby("label"):
        yield case.classes[int(str(label))] if case.classes else str(label), part


def attempt(row: Row, given: Any) -> Contributions | str:
    """Contributions, or the reason why the number is not defined."""
    try:
        contributions: Contributions = row.load()(given)
    except CaseError as error:
        return str(error)
    return contributions


def estimates(found: Mapping[_Name, Contributions | str]) -> dict[_Name, tuple[Estimate, str, str]]:
    """Estimate, reason and remark for each name."""
    sized: dict[int, dict[_Name, Contributions]] = {}
    for name, item in found.items():
        if isinstance(item, Contributions):
            sized.setdefault(len(item), {})[name] = item
    numbers = {
        name: number
        for alike in sized.values()
        for name, number in zip(alike, estimate(list(alike.values())), strict=True)
    }
    return {
        name: (NOTHING, item, "") if isinstance(item, str) else (numbers[name], _reason(numbers[name]), item.remark)
        for name, item in found.items()
    }


def _reason(number: Estimate) -> str:
    """Why a number that is defined is none."""
    return "not a number: some of its rows hold a value that is none" if isnan(number.value) else ""


def of_case(
    case: PlannedCase, metric: str, number: Estimate, *, unit: str, definition: str, reason: str = ""
) -> Measurement:
    """A number of one case."""
    sweep, threat = place_on_curve(case), case.threat
    return Measurement(
        model=case.model,
        case=case.case,
        metric=metric,
        value=number.value,
        unit=unit,
        n=number.n,
        low=number.low,
        high=number.high,
        status=case.status,
        definition=definition,
        suite=case.suite,
        family=case.family,
        data=case.data,
        geometry=case.geometry,
        perturbation=case.perturbation,
        reason=reason,
        seed=case.seed,
        dtype=case.dtype,
        input_size=case.input_size,
        curve=sweep.curve if sweep else "",
        axis=sweep.axis if sweep else "",
        at=sweep.at if sweep else nan,
        clean_at=nan if sweep is None or sweep.clean_at is None else sweep.clean_at,
        reference=threat.source if threat else "",
    )


def place_on_curve(case: PlannedCase) -> Sweep | None:
    """Where a case stands on a curve; one that knows a grid of eps is a curve of its own, and stands at its end."""
    if case.threat and case.threat.grid:
        return Sweep(case.case, EPS_AXIS, case.threat.grid[-1], 0.0)
    return case.sweep
