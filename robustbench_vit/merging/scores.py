"""Scores of cases whose rows nobody gave along, taken over as they are (for merging)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.aggregates.scored_file import Key, ScoredFile
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store

CaseKey: TypeAlias = tuple[str, str, str]
"""Suite, model and case."""


def key_of(case: PlannedCase) -> CaseKey:
    """What a case is called in every folder."""
    return (case.suite, case.model_key, case.case_key)


def scored_alone(root: Path, plan: Sequence[PlannedCase], held: Container[tuple[str, str]]) -> dict[CaseKey, Scored]:
    """What a folder says of the cases that it has scored, and has no rows of.

    Args:
        root: The folder.
        plan: Its cases.
        held: Model and case key of those it has rows of.

    Raises:
        StoreError: If a file cannot be read.
    """
    lacking: dict[str, dict[Key, PlannedCase]] = {}
    for case in plan:
        if case.was_run and (case.model_key, case.case_key) not in held:
            lacking.setdefault(case.model_key, {})[Key(case.suite, case.case_key)] = case
    found: dict[CaseKey, Scored] = {}
    for model, cases in lacking.items():
        file = Store(root).scored_file(model)
        scored = ScoredFile.open(file).scored(cases) if file.exists() else {}
        found |= {key_of(case): scored[key] for key, case in cases.items() if _stands(case, scored.get(key))}
    return found


def chosen(
    alone: Mapping[Path, Mapping[CaseKey, Scored]], reach: Mapping[tuple[str, str], int]
) -> tuple[dict[CaseKey, Scored], list[str]]:
    """Of each case the scores of most images, and in words what contradicts them.

    Args:
        alone: What each folder has of cases without rows.
        reach: By model and case, of how many images there are rows in other folders; where these are all, scores are
            not needed.
    """
    best: dict[CaseKey, Scored] = {}
    conflicts = []
    for root, scored in alone.items():
        for key, one in scored.items():
            there, other = reach.get(key[1:], 0), best.get(key)
            if there >= one.case.n:
                continue
            if there:
                conflicts.append(
                    f"{_name(one)}: {root} holds scores of {one.case.n} images without rows, others rows of {there}"
                )
            elif other and other.case.n == one.case.n and not other.correct.equals(one.correct):
                conflicts.append(f"{_name(one)}: images that are right in {root} are wrong in another folder")
            elif other is None or (other.case.n, other.case.status) < (one.case.n, one.case.status):
                best[key] = one
    return best, conflicts


def of_plan(scores: Mapping[CaseKey, Scored], plan: Iterable[PlannedCase]) -> list[Scored]:
    """The scores that a plan still asks for, in its order."""
    return [scores[key_of(case)] for case in plan if key_of(case) in scores and scores[key_of(case)].case == case]


def _stands(case: PlannedCase, one: Scored | None) -> bool:
    return one is not None and len(one.correct) > 0 and one.case == case


def _name(one: Scored) -> str:
    return f"{one.case.case} of {one.case.model}"
