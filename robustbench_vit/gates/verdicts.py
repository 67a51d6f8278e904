"""What a gate says of one number."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal, NamedTuple, TypeAlias

from robustbench_vit.aggregates.catalog import PERCENT
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.subjects import Subject
from robustbench_vit.records import PlannedCase

Outcome: TypeAlias = Literal["met", "not told apart", "failed", "no number"]
"""The whole interval is on the good side of the bound; it holds the bound; it is on the bad side; there is none."""


class Place(NamedTuple):
    """Which number of a model.

    Args:
        case: Case, curve, family or grid, as in tables; empty if nothing was found.
        suite: ``name@version``.
        data: Display spec of the data set.
        settings: Seed and dtype, in words.
    """

    case: str = ""
    suite: str = ""
    data: str = ""
    settings: str = ""


NOWHERE = Place()
"""Nothing was found."""


@dataclass(frozen=True)
class Verdict:
    """One rule and one number of one model.

    Args:
        rule: The rule.
        model: Display name of the model of RUN.
        outcome: See `Outcome`; of a strict rule, ``met`` or ``failed`` by the value alone.
        place: What it is of.
        value: Of an absolute rule the number itself, else the difference RUN − BASE.
        low: Lower end of its 95 % interval.
        high: Upper end.
        n: Images behind it; of a difference, those that both have seen.
        detectable: Of a difference, the smallest that so many images show with power 0.8; else NaN.
        unit: Of value and bound.
        reason: Why there is no number, else empty.
        warning: What to bear in mind, else empty.
    """

    rule: Rule
    model: str
    outcome: Outcome
    place: Place = NOWHERE
    value: float = nan
    low: float = nan
    high: float = nan
    n: int = 0
    detectable: float = nan
    unit: str = ""
    reason: str = ""
    warning: str = ""

    @property
    def passed(self) -> bool:
        """Whether the gate stays open."""
        return self.outcome in {"met", "not told apart"}

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        about = " ".join(word for word in (self.rule.metric, self.place.case and f"of {self.place.case}") if word)
        if self.outcome == "no number":
            return f"{self.model}: no {about}: {self.reason}"
        what = "changed by" if self.rule.relative else "is"
        return (
            f"{self.model}: {about} {what} {self.written(self.value)} "
            f"[{self.written(self.low)}, {self.written(self.high)}] on {self.n:,} images; the rule is {self.rule.text}"
        )

    def written(self, value: float) -> str:
        """A value in the unit that bounds have, a difference with its sign."""
        if isnan(value):
            return "–"
        return f"{value:{'+' if self.rule.relative else ''}.{2 if self.unit == PERCENT else 4}f}"


def judged(rule: Rule, value: float, low: float, high: float) -> Outcome:
    """Hold a number and its interval against the bound of a rule.

    Only an interval that lies on the bad side as a whole fails, so that a number which is exactly at the bound fails in
    2.5 % of runs: the other 2.5 % of a 95 % interval miss on the good side.

    Args:
        rule: The rule.
        value: The number, or the difference.
        low: Lower end of its interval, at most ``value``.
        high: Upper end.
    """
    if isnan(value) or isnan(low) or isnan(high):
        return "no number"
    if rule.strict:
        return "met" if rule.keeps(value) else "failed"
    best, worst = (low, high) if rule.at_most else (high, low)
    return "met" if rule.keeps(worst) else "not told apart" if rule.keeps(best) else "failed"


def without(rule: Rule, model: str, reason: str, place: Place = NOWHERE) -> Verdict:
    """A verdict where there is no number: the rule is not kept."""
    return Verdict(rule, model, "no number", place, reason=reason)


def place_of(subject: Subject, category: str = "") -> Place:
    """What tables call a subject, or one class of its images."""
    case = subject.case
    name = f"{subject.name}, {category}" if category else subject.name
    return Place(name, case.suite, case.data, f"seed {case.seed}, {case.dtype}")


def ended(cases: Sequence[PlannedCase]) -> list[str]:
    """How those of the cases ended that are not done."""
    return [
        f"{case.case} is {case.status}{f' ({case.reason})' if case.reason else ''}"
        for case in cases
        if case.status != "done"
    ]
