"""Decision makers side by side: on the axis from texture to shape, and by the images they err on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan

from robustbench_vit.leaderboard.columns import CLEAN, REPORTED
from robustbench_vit.leaderboard.published import MARK, published, source
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.records import Measurement

SUMMARY = {
    "shape_bias": "shape bias",
    "shape_bias_classmean": "class mean",
    "shape_decisions": "shape decisions",
    "texture_decisions": "texture decisions",
}
"""Numbers of a decision maker over all categories, and what tables call them."""

_CATEGORY = "category_shape_bias"
_CONSISTENCY = "error_consistency"
NUMBERS = (*SUMMARY, _CATEGORY)
"""Metrics of cue conflict."""


@dataclass(frozen=True)
class ShapeAxis:
    """Models and humans on the axis from texture (0) to shape (1), on the images of one case.

    Args:
        case: The case.
        geometry: Geometry of its images.
        numbers: By decision maker (models first), metric and category; the category is empty for a number over all.
    """

    case: str
    geometry: str
    numbers: Mapping[tuple[str, str, str], Measurement]

    @cached_property
    def makers(self) -> tuple[str, ...]:
        """Who decides."""
        return tuple(dict.fromkeys(maker for maker, _, _ in self.numbers))

    @cached_property
    def humans(self) -> frozenset[str]:
        """Which of them are humans."""
        return frozenset(maker for (maker, _, _), number in self.numbers.items() if number.maker == "humans")

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Categories of the shape, in the order of the label space."""
        return tuple(dict.fromkeys(category for _, metric, category in self.numbers if metric == _CATEGORY))

    @property
    def definition(self) -> str:
        """What shape bias is, and how many images have no conflict."""
        found = [number for (_, metric, _), number in self.numbers.items() if metric == "shape_bias"]
        return next((number.definition for number in found if not isnan(number.value)), found[0].definition)

    @property
    def source(self) -> str:
        """Where published numbers come from, or nothing if there are none."""
        return source() if any(maker.endswith(MARK) for maker in self.makers) else ""

    def at(self, maker: str, metric: str) -> Measurement | None:
        """A number over all categories."""
        return self.numbers.get((maker, metric, ""))

    def of(self, maker: str, category: str) -> Measurement | None:
        """Shape bias of a category."""
        return self.numbers.get((maker, _CATEGORY, category))


@dataclass(frozen=True)
class Consistency:
    """Who errs on the same images as who, on the images of one case.

    Args:
        section: The section it belongs to.
        case: The case.
        geometry: Geometry of its images.
        makers: The models, and the humans as one.
    """

    section: Section
    case: str
    geometry: str
    makers: tuple[str, ...]

    def at(self, one: str, two: str) -> Measurement | None:
        """Error consistency of two decision makers, in either order."""
        found = (
            self.section.at(first, _CONSISTENCY, self.case, self.geometry, second)
            for first, second in ((one, two), (two, one))
        )
        return next((item for item in found if item is not None), None)

    @property
    def definition(self) -> str:
        """What error consistency is."""
        return next(item.definition for item in self.section.of(_CONSISTENCY))


def shape_axes(section: Section) -> list[ShapeAxis]:
    """One for each clean case whose images have conflicting cues."""
    return [ShapeAxis(case, geometry, _numbers(section, case, geometry)) for case, geometry in _places(section)]


def consistencies(section: Section) -> list[Consistency]:
    """One for each case on which decision makers were compared."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for item in section.of(_CONSISTENCY):
        if item.maker != "human":
            found.setdefault((item.case, item.geometry), {})[item.reference] = None
    humans = dict.fromkeys(item.model for item in section.of(_CONSISTENCY) if item.maker == "humans")
    met = _met(section)
    return [
        Consistency(section, *place, tuple(name for name in (*section.models, *humans) if (name, *place) in met))
        for place in found
    ]


def _met(section: Section) -> set[tuple[str, str, str]]:
    """Which decision makers were compared with others, on which images."""
    return {
        (name, item.case, item.geometry) for item in section.of(_CONSISTENCY) for name in (item.model, item.reference)
    }


def _places(section: Section) -> Iterator[tuple[str, str]]:
    yield from dict.fromkeys(
        (item.case, item.geometry)
        for item in section.of("shape_bias")
        if item.family == CLEAN and item.status != REPORTED
    )


def _numbers(section: Section, case: str, geometry: str) -> dict[tuple[str, str, str], Measurement]:
    here = [item for item in section.of(*NUMBERS) if (item.case, item.geometry) == (case, geometry)]
    own = [item for item in here if item.maker != "human"]
    order = {model: rank for rank, model in enumerate(section.models)}
    own.sort(key=lambda item: order.get(item.model, len(order)))
    categories = list(dict.fromkeys(item.category for item in own if item.metric == _CATEGORY))
    fullest = max((item for item in own if item.metric == "shape_bias"), key=lambda item: item.n)
    own += published(fullest, categories)
    return {(item.model, item.metric, item.category): item for item in own}
