"""RUN and BASE: results folders whose models are set side by side."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.references import VARIANT
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.gates.subjects import Subject, subjects
from robustbench_vit.records import PlannedCase

Scores = Callable[[PlannedCase], Scored]
"""Gives a case as it was scored."""


@dataclass(frozen=True)
class Side:
    """A results folder.

    Args:
        word: ``RUN`` or ``BASE``.
        cases: Its cases, models named as in tables.
        scored: Gives each as it was scored.
    """

    word: str
    cases: Sequence[PlannedCase]
    scored: Scores

    @cached_property
    def models(self) -> dict[str, str]:
        """Display name by model key."""
        return {case.model_key: case.model.partition(VARIANT)[0] for case in self.cases}

    def of(self, key: str) -> list[PlannedCase]:
        """The plan of a model."""
        return [case for case in self.cases if case.model_key == key]

    def subjects(self, key: str) -> list[Subject]:
        """What numbers of a model are about."""
        return subjects(self.of(key))

    def key_of(self, name: str) -> str:
        """The key of the model that is called so.

        Raises:
            UnknownNameError: If no model is; offers the closest.
        """
        for key, shown in self.models.items():
            if name in {key, shown}:
                return key
        raise UnknownNameError(f"model of {self.word}", name, self.models.values())


def opened(word: str, folder: Path) -> Side:
    """Open a results folder.

    Raises:
        StoreError: If it holds no results or cannot be read.
    """
    reading = Reading([folder])
    return Side(word, list(reading.where), reading.case)


def partners(run: Side, base: Side | None, asked: Sequence[str] = ()) -> dict[str, str | None]:
    """The models of RUN that are judged, and with which of BASE each is compared, by their keys.

    Args:
        run: Whose models are judged.
        base: What they are compared with, if with anything.
        asked: ``NAME`` or ``NAME=NAME OF BASE``; without any, all models. A model is compared with the one that has its
            name; if both folders hold one model, with that one.

    Returns:
        None for a model without partner.

    Raises:
        UnknownNameError: If a name that was asked for is in neither.
    """
    if not asked:
        return {key: _partner(run, base, key) for key in run.models}
    return dict(_asked(run, base, text) for text in asked)


def _partner(run: Side, base: Side | None, key: str) -> str | None:
    if base is None:
        return None
    if len(run.models) == len(base.models) == 1:
        return next(iter(base.models))
    return next((theirs for theirs, name in base.models.items() if name == run.models[key]), None)


def _asked(run: Side, base: Side | None, text: str) -> tuple[str, str | None]:
    # Specs hold signs of equality themselves, so the one counts that has a model of RUN on its left.
    for mine, theirs in _splits(text):
        if base and mine in {*run.models, *run.models.values()}:
            return run.key_of(mine), base.key_of(theirs)
    key = run.key_of(text)
    partner = _partner(run, base, key)
    if base and partner is None:
        raise SpecError(no_partner(base, text))
    return key, partner


def _splits(text: str) -> Iterator[tuple[str, str]]:
    for place, character in enumerate(text):
        if character == "=":
            yield text[:place].strip(), text[place + 1 :].strip()


def no_partner(base: Side, name: str) -> str:
    """What to say of a model that BASE does not have."""
    return f"BASE has no model {name}, it has {', '.join(base.models.values())}; give --model {name}=NAME"


def marked(cases: Sequence[PlannedCase], word: str) -> dict[PlannedCase, PlannedCase]:
    """Cases under a key of their own, by what they become: RUN and BASE may hold the same weights.

    The name stays, because transferred examples know by it whether they were made on the judged model.
    """
    return {replace(case, model_key=f"{word} {case.model_key}"): case for case in cases}


def together(*parts: tuple[Side, str, str]) -> tuple[list[PlannedCase], Scores]:
    """One plan of models from several folders.

    Args:
        *parts: Folder, key of a model in it, and the word that stands before the key in the plan.

    Returns:
        The plan, and what gives its cases as they were scored.
    """
    plan: dict[PlannedCase, tuple[Side, PlannedCase]] = {}
    for side, key, word in parts:
        plan |= {mine: (side, case) for mine, case in marked(side.of(key), word).items()}

    def scored(case: PlannedCase) -> Scored:
        side, original = plan[case]
        found = side.scored(original)
        return replace(found, case=replace(found.case, model_key=case.model_key))

    return list(plan), scored
