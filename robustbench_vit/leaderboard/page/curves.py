"""Which curves and heat maps a section has, as rows of its compact tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.corruptions import GROUPS, place_of
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.page.data import Grouped
from robustbench_vit.leaderboard.sections import CLEAN, ROBUST, Section

_ORDER = [name for names in GROUPS.values() for name in names]
_KEY = ["metric", "case", "geometry", "category", "curve", "axis", "at", "clean_at"]


@dataclass(frozen=True)
class Curve:
    """Accuracy along an axis.

    Args:
        curve: Spec of the curve.
        geometry: Geometry of the images.
        axis: Label of the axis.
        metric: ``top1`` or ``robust_accuracy``: the table that the points are rows of.
        points: Row in that table, and place on the axis.
        clean: Row in the table of ``top1``, and place on the axis, where the axis has a place for the clean case.
    """

    curve: str
    geometry: str
    axis: str
    metric: str
    points: tuple[tuple[int, float], ...]
    clean: tuple[tuple[int, float], ...]

    def to_json(self) -> dict[str, Any]:
        """What the page needs to draw it."""
        whole = all(float(at).is_integer() for _, at in (*self.points, *self.clean))
        kind = "eps" if self.axis.startswith("eps") else "steps" if whole else "curve"
        title = "robust accuracy" if self.metric == ROBUST else "accuracy"
        rows = {"points": self.points, "clean": self.clean}
        return {"kind": kind, "x": self.axis, "y": title, "table": self.metric, **rows}


def curves(section: Section, cases: Mapping[str, Grouped]) -> list[Curve]:
    """The curves of a section, attacks first; of attacks, robust accuracy over eps, if there are several.

    Args:
        section: With any number of sweeps.
        cases: Compact tables of ``top1`` and ``robust_accuracy``.
    """
    points = _points(section)
    found = [_curve(section, cases, own) for _, own in points.groupby(["curve", "geometry"], sort=False)]
    return [one for one in found if one.metric != ROBUST or len({at for _, at in one.points}) > 1]


def heats(found: Sequence[Curve]) -> list[dict[str, Any]]:
    """Corruption × severity, for each grid of corruptions with more than one of them."""
    grids: dict[tuple[str, str], list[tuple[str, Curve]]] = {}
    for curve in found:
        if place := place_of(curve.curve):
            grids.setdefault((place.grid, curve.geometry), []).append((place.corruption, curve))
    labels = short_labels(grid for grid, _ in grids)
    return [
        {"kind": "heat", "x": "severity", "y": "", "label": labels[grid], "rows": _rows(own)}
        for (grid, _), own in grids.items()
        if len(own) > 1
    ]


def _points(section: Section) -> pd.DataFrame:
    """One row a point: accuracy, and of attacks the robust one."""
    frame = section.frame
    swept = frame[frame["metric"].isin(["top1", ROBUST]) & (frame["curve"] != "")]
    points = swept[_KEY].astype(dict.fromkeys(_KEY[:6], object)).drop_duplicates()
    robust = points["metric"] == ROBUST
    attacked = pd.MultiIndex.from_frame(points.loc[robust, ["case", "geometry"]])
    own = pd.MultiIndex.from_frame(points[["case", "geometry"]])
    return pd.concat([points[robust], points[~robust & ~own.isin(attacked)]])


def _curve(section: Section, cases: Mapping[str, Grouped], own: pd.DataFrame) -> Curve:
    metric, geometry = own["metric"].iloc[0], own["geometry"].iloc[0]
    keys = own[["case", "geometry", "category"]].itertuples(index=False, name=None)
    rows = zip(map(cases[metric].places.__getitem__, keys), own["at"].tolist(), strict=True)
    points = tuple(sorted(rows, key=lambda point: point[1]))
    ends = set(own["clean_at"].dropna()) - {at for _, at in points}
    clean = [cases["top1"].places[key] for key in clean_places(section) if key[1] == geometry]
    both = tuple((row, at) for at in sorted(ends) for row in clean)
    return Curve(own["curve"].iloc[0], geometry, own["axis"].iloc[0], metric, points, both)


def clean_places(section: Section) -> list[tuple[str, str, str]]:
    """Case, geometry and category of the clean cases."""
    frame = section.frame
    clean = frame[(frame["metric"] == "top1") & (frame["family"] == CLEAN)]
    return list(clean[["case", "geometry", "category"]].drop_duplicates().itertuples(index=False, name=None))


def _rows(own: Sequence[tuple[str, Curve]]) -> list[dict[str, Any]]:
    ordered = sorted(own, key=lambda one: _ORDER.index(one[0]))
    return [{"label": name, "points": curve.points} for name, curve in ordered]
