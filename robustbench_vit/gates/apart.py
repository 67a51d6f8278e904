"""Why a number of RUN and one of BASE are not the same number."""

from collections.abc import Sequence

from robustbench_vit.gates.missing import listed
from robustbench_vit.gates.subjects import Subject

_SETTINGS = {"data": "data", "geometry": "geometry", "label_space": "labels", "seed": "seed", "dtype": "dtype"}


def same(one: Subject, other: Subject) -> bool:
    """Whether two subjects are equal in all but the model."""
    return (one.kind, one.name, one.case.suite, one.keys) == (other.kind, other.name, other.case.suite, other.keys)


def alone(run: Sequence[Subject], base: Sequence[Subject]) -> dict[str, Subject]:
    """What one side has and the other has not, by the reason: each is there once.

    Args:
        run: Subjects of RUN.
        base: Subjects of BASE.
    """
    reasons: dict[str, Subject] = {}
    for one in run:
        if not any(same(one, other) for other in base):
            closest = _closest(one, base)
            reasons.setdefault(_differ(one, closest) if closest else _lost(one, "RUN", "BASE"), one)
    for one in base:
        if not any(same(one, other) for other in run):
            closest = _closest(one, run)
            reasons.setdefault(_differ(closest, one) if closest else _lost(one, "BASE", "RUN"), one)
    return reasons


def lost(run: Sequence[Subject], base: Sequence[Subject]) -> dict[str, Subject]:
    """What BASE has and RUN has not in any version or setting, by the reason.

    Args:
        run: Subjects of RUN.
        base: Subjects of BASE.
    """
    there = {(one.kind, one.name, one.case.data) for one in run} | {(one.kind, one.name, one.keys) for one in run}
    return {
        _lost(one, "BASE", "RUN"): one
        for one in base
        if there.isdisjoint({(one.kind, one.name, one.case.data), (one.kind, one.name, one.keys)})
    }


def _lost(one: Subject, word: str, other: str) -> str:
    return f"{other} has no {one.name} of {one.case.suite} on {one.case.data}, {word} has; run the same suite on both"


def _closest(one: Subject, others: Sequence[Subject]) -> Subject | None:
    """The one of the same name that has most in common with it."""
    alike = [other for other in others if (other.kind, other.name) == (one.kind, one.name)]
    return max(alike, key=lambda other: (_suite(other) == _suite(one), len(one.keys & other.keys)), default=None)


def _suite(subject: Subject) -> str:
    return subject.case.suite.partition("@")[0]


def _differ(run: Subject, base: Subject) -> str:
    if run.case.suite != base.case.suite:
        return (
            f"RUN has {run.name} of {run.case.suite}, BASE of {base.case.suite}: numbers of two suites, or of two "
            "versions of one, are not compared; run the same suite on both"
        )
    differ = [
        f"{word} {getattr(run.case, name)} in RUN and {getattr(base.case, name)} in BASE"
        for name, word in _SETTINGS.items()
        if getattr(run.case, name) != getattr(base.case, name)
    ]
    lacks = [_lacking(run, base, "RUN"), _lacking(base, run, "BASE")]
    found = [text for text in (*differ, *lacks) if text]
    return f"{run.name} is not the same on both: " + (
        "; ".join(found) or "the images, or the version of a perturbation, have changed; run both with this version"
    )


def _lacking(one: Subject, other: Subject, word: str) -> str:
    mine = {case.case for case in one.members}
    lacking = [case.case for case in other.members if case.case not in mine]
    return f"{word} lacks {listed(lacking)}" if lacking else ""
