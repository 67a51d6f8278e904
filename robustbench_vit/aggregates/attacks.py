"""What rows of attacks tell beside robust accuracy: what broke the images, and the curve over eps."""

from collections.abc import Iterator
from dataclasses import replace
from math import nan

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.groups import Cell
from robustbench_vit.aggregates.measuring import attempt, estimates, of_case
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.metrics.contributions import Contributions, FloatArray
from robustbench_vit.metrics.intervals import estimate
from robustbench_vit.metrics.robustness import UNBROKEN, WRONG, survivors
from robustbench_vit.records import Measurement, PlannedCase

BROKEN_BY = "broken_by"
_SHARES = (
    "share of all images by what broke them: none, clean (the model is wrong without an attack), or the attack, of "
    "several the first that did"
)


def of_attack(case: PlannedCase, rows: pd.DataFrame) -> Iterator[Measurement]:
    """Numbers that have no row in the catalogue of metrics, because one case has several.

    Args:
        case: The case.
        rows: Its per-sample rows, those of an attack or any other.
    """
    if case.threat is None or BROKEN_BY not in rows:
        return
    yield from _shares(case, rows[BROKEN_BY])
    if case.threat.grid and "min_eps" in rows:
        yield from _curve(case, eps_cells(case, rows))


def eps_cells(case: PlannedCase, rows: pd.DataFrame) -> list[Cell]:
    """Which images are right still at eps 0 and at each eps of the grid.

    Args:
        case: A case with a grid.
        rows: Columns ``min_eps``, ``label``, ``pred`` and ``broken_by``.
    """
    grid = case.threat.grid if case.threat else ()
    smallest = smallest_eps(rows, grid[-1])
    return [Cell(case, (smallest > at).astype(np.float64), at) for at in (0.0, *grid)]


def smallest_eps(rows: pd.DataFrame, largest: float) -> FloatArray:
    """``min_eps``, and the largest eps for images that are wrong only when judged: shape (N,)."""
    smallest = rows["min_eps"].to_numpy(np.float64)
    return np.where(np.isinf(smallest) & (survivors(rows) == 0), largest, smallest)


def _shares(case: PlannedCase, broken_by: "pd.Series[str]") -> Iterator[Measurement]:
    """One number a word, also for attacks of several that broke nothing."""
    members = case.threat.members if case.threat else ()
    for word in dict.fromkeys([UNBROKEN, WRONG, *members, *sorted(set(broken_by))]):
        (number,) = estimate([Contributions(np.asarray(broken_by == word, dtype=np.float64), proportion=True)])
        yield replace(of_case(case, BROKEN_BY, number, unit="rate", definition=_SHARES), category=word)


def _curve(case: PlannedCase, cells: list[Cell]) -> Iterator[Measurement]:
    """The points that the case's own robust accuracy, which is that at the largest eps, leaves; then the area."""
    metric = METRICS["robust_accuracy"]
    definition = f"{metric.definition.partition(';')[0]}: share of images with min_eps > eps"
    for cell in cells[:-1]:
        (number,) = estimate([Contributions(cell.correct, proportion=True)])
        point = of_case(case, metric.name, number, unit=metric.unit, definition=definition)
        yield replace(point, at=cell.at, category=f"eps={cell.at:.6g}")
    for row in AGGREGATES:
        if row.scope == "eps":
            number, reason, _ = estimates({row.name: attempt(row, cells)})[row.name]
            area = of_case(case, row.name, number, unit=row.unit, definition=row.definition, reason=reason)
            yield replace(area, at=nan)
