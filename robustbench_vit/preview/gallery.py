"""How a gallery is ordered: by data and geometry, then family, then curve, each curve along its axis."""

from collections.abc import Iterable
from dataclasses import dataclass

from robustbench_vit.aggregates.groups import CLEAN, split
from robustbench_vit.preview.pictures import Picture, Shot
from robustbench_vit.records import PlannedCase


@dataclass(frozen=True)
class Strip:
    """Cases along one axis, or one case alone.

    Args:
        name: Curve, or case.
        axis: Label of the axis; empty if there is none.
        shots: In order.
    """

    name: str
    axis: str
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class Family:
    """A family of cases.

    Args:
        name: Of the family.
        strips: What can be shown.
        missing: What cannot, with reasons.
    """

    name: str
    strips: tuple[Strip, ...]
    missing: tuple[PlannedCase, ...]


@dataclass(frozen=True)
class Room:
    """All cases of one data set under one geometry.

    Args:
        data: Display spec of the data set, or the name of a slot that nobody filled.
        geometry: What its pictures were given; empty where nothing could be opened.
        clean: The clean case and the images as they are; without pictures if nothing could be shown at all.
        families: The perturbations, in plan order.
        missing: Clean cases that cannot be shown, with reasons.
    """

    data: str
    geometry: str
    clean: tuple[Picture, ...]
    families: tuple[Family, ...]
    missing: tuple[PlannedCase, ...]


def rooms(shots: Iterable[Shot]) -> list[Room]:
    """Put the shots of a plan in order."""
    return [_room(alike) for alike in split(shots, lambda shot: (shot.record.data, shot.record.geometry)).values()]


def _room(shots: list[Shot]) -> Room:
    first = shots[0].record
    # Under the clean case stands what its model saw; without one, the images as they are.
    clean = next((shot.pictures for shot in shots if shot.record.family == CLEAN and shot.pictures), None)
    originals = next((shot.originals for shot in shots if shot.originals), ())
    perturbed = [shot for shot in shots if shot.record.family != CLEAN]
    families = tuple(_family(alike) for alike in split(perturbed, lambda shot: shot.record.family).values())
    missing = tuple(shot.record for shot in shots if shot.record.family == CLEAN and not shot.pictures)
    return Room(first.data, first.geometry, clean or originals, families, missing)


def _family(shots: list[Shot]) -> Family:
    shown = [shot for shot in shots if shot.pictures]
    strips = tuple(_strip(alike) for alike in split(shown, _curve).values())
    return Family(shots[0].record.family, strips, tuple(shot.record for shot in shots if not shot.pictures))


def _strip(shots: list[Shot]) -> Strip:
    sweep = shots[0].record.sweep
    if sweep is None:
        return Strip(_curve(shots[0]), "", tuple(shots))
    return Strip(sweep.curve, sweep.axis, tuple(sorted(shots, key=_place)))


def _curve(shot: Shot) -> str:
    return shot.record.sweep.curve if shot.record.sweep else shot.record.case


def _place(shot: Shot) -> float:
    return shot.record.sweep.at if shot.record.sweep else 0.0
