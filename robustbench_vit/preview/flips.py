"""Which images a model loses first along a curve; torch-free.

An image **flips** where the model, right about the clean image, is first wrong on the way along the curve.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_vit.aggregates.groups import Group, groups
from robustbench_vit.errors import StoreError
from robustbench_vit.metrics.robustness import right
from robustbench_vit.records import PlannedCase

_COLUMNS = ("id", "position", "label", "pred", "confidence")


@dataclass(frozen=True)
class Course:
    """A clean case and what follows it: the points of a curve, away from the clean image, or one case alone.

    Args:
        name: Curve, or case where there is no curve.
        axis: Label of the axis; empty if there is none.
        clean: The clean case.
        points: The others.
        places: Place of each on the axis; empty if there is none.
    """

    name: str
    axis: str
    clean: PlannedCase
    points: tuple[PlannedCase, ...]
    places: tuple[float, ...] = ()


@dataclass(frozen=True)
class Flip:
    """One image that flipped.

    Args:
        id: Sample id.
        position: Place in the canonical order.
        label: Class of the image.
        pred: Class it was taken for at the flip.
        confidence: Probability of that class.
        point: Index of the point of the course where it flipped.
        right: Whether the model is right, for each point.
    """

    id: str
    position: int
    label: int
    pred: int
    confidence: float
    point: int
    right: tuple[bool, ...]


@dataclass(frozen=True)
class Flips:
    """What flipped along a course.

    Args:
        course: The course.
        n: Number of images that all of its cases share.
        right: How many of them are right on the clean image.
        at: For each point, how many flip there.
        taken_for: Classes images were taken for at the flip, most frequent first, with how often.
        first: The first to flip; of equals, those of the most confident mistakes.
    """

    course: Course
    n: int
    right: int
    at: tuple[int, ...]
    taken_for: tuple[tuple[int, int], ...]
    first: tuple[Flip, ...]


def courses(cases: Sequence[PlannedCase]) -> Iterator[Course]:
    """The courses of one model and suite: its curves, then what lies on none.

    Args:
        cases: Cases that have rows. Where there is no clean case of the same data and geometry, there is no course.
    """
    found = list(groups(cases))
    pairs = [group.members for group in found if group.scope == "case" and len(group.members) == 2]
    clean = {case: before for before, case in pairs}
    curves = [_curve(group, clean) for group in found if group.scope == "curve"]
    yield from (curve for curve in curves if curve.points)
    placed = {case for curve in curves for case in curve.points}
    yield from (Course(case.case, "", before, (case,)) for case, before in clean.items() if case not in placed)


def _curve(group: Group, clean: Mapping[PlannedCase, PlannedCase]) -> Course:
    """A curve, away from the clean image where that has a place on the axis."""
    points = [(case.sweep, case) for case in group.members if case in clean and case.sweep]
    points.sort(key=lambda point: abs(point[0].at - (point[0].clean_at or 0)))
    axis = points[0][0].axis if points else ""
    members = tuple(case for _, case in points)
    before = clean[members[0]] if members else group.last
    return Course(group.name, axis, before, members, tuple(sweep.at for sweep, _ in points))


def flips(course: Course, rows: Callable[[PlannedCase], pd.DataFrame], most: int) -> Flips:
    """Follow every image along a course.

    Args:
        course: The course.
        rows: Gives the per-sample rows of a case, in any order, each sample once.
        most: How many of the first to flip to return.

    Raises:
        StoreError: If rows lack a column.
    """
    clean, *points = _shared([_rows(case, rows) for case in (course.clean, *course.points)])
    begun = right(clean) == 1
    outcomes = np.array([right(point) == 1 for point in points])[:, begun]  # points × images that are right at first
    point = (~outcomes).argmax(axis=0)
    seen = {name: _at(point, [frame[name].to_numpy()[begun] for frame in points]) for name in ("pred", "confidence")}
    images = clean.loc[begun, ["position", "label"]].assign(point=point, **seen, column=range(len(point)))
    lost = images[~outcomes.all(axis=0)]
    order = lost.sort_values(["point", "confidence", "position"], ascending=[True, False, True])
    taken_for = lost["pred"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return Flips(
        course,
        n=len(clean),
        right=len(images),
        at=tuple(np.bincount(lost["point"], minlength=len(points)).tolist()),
        taken_for=tuple((int(pred), int(count)) for pred, count in taken_for.items()),
        first=tuple(_flip(row, outcomes) for row in order.head(most).reset_index().to_dict("records")),
    )


def _rows(case: PlannedCase, rows: Callable[[PlannedCase], pd.DataFrame]) -> pd.DataFrame:
    found = rows(case)
    missing = [name for name in _COLUMNS if name not in found]
    if missing:
        raise StoreError(f"the rows of {case.case} on {case.model} lack {', '.join(missing)}; run the case again")
    return found.set_index("id")


def _shared(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The rows of the images that all frames hold, in one order."""
    common = frames[0].index
    for frame in frames[1:]:
        common = common[common.isin(frame.index)]
    return [frame.loc[common] for frame in frames]


def _at(point: NDArray[np.intp], values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Of one array a point, each image's value at its own point."""
    chosen: NDArray[Any] = np.array(values)[point, np.arange(len(point))]
    return chosen


def _flip(row: Mapping[str, Any], outcomes: NDArray[np.bool_]) -> Flip:
    fields = {name: row[name] for name in ("id", "position", "label", "pred", "confidence", "point")}
    return Flip(**fields, right=tuple(outcomes[:, row["column"]].tolist()))
