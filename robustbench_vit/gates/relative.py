"""Rules about the difference to a base: ``mce <= +1.0``, always on the images that both have seen."""

from collections.abc import Iterator, Mapping, Sequence

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.comparison import AGGREGATED
from robustbench_vit.aggregates.difference import Comparison, Difference
from robustbench_vit.aggregates.groups import split
from robustbench_vit.aggregates.references import AlexNet
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.gates.apart import alone, same
from robustbench_vit.gates.missing import ended, listed, missing_rows
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.sides import Side
from robustbench_vit.gates.subjects import Origin, Subject, selected
from robustbench_vit.gates.verdicts import Verdict, verdict, without
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.metrics.intervals import Estimate

COMPARED = ("top1", "robust_accuracy", *AGGREGATED)
"""Metrics that differences are known of; of attacks ``robust_accuracy``, of other cases ``top1``."""

FEWEST = 6
"""Images that may show a difference: where all of five change sides, McNemar's exact test says p = 2 / 2⁵ = 0.0625."""


def check_relative(rule: Rule) -> None:
    """Make sure that differences of the metric are known.

    Raises:
        SpecError: If not.
    """
    if rule.metric in COMPARED:
        return
    if rule.metric not in {*METRICS.names, *AGGREGATES.names}:
        raise UnknownNameError("metric of a difference", rule.metric, COMPARED)
    raise SpecError(
        f"rule {rule.text!r}: with a sign, {rule.bound:+g} is about the difference to a base, which is known of "
        f"{', '.join(COMPARED)}; a rule about {rule.metric} itself has no sign"
    )


def relative(rule: Rule, run: Side, base: Side, comparison: Comparison | str) -> Iterator[Verdict]:
    """Hold the differences between two models against a rule.

    Args:
        rule: Relative.
        run: What RUN has of one model.
        base: What BASE has of the one that it is compared with.
        comparison: BASE and RUN, in this order, or why there is none.
    """
    mine, theirs = ([one for one in selected(rule, side.subjects) if _has(one, rule.metric)] for side in (run, base))
    known = _by_origin(comparison)
    for one, other in ((one, other) for one in mine for other in theirs if same(one, other)):
        reason = _incomplete(one, run) or _incomplete(other, base)
        found = [] if reason else known.get((rule.metric, one.origin), [])
        if not found:
            none = comparison if isinstance(comparison, str) else _unknown(rule, one)
            yield without(rule, run.model, reason or none, one.origin)
        images = min(case.n for case in (*one.members, *other.members))
        yield from (_verdict(rule, run.model, one, row, images) for row in found)
    for reason, one in alone(mine, theirs).items():
        yield without(rule, run.model, reason, one.origin)


def _has(subject: Subject, metric: str) -> bool:
    """Whether there is a difference of the metric, as far as the plan tells."""
    case = subject.case
    if metric in {"top1", "robust_accuracy"}:
        return metric == case.accuracy
    if metric == "robust_auc":
        return bool(case.threat and case.threat.grid)
    return not (subject.kind == "family" and len(subject.members) == 1)  # the case itself says as much


def _by_origin(comparison: Comparison | str) -> Mapping[tuple[str, Origin], Sequence[Difference]]:
    rows = () if isinstance(comparison, str) else comparison.rows
    return split(rows, lambda row: (row.metric, Origin.of(row)))


def _incomplete(subject: Subject, side: Side) -> str:
    """Why one side has no such number, or nothing."""
    if subject.group.wants_clean:
        return f"{side.word} has no clean case with the same data, geometry, labels, seed and dtype"
    missing = listed([*ended(subject.members), *subject.group.absent]) or missing_rows(subject, side.short)
    return f"in {side.word} {missing}" if missing else ""


def _unknown(rule: Rule, subject: Subject) -> str:
    """Why a complete group has no difference."""
    compares = rule.metric in AGGREGATES.names and AGGREGATES[rule.metric].compares
    return (AlexNet().why_not(subject.members) if compares else "") or "the comparison has no such number"


def _verdict(rule: Rule, model: str, subject: Subject, row: Difference, images: int) -> Verdict:
    if reason := row.reason or _unlike(row, images) or _too_few(rule, row):
        return without(rule, model, reason, subject.origin)
    found = Estimate(row.difference, row.low, row.high, row.n)
    return verdict(rule, model, subject.origin, found, row.unit, row.warning, row.detectable)


def _unlike(row: Difference, images: int) -> str:
    """What to say where two models ran the same case on other images, or nothing."""
    if row.n == images:
        return ""
    return f"RUN and BASE share {row.n:,} images and not {images:,}: their rows are of others; run the same on both"


def _too_few(rule: Rule, row: Difference) -> str:
    """What to say where no interval can be trusted, or nothing; a strict rule asks for none."""
    if row.n >= FEWEST or rule.strict:
        return ""
    return f"too few images to show any difference: {row.n}, and it takes {FEWEST} at least"
