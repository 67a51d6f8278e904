"""Numbers of a section as compact data: each stands in the page once, and tables and charts are drawn from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from robustbench_vit.leaderboard.sections import PERCENT_UNITS, Section, interval, number, twice
from robustbench_vit.records import Measurement

Cell = list[Any] | str | None
"""``[value, low, high]``, percent or as it is, with a fourth ``{n, more, warning}`` where there is more to say; text is
the reason why there is no number; None is what was not in the plan."""

_DIGITS = 3  # of percent: finer than a screen shows

Makers = Mapping[str, int]
"""Place of every model, and of humans, in the page's list."""


@dataclass(frozen=True)
class Table:
    """A table whose columns are those models that are switched on.

    Args:
        rows: For each row ``label``, and where it matters ``title`` (all of it), ``strong`` (a mean or heading) and
            ``maker`` (its place, for a row that is shown only with a maker).
        cells: For each maker's place, a cell a row.
        corner: Heading of the first column.
        digits: Decimals that are shown.
        tint: Whether cells are tinted by their value in percent.
    """

    rows: Sequence[Mapping[str, Any]]
    cells: Mapping[int, Sequence[Cell]]
    corner: str
    digits: int = 1
    tint: bool = True

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary."""
        return vars(self)


@dataclass(frozen=True)
class Grouped:
    """Cases of a section that were measured by one metric: the rows of a table, and where charts find their points.

    Args:
        places: Row of each (case, geometry, category).
        table: The numbers.
    """

    places: Mapping[tuple[str, str, str], int]
    table: Table = field(repr=False)


def cell(item: Measurement | None, more: str = "") -> Cell:
    """One number as compact data."""
    if item is None:
        return None
    if isnan(item.value):
        return item.reason or item.status
    scale, digits = (100, _DIGITS) if item.unit in PERCENT_UNITS else (1, 4)
    numbers: list[Any] = [_rounded(scale * value, digits) for value in (item.value, item.low, item.high)]
    said = {"more": more, "warning": item.warning}
    return [*numbers, said] if more or item.warning else numbers


def column(items: Iterable[Measurement | None]) -> list[Cell]:
    """The cells of one maker."""
    return [cell(item) for item in items]


def by_maker(names: Iterable[str], makers: Makers, cells: Callable[[str], list[Cell]]) -> dict[int, list[Cell]]:
    """The columns of a table: those of makers who have a number or a reason."""
    columns = {makers[name]: cells(name) for name in names if name in makers}
    return {place: own for place, own in columns.items() if any(one is not None for one in own)}


def grouped(section: Section, metric: str, makers: Makers, labels: Callable[[str], str], corner: str) -> Grouped:
    """All numbers of one metric in percent; no object a number, for there may be a hundred thousand.

    Args:
        section: The section.
        metric: A rate.
        makers: Of the page.
        labels: What a case is called.
        corner: Heading of the first column.

    Raises:
        StoreError: If something was measured twice.
    """
    frame = section.frame[(section.frame["metric"] == metric) & section.frame["model"].isin(list(makers))]
    keys = [frame[name].astype(object) for name in ("case", "geometry", "category")]
    row, places = pd.MultiIndex.from_arrays(keys).factorize()
    maker = frame["model"].astype(object).map(dict(makers)).to_numpy(np.int64)
    _check(section, metric, frame, row, maker)
    usual = max(set(geometries := [geometry for _, geometry, _ in places]), key=geometries.count, default="")
    rows = [_row(labels(case), case, geometry if geometry != usual else "") for case, geometry, _ in places]
    cells: dict[int, list[Cell]] = {int(place): [None] * len(rows) for place in pd.unique(maker)}
    images = {place: section.images(name) for name, place in makers.items() if place in cells}
    for place, at, one in zip(maker.tolist(), row.tolist(), _cells(frame, maker, images), strict=True):
        cells[place][at] = one
    table = Table(rows, cells, corner)
    return Grouped({key: at for at, key in enumerate(places)}, table)


def _row(label: str, case: str, other: str) -> dict[str, str]:
    row = {"label": f"{label} · {other}" if other else label}
    return row if label == case else {**row, "title": case}


def _check(section: Section, metric: str, frame: pd.DataFrame, row: Any, maker: Any) -> None:
    """Refuse what was measured twice."""
    again = np.flatnonzero(pd.DataFrame({"row": row, "maker": maker}).duplicated())
    if len(again):
        which = frame.iloc[again[0]]
        raise twice(section, metric, which["case"], which["model"])


def _cells(frame: pd.DataFrame, maker: Any, images: Mapping[int, int]) -> list[Cell]:
    """A cell a row of the frame."""
    numbers = np.round(100 * frame[["value", "low", "high"]].to_numpy(np.float64), _DIGITS)
    cells: list[Cell] = numbers.tolist()
    for at in np.flatnonzero(np.isnan(numbers[:, 0])):
        cells[at] = str(frame["reason"].iloc[at] or frame["status"].iloc[at])
    counts = frame["n"].to_numpy(np.int64)
    usual = np.array([images[place] for place in maker.tolist()])
    warnings = frame["warning"].astype(object).to_numpy()
    for at in np.flatnonzero(((counts != usual) | (warnings != "")) & ~np.isnan(numbers[:, 0])):
        said = {"n": int(counts[at]), "warning": warnings[at]}
        cells[at] = [*numbers[at].tolist(), {key: value for key, value in said.items() if value}]
    return cells


def _rounded(value: float, digits: int) -> float | None:
    return None if isnan(value) else round(value, digits)


def in_words(item: Measurement) -> str:
    """A number with its interval, as text."""
    return f"{number(item.value, item.unit)} {interval(item)}".strip()
