"""RUN and BASE: results folders whose models are set side by side."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from robustbench_vit.aggregates.names import without_variant
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.gates.missing import is_short
from robustbench_vit.gates.subjects import Subject, subjects
from robustbench_vit.records import PlannedCase

Scores = Callable[[PlannedCase], Scored]
"""Gives a case as it was scored."""


@dataclass(frozen=True)
class Side:
    """A results folder, or what it has of one model.

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
        return {case.model_key: without_variant(case.model) for case in self.cases}

    def only(self, key: str) -> "Side":
        """What it has of one model."""
        return replace(self, cases=[case for case in self.cases if case.model_key == key])

    @property
    def key(self) -> str:
        """Key of its only model."""
        return self.cases[0].model_key

    @property
    def model(self) -> str:
        """Display name of its only model."""
        return self.models[self.key]

    @property
    def marked(self) -> str:
        """A key that its only model has on no other side: RUN and BASE may hold the same weights."""
        return f"{self.word} {self.key}"

    @cached_property
    def subjects(self) -> list[Subject]:
        """What the numbers of its only model are about."""
        return subjects(self.cases)

    @cached_property
    def short(self) -> set[PlannedCase]:
        """Cases that are called done and have fewer rows than they should."""
        return {case for case in self.cases if is_short(self.scored(case))}

    def key_of(self, name: str) -> str:
        """The key of the model that is called so.

        Raises:
            UnknownNameError: If no model is; offers the closest.
        """
        for key, shown in self.models.items():
            if name in {key, shown}:
                return key
        raise UnknownNameError(f"model of {self.word}", name, self.models.values())


class Pair(NamedTuple):
    """A model of RUN and the one of BASE that it is compared with; one of them may not be there."""

    run: Side | None
    base: Side | None


def opened(word: str, folder: Path, data: Sequence[str] = ()) -> Side:
    """Open a results folder.

    Args:
        word: ``RUN`` or ``BASE``.
        folder: The results folder.
        data: Data sets, as tables call them, whose cases count; without any, all.

    Raises:
        StoreError: If it holds no results or cannot be read.
        UnknownNameError: If it has nothing of one of the data sets; offers the closest.
    """
    reading = Reading([folder])
    known = {case.data for case in reading.where}
    for name in data:
        if name not in known:
            raise UnknownNameError(f"data set of {word}", name, known)
    return Side(word, [case for case in reading.where if not data or case.data in data], reading.case)


def partners(run: Side, base: Side | None, asked: Sequence[str] = ()) -> list[Pair]:
    """The models that are judged.

    Args:
        run: Whose models are judged.
        base: What they are compared with, if with anything.
        asked: ``NAME`` or ``NAME=NAME OF BASE``; without any, all models. A model is compared with the one that has its
            name; if both folders hold one model, with that one.

    Returns:
        Those of RUN, then, if none was asked for, those that BASE alone has.

    Raises:
        UnknownNameError: If a name that was asked for is in neither.
        SpecError: If BASE has no partner for a model that was asked for.
    """
    wanted = [_asked(run, base, text) for text in asked] or [(key, _partner(run, base, key)) for key in run.models]
    pairs = [
        Pair(run.only(mine), base.only(theirs) if base and theirs else None) for mine, theirs in dict.fromkeys(wanted)
    ]
    if base and not asked:
        met = {theirs for _, theirs in wanted}
        pairs += [Pair(None, base.only(key)) for key in base.models if key not in met]
    return pairs


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


def lost_model(name: str) -> str:
    """What to say of a model that RUN does not have."""
    return f"RUN has no model {name}, BASE has; run it as well, or name the models that you judge with --model"


def together(*sides: Side) -> tuple[list[PlannedCase], Scores]:
    """One plan of models from several folders, each under its marked key.

    The names stay, because transferred examples know by them whether they were made on the judged model.

    Args:
        *sides: Of one model each.

    Returns:
        The plan, and what gives its cases as they were scored.
    """
    plan = {replace(case, model_key=side.marked): (side, case) for side in sides for case in side.cases}

    def scored(case: PlannedCase) -> Scored:
        side, original = plan[case]
        found = side.scored(original)
        return replace(found, case=replace(found.case, model_key=case.model_key))

    return list(plan), scored
