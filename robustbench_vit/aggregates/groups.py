"""Which cases belong together: the groups that aggregates are computed over."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal, TypeAlias

from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.records import PlannedCase

Scope: TypeAlias = Literal["case", "curve", "family"]
"""Kind of a group: a case with its clean partner, the points of a curve, all cases of a family."""

CLEAN = "clean"
"""Family of the clean case."""


@dataclass(frozen=True)
class Cell:
    """One case of a group, as an aggregate sees it.

    Args:
        case: The case.
        correct: Shape (N,), 1 where the prediction is right: the same images in the same order in all cells of a group.
        at: Its place on the axis of a curve, else NaN.
    """

    case: PlannedCase
    correct: FloatArray
    at: float = nan


@dataclass(frozen=True)
class Group:
    """Cases of one model that are compared image by image.

    Args:
        scope: Its kind.
        name: Case, curve or family: what stands in the column ``case`` of a measurement.
        members: The cases.
        places: Place of each member on the axis, NaN if there is none.
        wants_clean: Whether a clean case belongs here and the plan has none.
    """

    scope: Scope
    name: str
    members: tuple[PlannedCase, ...]
    places: tuple[float, ...]
    wants_clean: bool = False

    @property
    def last(self) -> PlannedCase:
        """The member whose data, geometry and family the group has: never the clean case, if there is another."""
        return next(case for case in reversed(self.members) if case.family != CLEAN or len(self.members) == 1)


def groups(cases: Sequence[PlannedCase]) -> Iterator[Group]:
    """All groups of the cases of one model and suite.

    Cases are compared only under the same data, geometry, label space, dtype and seed.
    """
    for alike in _split(cases, lambda case: (case.data, case.geometry, case.label_space, case.dtype, case.seed)):
        clean = next((case for case in alike if case.family == CLEAN), None)
        # What was skipped does not fit these images: a curve or family is complete without it.
        perturbed = [case for case in alike if case.family != CLEAN and case.status != "skipped"]
        yield from (_pair(clean, case) for case in perturbed)
        swept = [case for case in perturbed if case.sweep]
        yield from (_curve(clean, points) for points in _split(swept, lambda case: case.sweep and case.sweep.curve))
        yield from (
            Group("family", family[0].family, tuple(family), (nan,) * len(family))
            for family in _split(perturbed, lambda case: case.family)
        )


def _pair(clean: PlannedCase | None, case: PlannedCase) -> Group:
    members = (clean, case) if clean else (case,)
    return Group("case", case.case, members, (nan,) * len(members), wants_clean=clean is None)


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


def _split(cases: Iterable[PlannedCase], key: Callable[[PlannedCase], Hashable]) -> Iterator[list[PlannedCase]]:
    """Cases of equal keys together, in the order of first appearance."""
    parts: dict[Hashable, list[PlannedCase]] = {}
    for case in cases:
        parts.setdefault(key(case), []).append(case)
    yield from parts.values()
