"""Rules about a number itself: ``top1[clean] >= 0.6``."""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.references import Reference
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.aggregates.scoring import judge
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.subjects import Subject, kind_of, selected, subjects
from robustbench_vit.gates.verdicts import Verdict, ended, judged, place_of, without
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement, PlannedCase


@dataclass(frozen=True)
class Measured:
    """The numbers of one model.

    Args:
        model: Its display name.
        subjects: What they are about.
        numbers: Measurements by metric, and by what tells subjects apart.
        short: Cases that are called done and have fewer rows than they should.
    """

    model: str
    subjects: Sequence[Subject]
    numbers: dict[tuple[Hashable, ...], list[Measurement]]
    short: Collection[PlannedCase]

    @property
    def metrics(self) -> set[str]:
        """Names of all metrics there are numbers of."""
        return {str(key[0]) for key in self.numbers}

    def of(self, metric: str, subject: Subject) -> list[Measurement]:
        """The measurements of a metric; several where there is one a class."""
        case = subject.case
        place = (case.suite, subject.name, case.data, case.geometry, case.seed, case.dtype)
        return self.numbers.get((metric, kind_of(metric), *place), [])


def measured(
    model: str, cases: Sequence[PlannedCase], scored: Callable[[PlannedCase], Scored], reference: Reference
) -> Measured:
    """Measure one model.

    Args:
        model: Its display name.
        cases: Its plan.
        scored: Gives a case as it was scored.
        reference: What corruption errors are relative to.

    Raises:
        StoreError: If rows cannot be read, lack a column or hold a sample twice.
    """
    numbers: dict[tuple[Hashable, ...], list[Measurement]] = {}
    for row in judge({case: scored(case) for case in cases}, reference):
        place = (row.suite, row.case, row.data, row.geometry, row.seed, row.dtype)
        numbers.setdefault((row.metric, kind_of(row.metric), *place), []).append(row)
    found = Measured(model, subjects(cases), numbers, set())
    return Measured(model, found.subjects, numbers, {one.case for one in found.subjects if _is_short(found, one)})


def absolute(rule: Rule, known: Measured, about: Collection[str] | None = None) -> Iterator[Verdict]:
    """Hold a model's numbers against a rule.

    Args:
        rule: Not relative.
        known: The numbers.
        about: Keys of cases: only numbers that one of them is part of. None for all.
    """
    for subject in selected(rule, known.subjects):
        if about is not None and subject.keys.isdisjoint(about):
            continue
        found = known.of(rule.metric, subject)
        if not found and any(case.status != "done" for case in subject.members):
            yield without(rule, known.model, "; ".join(ended(subject.members)), place_of(subject))
        for row in found:
            yield _verdict(rule, known, subject, row)


def _verdict(rule: Rule, known: Measured, subject: Subject, row: Measurement) -> Verdict:
    place = place_of(subject, row.category)
    if reason := _why_not(known, subject, row):
        return without(rule, known.model, reason, place)
    outcome = judged(rule, row.value, row.low, row.high)
    return Verdict(
        rule,
        known.model,
        outcome,
        place,
        value=row.value,
        low=row.low,
        high=row.high,
        n=row.n,
        unit=row.unit,
        reason="the value or its interval is not a number" if outcome == "no number" else "",
        warning="; ".join(text for text in (_fewer(rule, subject, row), row.warning) if text),
    )


def _why_not(known: Measured, subject: Subject, row: Measurement) -> str:
    """Why a number must not be judged, or nothing."""
    short = [case.case for case in subject.members if case in known.short]
    if short:
        return f"rows are missing of {', '.join(short)}; run the same command again, or copy the folder as a whole"
    if row.status != "done":
        return row.reason or "; ".join(ended(subject.members)) or f"it is {row.status}"
    return row.reason


def _fewer(rule: Rule, subject: Subject, row: Measurement) -> str:
    """What to say of a figure that a perturbation reports for some images only."""
    if rule.metric in {*METRICS.names, *AGGREGATES.names} or row.n == subject.case.n:
        return ""
    return f"{rule.metric} is a finite number for {row.n:,} of {subject.case.n:,} images only"


def _is_short(known: Measured, subject: Subject) -> bool:
    """Whether fewer images were counted than a case that is done must have."""
    if subject.kind != "own" or subject.case.status != "done":
        return False
    return any(row.n != subject.case.n for row in known.of("top1", subject))
