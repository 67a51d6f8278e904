"""What is not done, and why: each reason once, with all the cases and models it is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.records import Measurement

_UNFINISHED = "the run was not finished"


@dataclass(frozen=True)
class Problem:
    """Cases of models that ended alike.

    Args:
        status: ``failed``, ``skipped`` or ``partial``.
        place: Suite and data set.
        models: Whose they are.
        cases: Display specs of the cases.
        reason: Why.
    """

    status: str
    place: str
    models: tuple[str, ...]
    cases: tuple[str, ...]
    reason: str


def problems(sections: Sequence[Section]) -> list[Problem]:
    """All that is not done, failures first."""
    found = [problem for section in sections for problem in _grouped(section)]
    return sorted(found, key=lambda problem: ("failed", "partial", "skipped").index(problem.status))


def problems_of(model: str, found: Iterable[Problem]) -> list[Problem]:
    """Those of one model."""
    return [problem for problem in found if model in problem.models]


def _grouped(section: Section) -> list[Problem]:
    """First the models that share a case and a reason, then the cases that share models and reason."""
    models: dict[tuple[str, str, str], dict[str, None]] = {}
    for item in section.problems:
        models.setdefault((item.case, item.status, _reason(item)), {})[item.model] = None
    cases: dict[tuple[tuple[str, ...], str, str], dict[str, None]] = {}
    for (case, status, reason), names in models.items():
        cases.setdefault((tuple(names), status, reason), {})[case] = None
    place = f"{section.suite} on {section.data}"
    return [Problem(status, place, names, tuple(own), reason) for (names, status, reason), own in cases.items()]


def _reason(item: Measurement) -> str:
    return item.reason or _UNFINISHED
