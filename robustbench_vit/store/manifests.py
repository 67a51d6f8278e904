"""What several folders say they planned, as one plan."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase

UNLOADED = "unloaded-"
"""How keys of models begin that could not be loaded."""

_Key: TypeAlias = tuple[str, str, str]


def united(plans: Sequence[Sequence[PlannedCase]], reach: Callable[[PlannedCase], int]) -> list[PlannedCase]:
    """One plan of several; the order of the plans decides nothing but the order of cases.

    Of entries with the same key the one that asks for most images stays, and its status is what the rows of all folders
    together say. What one folder skipped, could not load or failed at gives way where another one has rows of it.

    Args:
        plans: The entries of each folder.
        reach: Of a case, how many canonical positions from 0 on have rows in all folders together.

    Raises:
        StoreError: If one declaration was run under two keys, so that numbers of two versions would meet.
    """
    alike: dict[_Key, list[PlannedCase]] = {}
    for case in (case for plan in plans for case in plan):
        alike.setdefault(_key(case), []).append(case)
    cases = [_settled(entries, reach) for entries in alike.values()]
    held = [{_key(case) for case in plan} for plan in plans]
    run = [case for case in cases if case.was_run]
    check_versions(run)
    return [case for case in cases if case.was_run or not any(_replaces(new, case, held) for new in run)]


def _key(case: PlannedCase) -> _Key:
    return (case.suite, case.model_key, case.case_key)


def _settled(entries: Sequence[PlannedCase], reach: Callable[[PlannedCase], int]) -> PlannedCase:
    """One entry of several with the same key."""
    run = [case for case in entries if case.was_run]
    failed = [case for case in entries if case.status == "failed"]
    if not run:
        return (failed or list(entries))[0]
    fullest = max(run, key=lambda case: case.n)
    if reach(fullest) >= fullest.n:
        return replace(fullest, status="done", reason="")
    return failed[0] if failed else replace(fullest, status="partial")


def _replaces(new: PlannedCase, old: PlannedCase, held: Sequence[set[_Key]]) -> bool:
    """Whether an entry with rows puts one without them out of date: the same declaration, from another folder."""
    if any({_key(new), _key(old)} <= keys for keys in held) or (new.suite, new.model) != (old.suite, old.model):
        return False
    if old.model_key.startswith(UNLOADED):
        return True
    known = old.num_classes > 0  # else only the declaration is, and a slot's name stands for its data
    return new.identity == old.identity if known else (new.case, new.tags) == (old.case, old.tags)


def check_versions(run: Sequence[PlannedCase]) -> None:
    """Make sure that no model has run a case with two versions of its perturbation or data.

    Args:
        run: Cases that were run.

    Raises:
        StoreError: If one has.
    """
    known: dict[tuple[object, ...], PlannedCase] = {}
    for case in run:
        other = known.setdefault((case.suite, case.model_key, case.identity), case)
        if other.case_key != case.case_key:
            raise StoreError(
                f"{case.case} of {case.model} in {case.suite} was run with two versions of the perturbation or of the "
                f"data ({other.case_key} and {case.case_key}), which do not belong into one table; run it again where "
                "it is out of date, or report the folders apart"
            )
