"""Decision makers side by side: models of a plan, and whoever's trials were imported, on the same images."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.groups import CLEAN, Cell, split
from robustbench_vit.aggregates.measuring import attempt, estimates, metrics_of, of_case
from robustbench_vit.errors import DataError
from robustbench_vit.metrics.accuracy import hits
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.records import MAX_STORED_CLASSES, Maker, Measurement, PlannedCase
from robustbench_vit.trials import Trials

TAG = "consistency"
"""Tag of cases whose decision makers are compared; those with conflicting cues always are."""

TRIALS = "trials:"
"""Stands before the name of a decision maker that was imported."""

HUMANS = f"{TRIALS}humans"
"""All imported subjects together: their mean."""

_COLUMNS = ("id", "position", "label", "pred", "texture")


@dataclass(frozen=True)
class DecisionMaker:
    """A model, a subject, or the subjects together.

    Args:
        case: What was decided on, under the decision maker's own name.
        kind: Which of them it is.
        members: Rows of each: ``id``, ``position``, ``label``, ``pred`` and, if cues may conflict, ``texture``.
        imported: Whether they are trials.
    """

    case: PlannedCase
    kind: Maker
    members: tuple[pd.DataFrame, ...]
    imported: bool = False


def decisions(case: PlannedCase, rows: pd.DataFrame) -> pd.DataFrame | None:
    """The columns that decision makers are compared by; None where nobody can ask: not clean, or too many classes."""
    asked = "texture" in rows or TAG in case.tags or case.num_classes <= MAX_STORED_CLASSES
    if case.family != CLEAN or not len(rows) or not asked:
        return None
    return rows[[name for name in _COLUMNS if name in rows]]


def is_heard(case: PlannedCase, decided: pd.DataFrame | None, trials: Sequence[Trials]) -> bool:
    """Whether somebody asked how the decisions on a case compare with those of others."""
    if decided is None:
        return False
    return "texture" in decided or TAG in case.tags or any(one.is_about(case) for one in trials)


def boards(decided: Mapping[PlannedCase, pd.DataFrame], trials: Sequence[Trials]) -> Iterator[list[DecisionMaker]]:
    """Those who decided on the same images, models first.

    Args:
        decided: Rows of clean cases, see `decisions`.
        trials: Of humans and models.

    Raises:
        DataError: If trials fit none of the cases.
    """
    unused = {one.source for one in trials}
    for cases in split(decided, _images).values():
        # Trials are matched with the images of the model that has most of them.
        fullest = max(cases, key=lambda case: len(decided[case]))
        heard = _heard(fullest, decided[fullest], trials)
        unused -= {one.source for one, _ in heard}
        models = [DecisionMaker(case, "model", (decided[case],)) for case in cases]
        yield models + _imported(fullest, heard)
    if unused:
        names = sorted({case.data.partition("(")[0] for case in decided})
        raise DataError(
            f"the trials in {min(unused)} are about none of the images of these results; say which data set they are "
            f"about with --trials DATA=PATH; of the results that is one of: {', '.join(names) or 'none'}"
        )


def _images(case: PlannedCase) -> Hashable:
    """What decision makers of one board have in common."""
    return case.suite, case.case, case.data, case.geometry, case.num_classes, case.classes, case.seed


def measure_board(board: Sequence[DecisionMaker]) -> Iterator[Measurement]:
    """Numbers of imported decision makers, and of any two of a board."""
    for maker in board:
        if maker.imported:
            yield from _trials(maker)
    for one in board:
        yield from _consistency(one, [two for first, two in pairs(board) if first is one])


def _trials(maker: DecisionMaker) -> Iterator[Measurement]:
    rows = pd.concat(shared(maker.members), ignore_index=True)
    metrics = [metric for metric in METRICS if "pred" in metric.columns and set(metric.columns) <= set(rows.columns)]
    measured = metrics_of(maker.case, metrics, rows, len(maker.members))
    yield from (replace(measurement, maker=maker.kind) for measurement in measured)


def _consistency(one: DecisionMaker, others: Sequence[DecisionMaker]) -> Iterator[Measurement]:
    """What is said of a decision maker beside each of the others."""
    found: dict[tuple[Aggregate, str], Contributions | str] = {}
    for two in others:
        met = cells(one, two)
        for row in AGGREGATES:
            if row.scope == "pair" or (row.scope == "humans" and two.kind == "humans" and one.kind == "model"):
                found[row, two.case.model] = attempt(row, met) if len(met[0].correct) else "they share no image"
    status = {two.case.model: two.case.status for two in others}
    for (row, other), (number, reason, _) in estimates(found).items():
        own = of_case(one.case, row.name, number, unit=row.unit, definition=row.definition, reason=reason)
        whole = {own.status, status[other]} == {"done"}
        yield replace(own, reference=other, maker=one.kind, status="done" if whole else "partial")


def pairs(board: Sequence[DecisionMaker]) -> Iterator[tuple[DecisionMaker, DecisionMaker]]:
    """Any two decision makers, and the subjects among one another."""
    yield from ((one, two) for one, two in combinations_with_replacement(board, 2) if _others(one, two))


def cells(one: DecisionMaker, two: DecisionMaker) -> list[Cell]:
    """Pairs of members, one behind the other, over the images that all of them share."""
    frames = [frame for pair in _others(one, two) for frame in pair]
    return [Cell(one.case, hits(frame)) for frame in shared(frames)]


def _others(one: DecisionMaker, two: DecisionMaker) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Pairs of members; nobody meets himself."""
    return [(first, second) for first in one.members for second in two.members if first is not second]


def shared(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Rows of the images that all have, in the order of the first."""
    common = pd.Index(frames[0]["id"], dtype=object)
    if all(common.equals(pd.Index(frame["id"], dtype=object)) for frame in frames[1:]):
        return list(frames)
    for frame in frames[1:]:
        common = common[common.isin(frame["id"])]
    return [frame.set_index("id").loc[common].reset_index() for frame in frames]


def _heard(case: PlannedCase, rows: pd.DataFrame, trials: Sequence[Trials]) -> list[tuple[Trials, pd.DataFrame]]:
    """The trials about a case's images."""
    about = [one for one in trials if one.is_about(case)]
    if about and not case.classes:
        raise DataError(
            f"{about[0].source}: trials name classes, and those of {case.data} are not in the results; "
            "run the case again with this version"
        )
    found = [(one, one.of(rows.drop(columns="pred"), case.classes)) for one in about]
    return [(one, own) for one, own in found if len(own)]


def _imported(case: PlannedCase, heard: Sequence[tuple[Trials, pd.DataFrame]]) -> list[DecisionMaker]:
    """One decision maker each, and the subjects together."""
    # What a case says of the network has no meaning here.
    case = replace(case, model_key="", case_key="", input_size="", status="done", reason="")
    makers = [
        DecisionMaker(replace(case, model=TRIALS + one.name), "human" if one.human else "model", (own,), imported=True)
        for one, own in heard
    ]
    subjects = tuple(own for one, own in heard if one.human)
    if subjects:
        makers.append(DecisionMaker(replace(case, model=HUMANS), "humans", subjects, imported=True))
    return makers
