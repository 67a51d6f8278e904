"""Which curves and heat maps a section has, as rows of its compact tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.corruptions import GROUPS, place_of
from robustbench_vit.leaderboard.columns import CLEAN, ROBUST
from robustbench_vit.leaderboard.labels import attack_labels, hidden, short_labels
from robustbench_vit.leaderboard.page.data import Grouped
from robustbench_vit.leaderboard.sections import Section

_ORDER = [name for names in GROUPS.values() for name in names]
_KEY = ["metric", "case", "geometry", "category", "curve", "axis", "at", "clean_at"]


@dataclass(frozen=True)
class Curve:
    """Accuracy along an axis.

    Args:
        curve: Spec of the curve.
        label: Its short name.
        geometry: Geometry of the images.
        axis: Label of the axis.
        norm: ``linf`` or ``l2`` where the axis is eps, else empty.
        metric: ``top1`` or ``robust_accuracy``: the table that the points are rows of.
        points: Row in that table, and place on the axis.
        clean: Row in the table of ``top1``, and place on the axis, where the axis has a place for the clean case.
    """

    curve: str
    label: str
    geometry: str
    axis: str
    norm: str
    metric: str
    points: tuple[tuple[int, float], ...]
    clean: tuple[tuple[int, float], ...]

    @property
    def more(self) -> str:
        """What the label does not say; what it leaves out of an attack, the axis shows."""
        return "" if self.metric == ROBUST else hidden(self.curve, self.label)

    def to_json(self) -> dict[str, Any]:
        """What the page needs to draw it; eps of L∞ in steps of 8-bit pixels, as people write it."""
        unit, axis = {"linf": (255, "eps (1/255), root scale"), "l2": (1, "eps (L2), root scale")}.get(
            self.norm, (1, self.axis)
        )
        placed = {
            name: [(row, round(unit * at, 6)) for row, at in pairs]
            for name, pairs in {"points": self.points, "clean": self.clean}.items()
        }
        ticks = sorted({at for pairs in placed.values() for _, at in pairs})
        title = "robust accuracy" if self.metric == ROBUST else "accuracy"
        return {"kind": "eps" if self.norm else "curve", "x": axis, "y": title, "ticks": ticks, **placed}


def curves(section: Section, cases: Mapping[str, Grouped]) -> list[Curve]:
    """The curves of a section, attacks first; of attacks, robust accuracy over eps, if there are several.

    Args:
        section: With any number of sweeps.
        cases: Compact tables of ``top1`` and ``robust_accuracy``.
    """
    points = _points(section)
    parts = [own for _, own in points.groupby(["curve", "geometry"], sort=False)]
    drawn = [own for own in parts if own["metric"].iloc[0] != ROBUST or own["at"].nunique() > 1]
    labels = _labels(section, pd.concat([points.iloc[:0], *drawn]))
    return [_curve(section, cases, own, labels) for own in drawn]


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


def _labels(section: Section, points: pd.DataFrame) -> dict[str, str]:
    attacked = points["metric"] == ROBUST
    return {
        **short_labels(points.loc[~attacked, "curve"].unique(), section.full_specs),
        **attack_labels(points.loc[attacked, "curve"].unique(), section.full_specs),
    }


def _curve(section: Section, cases: Mapping[str, Grouped], own: pd.DataFrame, labels: Mapping[str, str]) -> Curve:
    curve, metric, geometry, axis = (own[name].iloc[0] for name in ("curve", "metric", "geometry", "axis"))
    keys = own[["case", "geometry", "category"]].itertuples(index=False, name=None)
    rows = zip(map(cases[metric].places.__getitem__, keys), own["at"].tolist(), strict=True)
    points = tuple(sorted(rows, key=lambda point: point[1]))
    ends = set(own["clean_at"].dropna()) - {at for _, at in points}
    clean = [cases["top1"].places[key] for key in clean_places(section) if key[1] == geometry]
    both = tuple((row, at) for at in sorted(ends) for row in clean)
    norm = _norm(section.full_specs.get(curve, "")) if axis.startswith("eps") else ""
    return Curve(curve, labels[curve], geometry, axis, norm, metric, points, both)


def _norm(full: str) -> str:
    """Of an attack, or of the one inside it; L∞ is what attacks take for granted."""
    return "l2" if "norm=l2" in full else "linf"


def clean_places(section: Section) -> list[tuple[str, str, str]]:
    """Case, geometry and category of the clean cases."""
    frame = section.frame
    clean = frame[(frame["metric"] == "top1") & (frame["family"] == CLEAN)]
    return list(clean[["case", "geometry", "category"]].drop_duplicates().itertuples(index=False, name=None))


def _rows(own: Sequence[tuple[str, Curve]]) -> list[dict[str, Any]]:
    ordered = sorted(own, key=lambda one: _ORDER.index(one[0]))
    return [{"label": name, "points": curve.points} for name, curve in ordered]
