"""Which cases belong together: the groups that aggregates are computed over."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import nan
from typing import Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np

from robustbench_vit.aggregates.corruptions import BENCHMARK, GROUPS, SEVERITIES, curve_of, part, place
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.records import PlannedCase

Scope: TypeAlias = Literal[
    "case",  # the clean case and a case
    "curve",  # the points of a curve, in the order of the axis
    "eps",  # one case of min_eps at 0 and at each eps of its grid
    "family",  # all cases of a family
    "clean+family",  # the clean case, then all cases of a family or those of the benchmark
    "corruption",  # a common corruption at severities 1 to 5
    "clean+corruption",  # the clean case, then those five
    "corruptions",  # one corruption, those of a group or the 15 of the benchmark, each at severities 1 to 5
    "benchmark",  # the 15 of the benchmark, each at severities 1 to 5
    "clean+benchmark",  # the clean case, then those 75
    "pair",  # two decision makers, or pairs of them one behind the other
    "humans",  # a decision maker and a human, for each human
    "models",  # the clean case and a family, or the benchmark, of all models of a table
]
"""Kind of a group: which cells there are, in this order."""

CLEAN = "clean"
"""Family of the clean case."""

ATTACKS = frozenset({"adversarial", "transfer"})
"""Families of attacks."""

_Item = TypeVar("_Item")
_Name = TypeVar("_Name", bound=Hashable)

_Cells: TypeAlias = dict[tuple[str, int], list[PlannedCase]]
"""Cases of a grid by corruption and severity."""


class _Asked(NamedTuple):
    """The cells that the plan has, and in words those that it has not."""

    members: tuple[PlannedCase, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One case of a group, as an aggregate sees it.

    Args:
        case: The case.
        correct: Shape (N,), 1 where the prediction is right: the same images in the same order in all cells of a group.
        at: Its place on the axis of a curve, else NaN.
        reference: Shape (N,), errors of the reference on the same images, or its published error N times; empty where
            nothing is compared.
    """

    case: PlannedCase
    correct: FloatArray
    at: float = nan
    reference: FloatArray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Group:
    """Cases of one model that are compared image by image.

    Args:
        scope: Its kind.
        name: Case, curve, family or part of a grid: what stands in the column ``case`` of a measurement.
        members: The cases.
        places: Place of each member on the axis, if there is one.
        wants_clean: Whether a clean case belongs here and the plan has none.
        absent: Cells that belong here and that the plan does not have, in words.
    """

    scope: Scope
    name: str
    members: tuple[PlannedCase, ...]
    places: tuple[float, ...] = ()
    wants_clean: bool = False
    absent: tuple[str, ...] = ()

    @property
    def last(self) -> PlannedCase:
        """The member whose data, geometry and family the group has: never the clean case, if there is another."""
        return next((case for case in reversed(self.members) if case.family != CLEAN), self.members[-1])


def groups(cases: Sequence[PlannedCase]) -> Iterator[Group]:
    """All groups of the cases of one model and suite.

    Cases are compared only under the same data, geometry, label space, dtype and seed.
    """
    for alike in split(
        cases, lambda case: (case.data, case.geometry, case.label_space, case.dtype, case.seed)
    ).values():
        clean = next((case for case in alike if case.family == CLEAN), None)
        # What was skipped does not fit these images: a curve or family is complete without it.
        perturbed = [case for case in alike if case.family != CLEAN and case.status != "skipped"]
        yield from (_pair(clean, case) for case in perturbed)
        swept = [case for case in perturbed if case.sweep]
        curves = split(swept, lambda case: case.sweep and case.sweep.curve).values()
        # One eps and the clean image make no curve: its area would say how large that eps is.
        yield from (_curve(clean, points) for points in curves if len(points) > 1 or not is_attack(points[0]))
        # Of corruptions there are grids: a mean over whatever was run would pass for the mean of the benchmark.
        # Of attacks the worst case counts: their mean rises with every weak attack that is added to a suite.
        ungridded = [case for case in perturbed if not place(case) and not is_attack(case)]
        for family in split(ungridded, lambda case: case.family).values():
            yield Group("family", family[0].family, tuple(family))
            if clean:  # without, every curve says what is missing
                yield Group("clean+family", family[0].family, (clean, *family))
        # A grid without what was skipped is not complete.
        yield from _grids(clean, [case for case in alike if case.family != CLEAN])


