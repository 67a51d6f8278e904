"""What is not there: cases that did not end well, and rows that are not where their cases say."""

from collections.abc import Collection, Iterable, Sequence

from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.gates.subjects import Subject
from robustbench_vit.records import PlannedCase

_NAMED = 4  # cases a reason names before it counts the rest


def ended(cases: Iterable[PlannedCase]) -> list[str]:
    """How those of the cases ended that are not done."""
    return [
        f"{case.case} is {case.status}{f' ({case.reason})' if case.reason else ''}"
        for case in cases
        if case.status != "done"
    ]


def is_short(scored: Scored) -> bool:
    """Whether a case is called done and has fewer rows than it should."""
    return scored.settled.status != scored.case.status


def missing_rows(subject: Subject, short: Collection[PlannedCase]) -> str:
    """Which of these cases a subject is over, in words, or nothing."""
    named = [case.case for case in subject.members if case in short]
    told = f"rows are missing of {listed(named)}; run the same command again, or copy the folder as a whole"
    return told if named else ""


def listed(names: Sequence[str]) -> str:
    """Names with commas, the first few."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
