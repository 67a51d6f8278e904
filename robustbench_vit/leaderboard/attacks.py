"""Tables of attacks: what they leave, what they cost, who misleads whom, and what speaks against the numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isnan

from robustbench_vit.aggregates.honesty import BETWEEN
from robustbench_vit.errors import SpecError
from robustbench_vit.leaderboard.columns import REPORTED, ROBUST, TRANSFER, Column
from robustbench_vit.leaderboard.formatting import number
from robustbench_vit.leaderboard.labels import attack_labels
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.records import Measurement
from robustbench_vit.spec import Spec, parse

MARK = "⚠"
"""Stands at numbers that have a warning."""

PASSES = {"forward_passes": "forward", "backward_passes": "backward"}
"""What an attack costs, and what tables call it."""

_BROKEN_BY = "broken_by"


@dataclass(frozen=True)
class Attacks:
    """The table of a section's attacks: a row an attack, a column a model.

    Args:
        section: The section.
        rows: The attacks, in plan order, but those on other models.
    """

    section: Section
    rows: tuple[Column, ...]

    def passes(self, model: str, row: Column) -> str:
        """Passes for an image, or nothing where none were counted."""
        found = {word: self._at(model, metric, row) for metric, word in PASSES.items()}
        shown = [
            f"{item.value:,.{0 if item.value >= 100 else 1}f} {word}"
            for word, item in found.items()
            if item and not isnan(item.value)
        ]
        return " + ".join(shown)

    def broken_by(self, row: Column) -> tuple[str, ...]:
        """What broke images of any model, by the words of the column of that name."""
        return self._words.get((row.case, row.geometry), ())

    def share(self, model: str, row: Column, word: str) -> Measurement | None:
        """Share of images that one attack broke."""
        return self._at(model, _BROKEN_BY, row, word)

    def _at(self, model: str, metric: str, row: Column, which: str = "") -> Measurement | None:
        return self.section.at(model, metric, row.case, row.geometry, which)

    @cached_property
    def _words(self) -> dict[tuple[str, str], tuple[str, ...]]:
        words: dict[tuple[str, str], dict[str, None]] = {}
        for item in self.section.of(_BROKEN_BY):
            words.setdefault((item.case, item.geometry), {})[item.category] = None
        return {place: tuple(own) for place, own in words.items()}


@dataclass(frozen=True)
class Transfer:
    """Who misleads whom with one attack: a row a source, a column a model that is judged.

    Args:
        section: The section.
        attack: Display spec of the attack, without the source.
        geometry: Geometry of the images.
        cases: For each source, the case.
    """

    section: Section
    attack: str
    geometry: str
    cases: dict[str, str]

    def at(self, source: str, model: str) -> Measurement | None:
        """Robust accuracy of a model under the examples of a source."""
        return self.section.at(model, ROBUST, self.cases[source], self.geometry)


def attacks(section: Section) -> Attacks:
    """All attacks on the models that are judged; those of `min_eps` at their largest eps."""
    return Attacks(section, tuple(_columns(section, ROBUST, transfer=False)))


def transfers(section: Section) -> list[Transfer]:
    """A table for each attack whose examples were shown to other models."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for item in section.of(ROBUST):
        if item.family == TRANSFER:
            found.setdefault((_sourceless(item.case), item.geometry), {})[item.reference] = item.case
    # Sources stand in the order of the models, so that the diagonal is the attack on the model itself.
    order = {model: place for place, model in enumerate(section.models)}
    return [
        Transfer(section, attack, geometry, dict(sorted(cases.items(), key=lambda one: order.get(one[0], len(order)))))
        for (attack, geometry), cases in found.items()
    ]


@dataclass(frozen=True)
class Doubt:
    """A warning.

    Args:
        model: Whose numbers it is about.
        cases: The cases it is about, with their geometry where there are several.
        text: What it says.
    """

    model: str
    cases: tuple[str, ...]
    text: str


def warnings(section: Section) -> list[Doubt]:
    """Each warning of a model once, with all cases that have it."""
    warned = section.select(section.frame, section.frame["warning"] != "")
    several = len({item.geometry for item in warned}) > 1
    found: dict[tuple[str, str], dict[str, None]] = {}
    for item in warned:
        case = f"{item.case} · {item.geometry}" if several else item.case
        for text in item.warning.split(BETWEEN):
            found.setdefault((item.model, text), {})[case] = None
    return [Doubt(model, tuple(cases), text) for (model, text), cases in found.items()]


def marked(measurement: Measurement) -> str:
    """A number with the mark of a warning, if it has one."""
    text = number(measurement.value, measurement.unit)
    return f"{text} {MARK}" if measurement.warning and not isnan(measurement.value) else text


def file_columns(section: Section) -> Iterator[Column]:
    """What only the file has room for: transfer, attacks with a whole curve, and passes."""
    shown = set(section.columns)
    for transfer in (False, True):
        yield from (column for column in _columns(section, ROBUST, transfer=transfer) if column not in shown)
    for metric in PASSES:
        for transfer in (False, True):
            yield from _columns(section, metric, transfer=transfer)


def _columns(section: Section, metric: str, *, transfer: bool) -> Iterator[Column]:
    """Columns of a metric of attacks; under the names that the summary gives them."""
    known = {(column.case, column.geometry): column for column in section.columns if column.metric == metric}
    attacked = dict.fromkeys(
        (item.case, item.geometry)
        for item in section.of(ROBUST)
        if not item.category and (item.family == TRANSFER) == transfer and item.status != REPORTED
    )
    labels = attack_labels(dict.fromkeys(case for case, _ in attacked), section.full_specs)
    ends = {item.case for item in section.of(ROBUST) if item.curve == item.case}
    several = len({geometry for _, geometry in attacked}) > 1
    for case, geometry in attacked:
        other = f" · {geometry}" if several else ""
        label = f"{labels[case]}, at the largest eps" if case in ends else labels[case]
        name = f"{case}_{metric}{other}"
        own = Column(section.suite, section.data, metric, case, geometry, "robust accuracy", label + other, name)
        yield known.get((case, geometry), own)


def _sourceless(case: str) -> str:
    """``transfer(attack=pgd(eps=4/255), source=zoo:a)`` → ``pgd(eps=4/255)``."""
    try:
        spec = parse(case)
    except SpecError:
        return case
    rest = {name: value for name, value in spec.args.items() if name != "source"}
    attack = rest.get("attack")
    alone = isinstance(attack, Spec | str) and len(rest) == 1 and not spec.positional
    return str(attack) if alone else str(Spec(spec.name, rest, spec.positional))
