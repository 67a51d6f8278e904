"""Rules about the difference to a base: ``mce <= +1.0``, always on the images that both have seen."""

from collections.abc import Hashable, Iterator, Sequence
from math import isnan

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.comparison import AGGREGATED
from robustbench_vit.aggregates.difference import Comparison, Difference
from robustbench_vit.aggregates.references import AlexNet
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.subjects import Subject, selected
from robustbench_vit.gates.verdicts import Verdict, ended, judged, place_of, without
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.metrics.detectable import detectable_difference

COMPARED = ("top1", "robust_accuracy", *AGGREGATED)
"""Metrics that differences are known of; of attacks ``robust_accuracy``, of other cases ``top1``."""

_NAMED = 4  # cases a reason names before it counts the rest
_SETTINGS = {"data": "data", "geometry": "geometry", "label_space": "labels", "seed": "seed", "dtype": "dtype"}


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


def relative(
    rule: Rule, model: str, mine: Sequence[Subject], theirs: Sequence[Subject], comparison: Comparison | str
) -> Iterator[Verdict]:
    """Hold the differences between two models against a rule.

    Args:
        rule: Relative.
        model: Display name of the model of RUN.
        mine: What RUN's numbers are about.
        theirs: What BASE's numbers are about.
        comparison: BASE and RUN, in this order, or why there is none.
    """
    run, base = ([one for one in selected(rule, found) if _has(one, rule.metric)] for found in (mine, theirs))
    known, none = _by_place(comparison), comparison if isinstance(comparison, str) else ""
    reasons: dict[str, Verdict] = {}
    for one in run:
        partner = next((other for other in base if _same(one, other)), None)
        if partner is None:
            reason = _apart(one, base, mine_is_run=True)
            reasons.setdefault(reason, without(rule, model, reason, place_of(one)))
            continue
        yield from _compared(rule, model, one, partner, known, none)
    for other in base:
        if not any(_same(one, other) for one in run):
            reason = _apart(other, run, mine_is_run=False)
            reasons.setdefault(reason, without(rule, model, reason, place_of(other)))
    yield from reasons.values()


def _has(subject: Subject, metric: str) -> bool:
    """Whether there is a difference of the metric, as far as the plan tells."""
    case = subject.case
    if metric in {"top1", "robust_accuracy"}:
        return (case.threat is not None) == (metric == "robust_accuracy")
    if metric == "robust_auc":
        return bool(case.threat and case.threat.grid)
    return not (subject.kind == "family" and len(subject.members) == 1)  # the case itself says as much


def _same(one: Subject, other: Subject) -> bool:
    return (one.kind, one.name, one.case.suite, one.keys) == (other.kind, other.name, other.case.suite, other.keys)


def _compared(
    rule: Rule, model: str, mine: Subject, theirs: Subject, known: dict[Hashable, list[Difference]], none: str
) -> Iterator[Verdict]:
    incomplete = _incomplete(mine, "RUN") or _incomplete(theirs, "BASE")
    found = [] if incomplete else known.get(_place(rule.metric, theirs), [])
    if not found:
        yield without(rule, model, incomplete or none or _unknown(rule, theirs), place_of(mine))
    for row in found:
        yield _verdict(rule, model, mine, row, min(case.n for case in (*mine.members, *theirs.members)))


def _incomplete(subject: Subject, word: str) -> str:
    """Why one side has no such number, or nothing."""
    if subject.group.wants_clean:
        return f"{word} has no clean case with the same data, geometry, labels, seed and dtype"
    missing = [*ended(subject.members), *subject.group.absent]
    return f"in {word} {_listed(missing)}" if missing else ""


def _unknown(rule: Rule, subject: Subject) -> str:
    """Why a complete group has no difference."""
    compares = rule.metric in AGGREGATES.names and AGGREGATES[rule.metric].compares
    return (AlexNet().why_not(subject.members) if compares else "") or "the comparison has no such number"


def _verdict(rule: Rule, model: str, subject: Subject, row: Difference, images: int) -> Verdict:
    if row.reason or row.n != images:
        short = f"RUN and BASE share {row.n:,} images and not {images:,}: rows are missing; run the same command again"
        return without(rule, model, row.reason or short, place_of(subject))
    outcome = judged(rule, row.difference, row.low, row.high)
    return Verdict(
        rule,
        model,
        outcome,
        place_of(subject),
        value=row.difference,
        low=row.low,
        high=row.high,
        n=row.n,
        detectable=row.detectable,
        unit=row.unit,
        reason="the difference or its interval is not a number" if outcome == "no number" else "",
        warning="; ".join(text for text in ("" if outcome == "failed" else _blind(rule, row), row.warning) if text),
    )


def _blind(rule: Rule, row: Difference) -> str:
    """What to say where these images cannot show a difference as large as the tolerance, or nothing."""
    if isnan(detectable_difference(row.n, 0.0)):
        return f"{row.n} images are too few to show any difference"
    if rule.bound and row.detectable > abs(rule.bound):
        return (
            f"the smallest difference that {row.n:,} images show, {row.detectable:.2g}, is above the tolerance of "
            f"{abs(rule.bound):g}: a loss may pass unseen; take more images"
        )
    return ""


def _apart(one: Subject, others: Sequence[Subject], *, mine_is_run: bool) -> str:
    """Why the other side has no equal of a subject. Said of either side, the words are the same."""
    word, other_word = ("RUN", "BASE") if mine_is_run else ("BASE", "RUN")
    alike = [other for other in others if (other.kind, other.name) == (one.kind, one.name)]
    if not alike:
        return f"{other_word} has no {one.name} of {one.case.suite}, {word} has; run the same suite on both"
    closest = max(alike, key=lambda other: (_suite(other) == _suite(one), len(one.keys & other.keys)))
    run, base = (one, closest) if mine_is_run else (closest, one)
    return _difference(run, base)


def _difference(run: Subject, base: Subject) -> str:
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
    return f"{word} lacks {_listed(lacking)}" if lacking else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _suite(subject: Subject) -> str:
    return subject.case.suite.partition("@")[0]


def _place(metric: str, subject: Subject) -> Hashable:
    case = subject.case
    return (metric, case.suite, subject.name, case.data, case.geometry, case.seed, case.dtype)


def _by_place(comparison: Comparison | str) -> dict[Hashable, list[Difference]]:
    found: dict[Hashable, list[Difference]] = {}
    for row in () if isinstance(comparison, str) else comparison.rows:
        place = (row.metric, row.suite, row.case, row.data, row.geometry, row.seed, row.dtype)
        found.setdefault(place, []).append(row)
    return found
