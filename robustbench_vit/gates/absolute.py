"""Rules about a number itself: ``top1[clean] >= 0.6``."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.groups import split
from robustbench_vit.aggregates.references import Reference
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.aggregates.scoring import judge
from robustbench_vit.gates.missing import ended, is_short, missing_rows
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.subjects import Kind, Origin, Subject, kind_of, selected, subjects
from robustbench_vit.gates.verdicts import Verdict, verdict, without
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.metrics.intervals import Estimate
from robustbench_vit.records import Measurement, PlannedCase


@dataclass(frozen=True)
class Measured:
    """The numbers of one model.

    Args:
        model: Its display name.
        subjects: What they are about.
        numbers: Measurements by metric, by what they are about, and by where they come from.
        short: Cases that are called done and have fewer rows than they should.
    """

    model: str
    subjects: Sequence[Subject]
    numbers: Mapping[tuple[str, Kind, Origin], Sequence[Measurement]]
    short: Collection[PlannedCase]

    @property
    def metrics(self) -> set[str]:
        """Names of all metrics there are numbers of."""
        return {metric for metric, _, _ in self.numbers}

    def of(self, metric: str, subject: Subject) -> Sequence[Measurement]:
        """The measurements of a metric; several where there is one a class."""
        return self.numbers.get((metric, kind_of(metric), subject.origin), ())


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
    read = {case: scored(case) for case in cases}
    numbers = split(judge(read, reference), lambda row: (row.metric, kind_of(row.metric), Origin.of(row)))
    short = {case for case, found in read.items() if is_short(found)}
    return Measured(model, subjects(cases), numbers, short)


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
        if not found and (reason := _absent(known, subject)):
            yield without(rule, known.model, reason, subject.origin)
        for row in found:
            yield _verdict(rule, known, subject, row)


def _verdict(rule: Rule, known: Measured, subject: Subject, row: Measurement) -> Verdict:
    origin = subject.origin
    if row.category:
        origin = origin._replace(case=f"{origin.case}, {row.category}")
    if reason := _why_not(known, subject, row):
        return without(rule, known.model, reason, origin)
    found = Estimate(row.value, row.low, row.high, row.n)
    warning = "; ".join(text for text in (_fewer(rule, subject, row), row.warning) if text)
    return verdict(rule, known.model, origin, found, row.unit, warning)


def _why_not(known: Measured, subject: Subject, row: Measurement) -> str:
    """Why a number must not be judged, or nothing."""
    unended = "" if row.status == "done" else _absent(known, subject) or f"it is {row.status}"
    return missing_rows(subject, known.short) or row.reason or unended


def _absent(known: Measured, subject: Subject) -> str:
    """What is not there of a subject, or nothing."""
    return missing_rows(subject, known.short) or "; ".join(ended(subject.members))


def _fewer(rule: Rule, subject: Subject, row: Measurement) -> str:
    """What to say of a figure that a perturbation reports for some images only."""
    if rule.metric in {*METRICS.names, *AGGREGATES.names} or row.n == subject.case.n:
        return ""
    return f"{rule.metric} is a finite number for {row.n:,} of {subject.case.n:,} images only"