def is_attack(case: PlannedCase) -> bool:
    """Whether a case looks for the images on which the model errs."""
    return case.threat is not None or case.family in ATTACKS


def _pair(clean: PlannedCase | None, case: PlannedCase) -> Group:
    members = (clean, case) if clean else (case,)
    return Group("case", case.case, members, wants_clean=clean is None)


def _curve(clean: PlannedCase | None, points: Sequence[PlannedCase]) -> Group:
    sweeps = [(case.sweep, case) for case in points if case.sweep]
    curve, clean_at = sweeps[0][0].curve, sweeps[0][0].clean_at
    placed = [(sweep.at, case) for sweep, case in sweeps]
    # A suite may measure the unperturbed end of the axis itself; then that point stands.
    wanted = clean_at is not None and clean_at not in [at for at, _ in placed]
    if clean_at is not None and clean is not None and wanted:
        placed.append((clean_at, clean))
    placed.sort(key=lambda point: point[0])
    members = tuple(case for _, case in placed)
    return Group("curve", curve, members, tuple(at for at, _ in placed), wants_clean=wanted and clean is None)


def _grids(clean: PlannedCase | None, cases: Iterable[PlannedCase]) -> Iterator[Group]:
    """Groups of common corruptions; see `robustbench_vit.aggregates.corruptions.place` for what a grid is."""
    grids: dict[str, _Cells] = {}
    for case in cases:
        if found := place(case):
            cells = grids.setdefault(found.grid, {})
            cells.setdefault((found.corruption, found.severity), []).append(case)
    for grid, cells in grids.items():
        one_clean = _one("clean", [clean] if clean else [])
        yield from _corruptions(one_clean, cells)
        yield from _benchmark(one_clean, grid, cells)


def _corruptions(clean: _Asked, cells: _Cells) -> Iterator[Group]:
    """Each corruption that was asked for at all severities."""
    for corruption in BENCHMARK + GROUPS["extra"]:
        members, absent = _asked(cells, [corruption])
        if absent:
            continue
        name = curve_of(members[0])
        yield Group("corruptions", name, members)
        yield Group("corruption", name, members)
        if clean.members:  # without, relative mCE says once what is missing
            yield Group("clean+corruption", name, clean.members + members)


def _benchmark(clean: _Asked, grid: str, cells: _Cells) -> Iterator[Group]:
    """Groups of corruptions that are complete, the benchmark of 15 or what it lacks, and a mean of what there is."""
    for group, corruptions in GROUPS.items():
        members, absent = _asked(cells, corruptions)
        if not absent:
            yield Group("corruptions", part(grid, group=group), members)
    members, absent = _asked(cells, BENCHMARK)
    if members:
        yield Group("corruptions", grid, members, absent=absent)
        yield Group("benchmark", grid, members, absent=absent)
        yield Group("clean+benchmark", grid, clean.members + members, absent=clean.absent + absent)
        yield Group("clean+family", grid, clean.members + members, absent=clean.absent + absent)
    there = tuple(case for found in cells.values() for case in found if case.status != "skipped")
    if absent and there:
        yield Group("family", part(grid, cases=len(there)), there)


def _asked(cells: _Cells, corruptions: Iterable[str]) -> _Asked:
    """The cases of these corruptions at severities 1 to 5."""
    found = [
        _one(f"{corruption} {severity}", cells.get((corruption, severity), []))
        for corruption, severity in product(corruptions, SEVERITIES)
    ]
    return _Asked(sum((one.members for one in found), ()), sum((one.absent for one in found), ()))


def _one(name: str, found: Sequence[PlannedCase]) -> _Asked:
    """The one case of a cell, or why there is none."""
    if len(found) == 1 and found[0].status != "skipped":
        return _Asked((found[0],), ())
    why = "not in the plan" if not found else "skipped" if len(found) == 1 else "there more than once"
    return _Asked((), (f"{name} ({why})",))


def _setting(case: PlannedCase) -> Hashable:
    return case.data, case.geometry, case.label_space, case.dtype, case.seed


def split(items: Iterable[_Item], key: Callable[[_Item], _Name]) -> dict[_Name, list[_Item]]:
    """Cases, or whatever stands for them, by key, in the order of first appearance."""
    parts: dict[_Name, list[_Item]] = {}
    for item in items:
        parts.setdefault(key(item), []).append(item)
    return parts
