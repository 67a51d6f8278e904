"""What stands in which table: one section for each suite, version and data set, which never share a table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES, PERCENT
from robustbench_vit.aggregates.corruptions import benchmark_part, place_of
from robustbench_vit.aggregates.groups import ATTACKS
from robustbench_vit.aggregates.references import ALEXNET
from robustbench_vit.errors import StoreError
from robustbench_vit.leaderboard.labels import attack_labels, short_labels
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement

CLEAN, TRANSFER = "clean", "transfer"
"""Families that have places of their own."""

ROBUST = "robust_accuracy"
"""The metric of attacks."""

_ATTACKS = {ROBUST, "robust_auc"}
PERCENT_UNITS = frozenset({"rate", "ratio"})
"""Units shown as percent; inside, rates stay in [0, 1]."""

_SHOWN = {
    "top1": "accuracy",
    ROBUST: "robust accuracy",
    "robust_auc": "robust AUC",
    "shape_bias": "shape bias",
    "accuracy_difference": "accuracy − humans",
    "mce": "mCE",
    "relative_mce": "relative mCE",
    "mean_corruption_accuracy": "mean accuracy",
    "auc": "AUC",
    "family_accuracy": "mean",
    "nll": "NLL",
    "ece15": "ECE",
}


@dataclass(frozen=True)
class Facts:
    """What is known besides the measurements.

    Args:
        models: Facts of each model by its display spec; ``parameters`` (an integer) and ``throughput`` (images a
            second) become columns, all others (``preprocessing``, ``digest``, ``source``, …) stand in the table of
            models.
        run: Facts of the run for the foot of the page: device, versions, time, command line.
    """

    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One column of numbers in a section's table.

    Args:
        metric: Name of the metric or aggregate.
        case: What stands in the column ``case`` of its measurements.
        geometry: Geometry of the images.
        of: What it is, in a word or two.
        label: Of which case, curve or family; short.
        name: Heading in the CSV file.
    """

    metric: str
    case: str
    geometry: str
    of: str
    label: str
    name: str

    @property
    def higher_is_better(self) -> bool | None:
        """Which end is good."""
        row = METRICS[self.metric] if self.metric in METRICS else AGGREGATES[self.metric]
        return row.higher_is_better


