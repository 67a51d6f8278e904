"""What stands in which table: one section for each suite, version and data set, which never share a table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import isnan
from typing import Any

import numpy as np
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

REPORTED = "reported"
"""Status of numbers that other people published: nothing was run, nothing is ranked."""

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
    "mean_relative_robustness": "relative robustness",
    "effective_robustness": "effective robustness",
    "nll": "NLL",
    "ece15": "ECE",
}

_NAMES = [one.name for one in fields(Measurement)]


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
    """One column of numbers.

    Args:
        suite: ``name@version``.
        data: Display spec of the data set.
        metric: Name of the metric or aggregate.
        case: What stands in the column ``case`` of its measurements.
        geometry: Geometry of the images.
        of: What it is, in a word or two.
        label: Of which case, curve or family; short.
        name: Heading in the CSV file.
        family: Family of the perturbations.
    """

    suite: str
    data: str
    metric: str
    case: str
    geometry: str
    of: str
    label: str
    name: str
    family: str = ""

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        """Suite, data, geometry, case and metric: what no two columns of a page share."""
        return (self.suite, self.data, self.geometry, self.case, self.metric)

    @property
    def higher_is_better(self) -> bool | None:
        """Which end is good; None where neither is, or nobody knows."""
        return better_end(self.metric)


@dataclass(frozen=True, eq=False)
class Section:
    """All measurements of one suite on one data set.

    Args:
        suite: ``name@version``.
        data: Display spec of the data set.
        frame: In plan order, with the columns of `Measurement`. It may have hundreds of thousands of rows, so only
            those that somebody asks for become objects.
    """

    suite: str
    data: str
    frame: pd.DataFrame

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models, best first by the first column; without a number there, last. Humans stand elsewhere."""
        names = self.frame.loc[self.frame["maker"] == "model", "model"].drop_duplicates().astype(object).tolist()
        if not self.columns:
            return tuple(names)
        return tuple(sorted(names, key=lambda model: _descending(self.cell(model, self.columns[0]))))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Clean accuracy, attacks, shape bias, corruptions, areas under curves, means of families, NLL and ECE."""
        return tuple(column for metric, of in self._metrics.items() for column in self._columns(metric, of))

    def definition(self, column: Column) -> str:
        """The definition that travelled with the column's numbers."""
        cells = [cell for model in self.models if (cell := self.cell(model, column))]
        return next((cell.definition for cell in cells if not isnan(cell.value)), cells[0].definition)

    @cached_property
    def cases(self) -> tuple[tuple[str, str], ...]:
        """Every case with its geometry, in plan order."""
        return tuple(self._cases[["case", "geometry"]].drop_duplicates().itertuples(index=False, name=None))

    @property
    def is_reported(self) -> bool:
        """Whether these are numbers of other people."""
        return bool((self.frame["status"] == REPORTED).any())

    @cached_property
    def problems(self) -> tuple[Measurement, ...]:
        """The cases that are not done, with their reasons."""
        return self.select(self._cases, ~self._cases["status"].isin(["done", REPORTED]))

    def of(self, *metrics: str) -> tuple[Measurement, ...]:
        """All measurements of some metrics, in plan order."""
        if len(metrics) != 1:
            return self.select(self.frame, self.frame["metric"].isin(metrics))
        if metrics[0] not in self._found:
            self._found[metrics[0]] = tuple(_objects(self._rows(metrics[0])))
        return self._found[metrics[0]]

    @staticmethod
    def select(frame: pd.DataFrame, which: "pd.Series[bool]") -> tuple[Measurement, ...]:
        """The chosen rows as measurements."""
        return tuple(_objects(frame[which]))

    def at(self, model: str, metric: str, case: str, geometry: str, which: str = "") -> Measurement | None:
        """One measurement, or None if there is none.

        Args:
            model: The model, or another decision maker.
            metric: Metric or aggregate.
            case: Case, curve, family or part of a grid.
            geometry: Geometry of the images.
            which: Where there are several: the category, or the other decision maker.

        Raises:
            StoreError: If something was measured twice.
        """
        key = (model, metric, case, geometry, which)
        if (metric, case, geometry) in self._places:
            return self._summary.get(key)
        if metric not in self._indices:
            self._indices[metric] = self._index(self.of(metric))
        return self._indices[metric].get(key)

    def cell(self, model: str, column: Column) -> Measurement | None:
        """The measurement of a model in a column.

        Raises:
            StoreError: If something was measured twice.
        """
        return self.at(model, column.metric, column.case, column.geometry)

    def count(self, model: str, status: str) -> int:
        """Number of a model's cases with this status."""
        return int(self._counts.get((model, status), 0))

    def images(self, model: str) -> int:
        """Largest number of images behind any of the model's numbers."""
        return int(self.images_of[model])

    def leaders(self, column: Column) -> frozenset[str]:
        """The models that share first place: the best, and all whose interval overlaps the best one's.

        A number with a warning leads nothing: most often it is too high. Nor does what other people report.
        """
        if column.higher_is_better is None:
            return frozenset()
        found = {model: self.cell(model, column) for model in self.models}
        cells = {model: cell for model, cell in found.items() if cell and _may_lead(cell)}
        if len(cells) < 2:
            return frozenset()
        sign = 1 if column.higher_is_better else -1
        best = max(cells.values(), key=lambda cell: sign * cell.value)
        return frozenset(model for model, cell in cells.items() if cell.low <= best.high and cell.high >= best.low)

    def _columns(self, metric: str, of: str) -> Iterator[Column]:
        """The columns of one metric: a case, a curve, a family or a grid each."""
        shown = [item for item in self._summarised if item.metric == metric]
        places = {(item.case, item.geometry): item for item in shown}
        short = (attack_labels if metric in _ATTACKS else short_labels)(case for case, _ in places)
        for (case, geometry), item in places.items():
            other = "" if geometry == self._geometry else f" · {geometry}"
            other += f" / {item.reference}" if metric in AGGREGATES and item.reference not in {"", ALEXNET} else ""
            name = f"{metric} {case}{other}" if metric in AGGREGATES else f"{case}_{metric}{other}"
            label = f"{short[case]}{other}"
            yield Column(self.suite, self.data, metric, case, geometry, of, label, name, item.family)

    @cached_property
    def _metrics(self) -> dict[str, str]:
        """Metrics of the summary and what they are called there; other people's numbers may be anything."""
        others = self.frame["metric"].unique() if self.is_reported else ()
        return {**_SHOWN, **{str(metric): str(metric) for metric in others if metric not in _SHOWN}}

    @cached_property
    def _summarised(self) -> tuple[Measurement, ...]:
        """What stands in columns of the summary."""
        frame = self.frame
        of_case = [name for name in _SHOWN if name not in AGGREGATES and name != ROBUST]
        detail = frame["metric"].isin(of_case) & (frame["family"] != CLEAN) & (frame["status"] != REPORTED)
        return tuple(filter(_in_summary, self.select(frame, frame["metric"].isin(list(self._metrics)) & ~detail)))

    @cached_property
    def _summary(self) -> dict[tuple[str, str, str, str, str], Measurement]:
        return self._index(self._summarised)

    @cached_property
    def _places(self) -> set[tuple[str, str, str]]:
        """What the summary knows all of; the many other cases need not be looked through for it."""
        return {(metric, case, geometry) for _, metric, case, geometry, which in self._summary if not which}

    @cached_property
    def _found(self) -> dict[str, tuple[Measurement, ...]]:
        return {}

    @cached_property
    def _indices(self) -> dict[str, dict[tuple[str, str, str, str, str], Measurement]]:
        return {}

    @cached_property
    def _cases(self) -> pd.DataFrame:
        return self._rows("top1")

    def _rows(self, metric: str) -> pd.DataFrame:
        return self.frame[self.frame["metric"] == metric]

    @cached_property
    def _counts(self) -> dict[tuple[str, str], int]:
        return counted(self._cases[["model", "status"]])

    @cached_property
    def _geometry(self) -> str:
        return str(self.frame["geometry"].value_counts().index[0])

    @cached_property
    def images_of(self) -> dict[str, int]:
        """Largest number of images behind any number, by model."""
        largest = self.frame.groupby("model", observed=True)["n"].max()
        return {str(model): int(n) for model, n in largest.items()}

    def _index(self, items: Iterable[Measurement]) -> dict[tuple[str, str, str, str, str], Measurement]:
        index: dict[tuple[str, str, str, str, str], Measurement] = {}
        for item in items:
            other = item.metric in AGGREGATES and AGGREGATES[item.metric].scope == "pair"
            key = (item.model, item.metric, item.case, item.geometry, item.reference if other else item.category)
            if key in index:
                raise twice(self, item.metric, item.case, item.model)
            index[key] = item
        return index


