"""What scoring leaves of a case: its numbers, and which images are right. What is over several cases needs no more."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import pandas as pd

from robustbench_vit.aggregates.attacks import eps_cells, of_attack
from robustbench_vit.aggregates.boards import decisions
from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.cells import correctness, read
from robustbench_vit.aggregates.figures import figures
from robustbench_vit.aggregates.groups import CLEAN
from robustbench_vit.aggregates.honesty import doubts
from robustbench_vit.aggregates.measuring import NOTHING, metrics_of, of_case
from robustbench_vit.metrics.calibration import reliability
from robustbench_vit.metrics.catalog import METRICS, Metric
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.records import Measurement, PlannedCase


@dataclass(frozen=True)
class Scored:
    """A case of one model, measured.

    Args:
        case: The case as planned.
        numbers: All that its own rows say.
        correct: 1 where the model is right, else 0, by sample id in canonical order.
        doubts: Why its accuracy may not mean what it seems to.
        decisions: Of a clean case whose classes have names, what was decided on each image, see
            `robustbench_vit.aggregates.boards.decisions`; else None.
        reliability: Of a clean case, shape (15, 3), see `robustbench_vit.metrics.calibration.reliability`; else None.
        points: Of a case that knows a grid of eps, `correct` at 0 and at each of them.
    """

    case: PlannedCase
    numbers: tuple[Measurement, ...]
    correct: "pd.Series[float]" = field(default_factory=lambda: pd.Series(dtype=float))
    doubts: tuple[str, ...] = ()
    decisions: pd.DataFrame | None = None
    reliability: FloatArray | None = None
    points: "Mapping[float, pd.Series[float]]" = field(default_factory=dict)

    @property
    def settled(self) -> PlannedCase:
        """The case with the status that its rows give it."""
        return settled(self.case, len(self.correct))


def settled(case: PlannedCase, rows: int) -> PlannedCase:
    """A case that is done by the plan is partial if rows are missing.

    Args:
        case: The case as planned.
        rows: How many of its n images have a row.
    """
    if case.status != "done" or rows >= case.n:
        return case
    there = f"rows of {rows:,} of {case.n:,} images are" if rows else "neither its rows nor scores of them are"
    return replace(case, status="partial", reason=f"{there} in the results folder")


def score_case(case: PlannedCase, rows: Callable[[PlannedCase], pd.DataFrame]) -> Scored:
    """Measure a case by its rows.

    Args:
        case: A case of a plan.
        rows: Gives its per-sample rows. Only those of cases that are done or partial are asked for.

    Raises:
        StoreError: If rows lack a column or hold a sample twice.
    """
    found = read(case, rows)
    clean = case.family == CLEAN and len(found) > 0
    return Scored(
        case,
        tuple(_measure(settled(case, len(found)), found)),
        correctness(found),
        tuple(doubts(case, found)),
        decisions(case, found),
        reliability(found) if clean else None,
        _points(case, found),
    )


def _points(case: PlannedCase, rows: pd.DataFrame) -> "dict[float, pd.Series[float]]":
    if case.threat is None or not case.threat.grid or "min_eps" not in rows:
        return {}
    ids = pd.Index(rows["id"], dtype=object)
    return {cell.at: pd.Series(cell.correct, index=ids) for cell in eps_cells(case, rows)}


def _measure(case: PlannedCase, rows: pd.DataFrame) -> Iterator[Measurement]:
    if not len(rows):
        yield from _unmeasured(case)
        return
    metrics = [metric for metric in METRICS if set(metric.columns) <= set(rows.columns)]
    known = {column for metric in metrics for column in metric.columns}
    for number in chain(metrics_of(case, metrics, rows), of_attack(case, rows), figures(case, rows, known)):
        yield number if number.reason else replace(number, reason=case.reason)


def _unmeasured(case: PlannedCase) -> Iterator[Measurement]:
    """Of a case without rows: the numbers that a reader looks for, with the reason why there are none."""
    wanted: list[Metric | Aggregate] = [METRICS["top1"], *([METRICS["robust_accuracy"]] if case.threat else [])]
    if case.threat and case.threat.grid:
        wanted.append(AGGREGATES["robust_auc"])
    for row in wanted:
        reason = case.reason or "no image is done yet"
        yield of_case(case, row.name, NOTHING, unit=row.unit, definition=row.definition, reason=reason)
