"""Numbers of a section as compact data: each stands in the page once, and tables and charts are drawn from it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from math import isnan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from robustbench_vit.leaderboard.formatting import PERCENT_UNITS
from robustbench_vit.leaderboard.sections import Section, twice
from robustbench_vit.records import Measurement

Cell = list[Any] | str | None
"""``[value, low, high]``, percent or as it is, with a fourth ``{n, more, warning}`` where there is more to say: n where
it is not the maker's usual one. Text is the reason why there is no number; None is what was not in the plan."""

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


class _Number(NamedTuple):
    """What a cell says, whether it comes from an object or from a row of a table."""

    value: float
    low: float
    high: float
    n: int
    unit: str
    status: str
    reason: str
    warning: str


def cell(number: _Number | Measurement | None, usual: int, more: str = "") -> Cell:
    """One number as compact data.

    Args:
        number: Anything with the fields of `_Number`.
        usual: Images behind the maker's other numbers.
        more: What stands below it.
    """
    if number is None:
        return None
    if isnan(number.value):
        return number.reason or number.status
    # Of percent three digits: finer than a screen shows.
    scale, digits = (100, 3) if number.unit in PERCENT_UNITS else (1, 4)
    numbers: list[Any] = [_rounded(scale * value, digits) for value in (number.value, number.low, number.high)]
    said = {"n": number.n if number.n != usual else 0, "more": more, "warning": number.warning}
    return [*numbers, {name: one for name, one in said.items() if one}] if any(said.values()) else numbers


def by_maker(
    section: Section,
    makers: Makers,
    names: Iterable[str],
    numbers: Callable[[str], Iterable[Measurement | None]],
    more: Callable[[str], Iterable[str]] = lambda _: repeat(""),
) -> dict[int, list[Cell]]:
    """The columns of a table: those of makers who have a number or a reason.

    Args:
        section: The section.
        makers: Of the page.
        names: Whose columns.
        numbers: Of a maker, one a row.
        more: What stands below each.
    """
    columns = {
        makers[name]: [
            cell(one, _usual(section, name), text) for one, text in zip(numbers(name), more(name), strict=False)
        ]
        for name in names
        if name in makers
    }
    return {place: own for place, own in columns.items() if any(one is not None for one in own)}


def grouped(section: Section, metric: str, makers: Makers, labels: Callable[[str], str], corner: str) -> Grouped:
    """All numbers of one metric; no object a number, for there may be a hundred thousand.

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
    names = frame["model"].astype(object)
    maker = names.map(dict(makers)).to_numpy(np.int64)
    _check(section, metric, frame, row, maker)
    usual = max(set(geometries := [geometry for _, geometry, _ in places]), key=geometries.count, default="")
    rows = [_row(labels(case), case, geometry if geometry != usual else "") for case, geometry, _ in places]
    cells: dict[int, list[Cell]] = {int(place): [None] * len(rows) for place in pd.unique(maker)}
    images = {name: _usual(section, name) for name in makers}
    for place, at, name, number in zip(maker.tolist(), row.tolist(), names, _numbers(frame), strict=True):
        cells[place][at] = cell(number, images[name])
    table = Table(rows, cells, corner)
    return Grouped({key: at for at, key in enumerate(places)}, table)


def _usual(section: Section, maker: str) -> int:
    """Images behind most numbers of a maker; none for one whose numbers are published."""
    return section.images_of.get(maker, 0)


def _row(label: str, case: str, other: str) -> dict[str, str]:
    row = {"label": f"{label} · {other}" if other else label}
    return row if label == case else {**row, "title": case}


def _check(section: Section, metric: str, frame: pd.DataFrame, row: Any, maker: Any) -> None:
    """Refuse what was measured twice."""
    again = np.flatnonzero(pd.DataFrame({"row": row, "maker": maker}).duplicated())
    if len(again):
        which = frame.iloc[again[0]]
        raise twice(section, metric, which["case"], which["model"])


def _numbers(frame: pd.DataFrame) -> Iterator[_Number]:
    """A number a row of the frame."""
    columns = [frame[name].astype(object).tolist() for name in _Number._fields]
    return (_Number(*values) for values in zip(*columns, strict=True))


def _rounded(value: float, digits: int) -> float | None:
    return None if isnan(value) else round(value, digits)