def twice(section: Section, metric: str, case: str, model: str) -> StoreError:
    """The error for what was measured twice: which of two numbers would stand in the cell?"""
    return StoreError(
        f"{section.suite} on {section.data}: {metric} of {case} by {model} is there twice; "
        "render the runs apart, or give the cases names of their own"
    )


def sections(measurements: pd.DataFrame) -> list[Section]:
    """Split measurements by suite, version and data set, in the order of first appearance.

    Args:
        measurements: As `robustbench_vit.aggregates.score` gives them; columns of text may be categorical.
    """
    measurements = lean(measurements)
    parts: dict[Any, Any] = measurements.groupby(["suite", "data"], sort=False, observed=True).indices
    first = sorted(parts.items(), key=lambda part: int(part[1][0]))
    return [Section(str(suite), str(data), measurements.iloc[where]) for (suite, data), where in first]


def summary_columns(measurements: pd.DataFrame) -> list[Column]:
    """The columns of the summary in which models can be ranked: one end is good, and somebody ran them.

    Args:
        measurements: As for `sections`.
    """
    own = [section for section in sections(measurements) if not section.is_reported]
    return [column for section in own for column in section.columns if column.higher_is_better is not None]


def better_end(metric: str) -> bool | None:
    """Whether more is better; None where neither end is, or nobody knows."""
    if metric in METRICS:
        return METRICS[metric].higher_is_better
    return AGGREGATES[metric].higher_is_better if metric in AGGREGATES else None


