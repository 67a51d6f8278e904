"""What a gate says of one number."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal, TypeAlias

from robustbench_vit.aggregates.catalog import PERCENT
from robustbench_vit.aggregates.measuring import NOTHING
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.subjects import Origin
from robustbench_vit.metrics.intervals import Estimate

Outcome: TypeAlias = Literal["met", "not told apart", "failed", "no number"]
"""The whole interval is on the good side of the bound; it holds the bound; it is on the bad side; there is none."""

NOWHERE = Origin()
"""Nothing was found."""


@dataclass(frozen=True)
class Verdict:
    """One rule and one number of one model.

    Args:
        rule: The rule.
        model: Display name of the model of RUN, or of the one of BASE that RUN does not have.
        outcome: See `Outcome`; of a strict rule, ``met`` or ``failed`` by the value alone.
        origin: What the number is of.
        found: Of an absolute rule the number itself, else the difference RUN − BASE, with its 95 % interval and the
            images behind it; of a difference, those that both have seen.
        unit: Of value and bound.
        detectable: Of a difference, the smallest that so many images show with power 0.8; else NaN.
        reason: Why there is no number, else empty.
        warning: What to bear in mind, else empty.
    """

    rule: Rule
    model: str
    outcome: Outcome
    origin: Origin = NOWHERE
    found: Estimate = NOTHING
    unit: str = ""
    detectable: float = nan
    reason: str = ""
    warning: str = ""

    @property
    def passed(self) -> bool:
        """Whether the gate stays open."""
        return self.outcome in {"met", "not told apart"}

    def where(self, told: Sequence[str] = ("data",)) -> str:
        """Case and these fields of its origin in words, see `telling`; empty if nothing was found."""
        return f"{self.origin.case} ({', '.join(self.origin.told(told))})" if self.origin.case else ""

    def sentence(self, told: Sequence[str] = ("data",)) -> str:
        """What was found, in words, and where as `where` says it."""
        where = self.where(told)
        about = f"{self.rule.metric} of {where}" if where else self.rule.metric
        if self.outcome == "no number":
            return f"{self.model}: no {about}: {self.reason}"
        what = "changed by" if self.rule.relative else "is"
        found = f"{self.written(self.found.value)} {self.interval} on {self.found.n:,} images"
        return f"{self.model}: {about} {what} {found}; the rule is {self.rule.said}"

    @property
    def interval(self) -> str:
        """The interval in brackets."""
        return f"[{self.written(self.found.low)}, {self.written(self.found.high)}]"

    def written(self, value: float) -> str:
        """A value in the unit that bounds have, a difference with its sign; what rounds to zero is +0, never -0."""
        if isnan(value):
            return "–"
        return f"{value:{'+' if self.rule.relative else ''}z.{2 if self.unit == PERCENT else 4}f}"


def telling(verdicts: Sequence[Verdict], always: Sequence[str] = ("data",)) -> list[str]:
    """Which fields of origins tell verdicts apart: some always, others where verdicts differ in them."""
    there = [verdict.origin for verdict in verdicts if verdict.origin.case]
    values = {name: {getattr(origin, name) for origin in there} - {""} for name in Origin._fields if name != "case"}
    return [name for name, found in values.items() if name in always or len(found) > 1]


def verdict(
    rule: Rule,
    model: str,
    origin: Origin,
    found: Estimate,
    unit: str,
    warning: str = "",
    detectable: float = nan,
) -> Verdict:
    """Hold a number against the bound of a rule; the arguments are those of `Verdict`."""
    outcome = judged(rule, found)
    reason = _unknown(found) if outcome == "no number" else ""
    blind = "" if outcome == "failed" else _blind(rule, found.n, detectable)
    said = "; ".join(text for text in (blind, warning) if text)
    return Verdict(rule, model, outcome, origin, found, unit, detectable, reason, said)


def without(rule: Rule, model: str, reason: str, origin: Origin = NOWHERE) -> Verdict:
    """A verdict where there is no number: the rule is not kept."""
    return Verdict(rule, model, "no number", origin, reason=reason)


def judged(rule: Rule, found: Estimate) -> Outcome:
    """On which side of the bound of a rule a number and its interval lie.

    Only an interval that lies on the bad side as a whole fails, so that a number which is exactly at the bound fails in
    2.5 % of runs: the other 2.5 % of a 95 % interval miss on the good side.
    """
    if isnan(found.value) or (any(map(isnan, found)) and not rule.strict):
        return "no number"
    if rule.strict:
        return "met" if rule.keeps(found.value) else "failed"
    best, worst = (found.low, found.high) if rule.at_most else (found.high, found.low)
    return "met" if rule.keeps(worst) else "not told apart" if rule.keeps(best) else "failed"


def _unknown(found: Estimate) -> str:
    if isnan(found.value):
        return "it is not a number"
    return f"its interval is not known, only {found.value:.4g} on {found.n:,} images; a strict rule asks for none"


def _blind(rule: Rule, n: int, detectable: float) -> str:
    """What to say where n images cannot show a difference as large as the tolerance, or nothing."""
    if not rule.bound or not detectable > abs(rule.bound):
        return ""
    return (
        f"the smallest difference that {n:,} images show, {detectable:.2g}, is above the tolerance of "
        f"{abs(rule.bound):g}: a loss may pass unseen; take more images"
    )
