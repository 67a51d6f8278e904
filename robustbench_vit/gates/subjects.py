"""What the numbers of a plan are about: its cases, and the groups that aggregates are over."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.corruptions import place
from robustbench_vit.aggregates.difference import Difference
from robustbench_vit.aggregates.groups import CLEAN, Group, Scope, groups
from robustbench_vit.errors import SpecError
from robustbench_vit.gates.rules import Arguments, Rule, arguments_of
from robustbench_vit.records import Measurement, PlannedCase
from robustbench_vit.spec import Spec, Value, format_value, parse

Kind: TypeAlias = Scope | Literal["own"]
"""Scope of the aggregates over it; ``own`` for what the rows of one case say alone."""

OPTIONAL = "optional"
"""Tag of cases that are left out, without harm, where they do not fit."""

_ONE_CASE = {"eps", "pair", "humans"}  # scopes whose numbers stand beside those of one case


class Origin(NamedTuple):
    """Where a number of a model comes from; no two of a metric have the same.

    Args:
        case: Case, curve, family or grid, as in tables; empty if nothing was found.
        suite: ``name@version``.
        data: Display spec of the data set.
        geometry: Geometry of the images.
        seed: Seed of the draws.
        dtype: ``fp32`` or ``bf16``.
    """

    case: str = ""
    suite: str = ""
    data: str = ""
    geometry: str = ""
    seed: int = 0
    dtype: str = ""

    @classmethod
    def of(cls, row: Measurement | Difference) -> "Origin":
        """That of a row of a table."""
        return cls(row.case, row.suite, row.data, row.geometry, row.seed, row.dtype)

    @property
    def words(self) -> tuple[str, ...]:
        """All there is to read of it, nothing of what was not found."""
        return self.told(self._fields) if self.case else ()

    def told(self, names: Iterable[str]) -> tuple[str, ...]:
        """These fields, without those that say nothing."""
        return tuple(word for name in names if (word := self.word(name)))

    def word(self, name: str) -> str:
        """One field; those that are not clear by themselves with their name."""
        value = str(getattr(self, name))
        unclear = name == "seed" or (name == "geometry" and value and "(" not in value)
        return f"{name} {value}" if unclear else value


@dataclass(frozen=True)
class Subject:
    """A case, or a group of cases, of one model.

    Args:
        kind: Which aggregates are over it.
        group: Its name and members, and what it lacks.
    """

    kind: Kind
    group: Group

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.group.name

    @property
    def members(self) -> tuple[PlannedCase, ...]:
        """Its cases."""
        return self.group.members

    @property
    def case(self) -> PlannedCase:
        """The member whose suite, data and geometry it has."""
        return self.group.last

    @property
    def origin(self) -> Origin:
        """Where its numbers come from."""
        case = self.case
        return Origin(self.name, case.suite, case.data, case.geometry, case.seed, case.dtype)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of the members: equal for the same data, geometry, perturbations, versions, labels, seed and dtype."""
        return frozenset(member.case_key for member in self.members)

    @cached_property
    def names(self) -> frozenset[str]:
        """What a selector may call it: the perturbation that all members share, the family, or its own name."""
        perturbed = _perturbed(self.members)
        specs = [_spec(case.perturbation).name for case in perturbed]
        grid = [found.corruption for case in perturbed if (found := place(case))]
        shared = {names[0] for names in (specs, grid) if len(set(names)) == 1 and len(names) == len(perturbed)}
        families = {case.family for case in perturbed}
        return frozenset({_spec(self.name).name, *shared, *(families if len(families) == 1 else ())})

    @cached_property
    def arguments(self) -> Arguments:
        """Keys and values of its name, and those that all members share, defaults filled in."""
        own = [_arguments(_spec(case.perturbation)) for case in _perturbed(self.members)]
        return _arguments(_spec(self.name)) | frozenset.intersection(*own)


def subjects(cases: Sequence[PlannedCase]) -> list[Subject]:
    """Everything that numbers of one model are about; optional cases that were skipped are not there.

    Args:
        cases: The plan of one model, of any number of suites.
    """
    asked = [case for case in cases if case.status != "skipped" or OPTIONAL not in case.tags]
    found = [Subject("own", Group("case", case.case, (case,))) for case in asked]
    for suite in dict.fromkeys(case.suite for case in cases):
        found += [Subject(group.scope, group) for group in groups([case for case in cases if case.suite == suite])]
    return found


def kind_of(metric: str) -> Kind:
    """What the numbers of a metric are about; an unknown metric may be a column that a perturbation reports."""
    scope = AGGREGATES[metric].scope if metric in AGGREGATES.names else "own"
    return "own" if scope in _ONE_CASE else scope


def selected(rule: Rule, candidates: Iterable[Subject]) -> list[Subject]:
    """Those that a rule is about.

    Args:
        rule: The rule.
        candidates: Of any kind and number of models.
    """
    found = [one for one in candidates if one.kind == kind_of(rule.metric)]
    if rule.selector is None:
        return found
    exact = [one for one in found if one.name == rule.selector.text] if rule.selector.whole else []
    return exact or [one for one in found if rule.selector.fits(one.names, one.arguments)]


def _perturbed(members: Sequence[PlannedCase]) -> Sequence[PlannedCase]:
    return [case for case in members if case.family != CLEAN] or members


def _arguments(spec: Spec) -> Arguments:
    return frozenset((key, text) for key, value in arguments_of(spec) for text in _texts(value))


def _texts(value: Value) -> Iterator[str]:
    """A value, the name of a nested spec, and what a list holds."""
    yield format_value(value)
    if isinstance(value, Spec):
        yield value.name
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)


def _spec(text: str) -> Spec:
    """A spec, or one that has the text for a name where it is none."""
    try:
        return parse(text)
    except SpecError:
        return Spec(text)