def lean(measurements: pd.DataFrame) -> pd.DataFrame:
    """The same table with its text as categories: a word is kept and compared once, not once a row."""
    text = [name for name, kind in measurements.dtypes.items() if not isinstance(kind, np.dtype) or kind.kind == "O"]
    return measurements.astype(dict.fromkeys(text, "category"))


def counted(frame: pd.DataFrame) -> dict[tuple[str, str], int]:
    """How often each pair of values occurs."""
    found: dict[Any, Any] = frame.astype(object).value_counts().to_dict()
    return found


def _objects(frame: pd.DataFrame) -> Iterator[Measurement]:
    columns = [frame[name].astype(object).tolist() for name in _NAMES]
    for values in zip(*columns, strict=True):
        yield Measurement(*values)


def _may_lead(cell: Measurement) -> bool:
    return not isnan(cell.value) and not cell.warning and cell.status != REPORTED


def _in_summary(item: Measurement) -> bool:
    """Whether a measurement of a metric that is shown belongs to the summary of its section."""
    if item.status == REPORTED:
        return True
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
    if isnan(measurement.value) or isnan(measurement.low):
        return ""
    return f"[{number(measurement.low, measurement.unit)}, {number(measurement.high, measurement.unit)}]"


def _descending(cell: Measurement | None) -> float:
    return float("inf") if cell is None or isnan(cell.value) else -cell.value
