"""Tables of common corruptions: what each costs a model, in the groups of the paper."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from robustbench_vit.aggregates.corruptions import GROUPS, benchmark_part, place_of
from robustbench_vit.leaderboard.columns import REPORTED
from robustbench_vit.leaderboard.formatting import interval, number
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.records import Measurement

MEAN = "mean_corruption_accuracy"
"""The aggregate that the tables are made of."""

_ORDER = ["", *(name for group, names in GROUPS.items() for name in (group, *names))]
_WORDS = {"": "all 15", "extra": "extra, not among the 15"}


@dataclass(frozen=True)
class GridRow:
    """A corruption, a group of them, or all 15.

    Args:
        name: Of the corruption or group, as people read it.
        case: What stands in the column ``case`` of its measurements.
        metric: Its corruption error: ``ce``, ``mce``, or nothing for a group.
        several: Whether it is a mean over several corruptions.
    """

    name: str
    case: str
    metric: str
    several: bool


@dataclass(frozen=True)
class Grid:
    """The table of one grid of corruptions: a row a corruption, a column a model.

    Args:
        section: The section it belongs to.
        label: Where the images are from, and what else distinguishes the grid.
        geometry: Geometry of the images.
        rows: In the order of the paper, each group behind its mean.
    """

    section: Section
    label: str
    geometry: str
    rows: tuple[GridRow, ...]

    def accuracy(self, model: str, row: GridRow) -> Measurement | None:
        """Mean accuracy over the row's corruptions at all severities."""
        return self.section.at(model, MEAN, row.case, self.geometry)

    def error(self, model: str, row: GridRow) -> str:
        """CE or mCE with its interval, or nothing where there is none."""
        found = self.section.at(model, row.metric, row.case, self.geometry)
        if found is None or isnan(found.value):
            return ""
        return f"{row.metric.replace('ce', 'CE')} {number(found.value, found.unit)} {interval(found)}"

    @property
    def definition(self) -> str:
        """What the corruption errors in the table are, or nothing if it has none."""
        cases = {row.case for row in self.rows if row.metric == "ce"}
        found = (item for item in self.section.of("ce") if item.case in cases)
        return next((item.definition for item in found if not isnan(item.value)), "")


def grids(section: Section) -> list[Grid]:
    """A table for each grid in which a corruption was measured at all severities."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for item in section.of(MEAN):
        if item.status not in {"skipped", REPORTED}:
            grid, member = _place(item.case)
            found.setdefault((grid, item.geometry), {})[item.case] = _ORDER.index(member)
    labels = short_labels(grid for grid, _ in found)
    return [Grid(section, labels[grid], geometry, tuple(_rows(cases))) for (grid, geometry), cases in found.items()]


def _rows(cases: dict[str, int]) -> Iterator[GridRow]:
    for case, place in sorted(cases.items(), key=lambda item: item[1]):
        member = _ORDER[place]
        metric = "mce" if not member else "" if member in GROUPS else "ce"
        yield GridRow(_WORDS.get(member, member), case, metric, several=metric != "ce")


def _place(case: str) -> tuple[str, str]:
    """Grid and corruption, or grid and group, of a mean."""
    if part := benchmark_part(case):
        return part
    place = place_of(case)
    return (place.grid, place.corruption) if place else (case, "")
