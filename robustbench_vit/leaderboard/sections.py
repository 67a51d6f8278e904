"""What stands in which table: one section for each suite, version and data set, which never share a table."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, isnan
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.errors import StoreError
from robustbench_vit.leaderboard.columns import REPORTED, Column, columns, summarised
from robustbench_vit.leaderboard.frames import counted, lean, objects
from robustbench_vit.leaderboard.labels import full_specs
from robustbench_vit.records import Measurement

_Key = tuple[str, str, str, str, str]
"""Model, metric, case, geometry, and the category or the other decision maker."""


@dataclass(eq=False)
class Section:
    """All measurements of one suite on one data set.

    Args:
        suite: ``name@version``.
        data: Display spec of the data set.
        frame: In plan order, with the columns of `Measurement`.

    Nothing changes these three; what was looked up once is remembered beside them.
    """

    suite: str
    data: str
    frame: pd.DataFrame
    _found: dict[str, tuple[Measurement, ...]] = field(default_factory=dict, init=False, repr=False)
    _indices: dict[str, dict[_Key, Measurement]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models, best first by the first column; without a number there, last. Humans stand elsewhere."""
        names = self.frame.loc[self.frame["maker"] == "model", "model"].drop_duplicates().astype(object).tolist()
        if not self.columns:
            return tuple(names)
        first = self.columns[0]
        sign = 1 if first.higher_is_better is False else -1
        return tuple(sorted(names, key=lambda model: _worth(self.cell(model, first), sign)))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the summary."""
        return columns(self.suite, self.data, self.frame, self._summarised)

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
            self._found[metrics[0]] = tuple(objects(self._rows(metrics[0])))
        return self._found[metrics[0]]

    @staticmethod
    def select(frame: pd.DataFrame, which: "pd.Series[bool]") -> tuple[Measurement, ...]:
        """The chosen rows as measurements."""
        return tuple(objects(frame[which]))

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

    @cached_property
    def _summarised(self) -> tuple[Measurement, ...]:
        return summarised(self.frame)

    @cached_property
    def _summary(self) -> dict[_Key, Measurement]:
        return self._index(self._summarised)

    @cached_property
    def _places(self) -> set[tuple[str, str, str]]:
        """What the summary knows all of; the many other cases need not be looked through for it."""
        return {(metric, case, geometry) for _, metric, case, geometry, which in self._summary if not which}

    @cached_property
    def _cases(self) -> pd.DataFrame:
        return self._rows("top1")

    def _rows(self, metric: str) -> pd.DataFrame:
        return self.frame[self.frame["metric"] == metric]

    @cached_property
    def _counts(self) -> dict[tuple[str, str], int]:
        return counted(self._cases[["model", "status"]])

    @cached_property
    def full_specs(self) -> dict[str, str]:
        """Specs of cases and curves in which no default is left out."""
        return full_specs(self.frame)

    @cached_property
    def images_of(self) -> dict[str, int]:
        """Largest number of images behind any number, by model."""
        largest = self.frame.groupby("model", observed=True)["n"].max()
        return {str(model): int(n) for model, n in largest.items()}

    def _index(self, items: Iterable[Measurement]) -> dict[_Key, Measurement]:
        index: dict[_Key, Measurement] = {}
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


def _worth(cell: Measurement | None, sign: int) -> float:
    return inf if cell is None or isnan(cell.value) else sign * cell.value