@dataclass(frozen=True)
class Section:
    """All measurements of one suite on one data set.

    Args:
        suite: ``name@version``.
        data: Display spec of the data set.
        measurements: In plan order.
    """

    suite: str
    data: str
    measurements: tuple[Measurement, ...]

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models, best first by the first column; without a number there, last. Humans stand elsewhere."""
        names = dict.fromkeys(item.model for item in self.measurements if item.maker == "model")
        if not self.columns:
            return tuple(names)
        return tuple(sorted(names, key=lambda model: _descending(self.cell(model, self.columns[0]))))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Clean accuracy, attacks, shape bias, corruptions, areas under curves, means of families, NLL and ECE."""
        found: list[Column] = []
        for metric, of in _SHOWN.items():
            shown = [item for item in self.measurements if item.metric == metric and _in_summary(item)]
            places = {(item.case, item.geometry): item.reference for item in shown}
            short = (attack_labels if metric in _ATTACKS else short_labels)(case for case, _ in places)
            for (case, geometry), reference in places.items():
                other = "" if geometry == self._geometry else f" · {geometry}"
                other += f" / {reference}" if metric in AGGREGATES and reference not in {"", ALEXNET} else ""
                name = f"{metric} {case}{other}" if metric in AGGREGATES else f"{case}_{metric}{other}"
                found.append(Column(metric, case, geometry, of, f"{short[case]}{other}", name))
        return tuple(found)

    def definition(self, column: Column) -> str:
        """The definition that travelled with the column's numbers."""
        cells = [cell for model in self.models if (cell := self.cell(model, column))]
        return next((cell.definition for cell in cells if not isnan(cell.value)), cells[0].definition)

    @cached_property
    def cases(self) -> tuple[tuple[str, str], ...]:
        """Every case with its geometry, in plan order."""
        return tuple(dict.fromkeys((item.case, item.geometry) for item in self.measurements if item.metric == "top1"))

    @property
    def has_charts(self) -> bool:
        """Whether anything is drawn."""
        return any(item.curve or item.metric == "shape_bias" for item in self.measurements)

    @cached_property
    def problems(self) -> tuple[Measurement, ...]:
        """The cases that are not done, with their reasons."""
        return tuple(item for item in self.measurements if item.metric == "top1" and item.status != "done")

    def at(self, model: str, metric: str, case: str, geometry: str, which: str = "") -> Measurement | None:
        """One measurement, or None if there is none.

        Args:
            model: The model, or another decision maker.
            metric: Metric or aggregate.
            case: Case, curve, family or part of a grid.
            geometry: Geometry of the images.
            which: Where there are several: the category, or the other decision maker.
        """
        return self._index.get((model, metric, case, geometry, which))

    def cell(self, model: str, column: Column) -> Measurement | None:
        """The measurement of a model in a column."""
        return self.at(model, column.metric, column.case, column.geometry)

    def count(self, model: str, status: str) -> int:
        """Number of a model's cases with this status."""
        return sum(item.model == model and item.status == status for item in self.problems)

    def images(self, model: str) -> int:
        """Largest number of images behind any of the model's numbers."""
        return self._images[model]

    def leaders(self, column: Column) -> frozenset[str]:
        """The models that share first place: the best, and all whose interval overlaps the best one's.

        A number with a warning leads nothing: most often it is too high.
        """
        if column.higher_is_better is None:
            return frozenset()
        found = {model: self.cell(model, column) for model in self.models}
        cells = {model: cell for model, cell in found.items() if cell and not isnan(cell.value) and not cell.warning}
        if len(cells) < 2:
            return frozenset()
        sign = 1 if column.higher_is_better else -1
        best = max(cells.values(), key=lambda cell: sign * cell.value)
        return frozenset(model for model, cell in cells.items() if cell.low <= best.high and cell.high >= best.low)

    @cached_property
    def _geometry(self) -> str:
        return Counter(item.geometry for item in self.measurements).most_common(1)[0][0]

    @cached_property
    def _images(self) -> dict[str, int]:
        images: dict[str, int] = {}
        for item in self.measurements:
            images[item.model] = max(item.n, images.get(item.model, 0))
        return images

    @cached_property
    def _index(self) -> dict[tuple[str, str, str, str, str], Measurement]:
        index: dict[tuple[str, str, str, str, str], Measurement] = {}
        for item in self.measurements:
            other = item.metric in AGGREGATES and AGGREGATES[item.metric].scope == "pair"
            key = (item.model, item.metric, item.case, item.geometry, item.reference if other else item.category)
            if key in index:
                raise StoreError(
                    f"{self.suite} on {self.data}: {item.metric} of {item.case} by {item.model} is there twice; "
                    "render the runs apart, or give the cases names of their own"
                )
            index[key] = item
        return index


def sections(measurements: pd.DataFrame) -> list[Section]:
    """Split measurements by suite, version and data set, in the order of first appearance.

    Args:
        measurements: As `robustbench_vit.aggregates.score` gives them.
    """
    found: dict[tuple[str, str], list[Measurement]] = {}
    for values in measurements.to_dict("records"):
        item = Measurement(**{str(name): value for name, value in values.items()})
        found.setdefault((item.suite, item.data), []).append(item)
    return [Section(suite, data, tuple(items)) for (suite, data), items in found.items()]


def _in_summary(item: Measurement) -> bool:
    """Whether a measurement of a metric that is shown belongs to the summary of its section."""
    if item.metric == ROBUST:
        # Sources and models make a table of their own, and what has a whole curve the area under it.
        return item.family != TRANSFER and not item.category and item.curve != item.case
    if item.metric not in AGGREGATES:
        return item.family == CLEAN
    if item.metric == "mean_corruption_accuracy":
        own = benchmark_part(item.case)
        return own is not None and not own[1] and item.status != "skipped"
    # Corruptions have a table of their own instead of a column a curve. What was skipped, nobody asked for.
    # Of attacks, the area over eps is that of `min_eps`: one over a few eps depends on which.
    listed = item.metric == "auc" and (place_of(item.case) or item.family in ATTACKS)
    return item.status != "skipped" and not listed


def number(value: float, unit: str) -> str:
    """A value as people read it: percent with one decimal, all else with three.

    Example:
        >>> number(0.7132, "rate"), number(1.23456, "nats")
        ('71.3', '1.235')
    """
    if isnan(value):
        return "–"
    if unit == PERCENT:
        return f"{value:.1f}"
    return f"{100 * value:.1f}" if unit in PERCENT_UNITS else f"{value:.3f}"


def interval(measurement: Measurement) -> str:
    """The interval as people read it, or nothing."""
    if isnan(measurement.value):
        return ""
    return f"[{number(measurement.low, measurement.unit)}, {number(measurement.high, measurement.unit)}]"


def _descending(cell: Measurement | None) -> float:
    return float("inf") if cell is None or isnan(cell.value) else -cell.value
