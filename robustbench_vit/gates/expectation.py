"""Rules that stand at a case of a suite: ``@pytest.mark.expect("top1 >= 0.6")``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from robustbench_vit.errors import SpecError
from robustbench_vit.gates.rules import Rule, parse_rule
from robustbench_vit.records import PlannedCase

if TYPE_CHECKING:  # pandas is for those who measure; a pytest session that runs no suite reads marks only
    import pandas as pd

    from robustbench_vit.gates.absolute import Measured
    from robustbench_vit.gates.verdicts import Verdict

MARK = "expect"
"""Name of the mark."""

REGISTERED = (
    f"{MARK}(*rules, strict=False): what a case of a suite must come to, e.g. 'top1 >= 0.6'; it fails if the whole "
    "95 % interval lies beyond the bound, and if strict, if the number does"
)
"""Line for pytest's list of marks."""


class Mark(Protocol):
    """What is read of a mark of pytest."""

    @property
    def args(self) -> tuple[Any, ...]:
        """Its positional arguments."""

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """Its keyword arguments."""


def expected(marks: Iterable[Mark]) -> tuple[Rule, ...]:
    """The rules of marks.

    Raises:
        SpecError: If an argument is no rule, or one that a case by itself cannot be held to.
    """
    return tuple(rule for mark in marks for rule in _rules(mark))


def _rules(mark: Mark) -> list[Rule]:
    if not mark.args or not all(isinstance(text, str) for text in mark.args):
        raise SpecError(f"pytest.mark.{MARK} takes rules such as 'top1 >= 0.6', got {mark.args!r}")
    strict = mark.kwargs.get("strict", False)
    if set(mark.kwargs) - {"strict"} or not isinstance(strict, bool):
        raise SpecError(f"pytest.mark.{MARK} takes strict=True or strict=False beside rules, got {dict(mark.kwargs)!r}")
    return [_checked(parse_rule(text, strict=strict)) for text in mark.args]


def _checked(rule: Rule) -> Rule:
    from robustbench_vit.gates.bounds import check_bound

    if rule.relative:
        raise SpecError(
            f"rule {rule.text!r} is about the difference to a base, which a suite does not have; leave the sign out, "
            "or use `robustbench-vit gate RUN --against BASE`"
        )
    if rule.selector:
        raise SpecError(
            f"rule {rule.text!r}: an expectation is about the case it stands at, so leave [{rule.selector.text}] out; "
            f"for one case of several use pytest.param(…, marks=pytest.mark.{MARK}(…))"
        )
    check_bound(rule)
    return rule


def measured_models(
    plan: Sequence[PlannedCase], rows: "Callable[[PlannedCase], pd.DataFrame]"
) -> "dict[str, Measured]":
    """Measure each model of a run, once for all expectations.

    Args:
        plan: How all cases of the run ended.
        rows: Gives the per-sample rows of a case.

    Returns:
        By model key.
    """
    from robustbench_vit.aggregates.groups import split
    from robustbench_vit.aggregates.references import AlexNet
    from robustbench_vit.aggregates.scored import score_case
    from robustbench_vit.gates.absolute import measured

    return {
        key: measured(cases[0].model, cases, lambda case: score_case(case, rows), AlexNet())
        for key, cases in split(plan, lambda case: case.model_key).items()
    }


def unmet(rules: Sequence[Rule], records: Sequence[PlannedCase], known: "Mapping[str, Measured]") -> "list[Verdict]":
    """Which expectations of a case are not met.

    Args:
        rules: What stands at the case.
        records: How it ended for each model; what was skipped or failed has nothing to expect of.
        known: As `measured_models` gives it.
    """
    from robustbench_vit.gates.absolute import absolute
    from robustbench_vit.gates.verdicts import without

    found: list[Verdict] = []
    for record in (one for one in records if rules and one.status not in {"skipped", "failed"}):
        own = known[record.model_key]
        for rule in rules:
            verdicts = list(absolute(rule, own, about={record.case_key}))
            nothing = without(
                rule, own.model, f"{record.case} has no such number; it is part of {_listed(own, record)}"
            )
            found += [verdict for verdict in verdicts or [nothing] if not verdict.passed]
    return found


def unmet_in(
    asked: Iterable[tuple[Sequence[Rule], Sequence[PlannedCase]]],
    plan: Sequence[PlannedCase],
    rows: "Callable[[PlannedCase], pd.DataFrame]",
) -> "list[Verdict]":
    """Which expectations of a whole run are not met; nothing is read where there are none.

    Args:
        asked: What stands at each case, and how the case ended for each model.
        plan: How all cases of the run ended.
        rows: Gives the per-sample rows of a case.
    """
    wanted = [(rules, records) for rules, records in asked if rules]
    known = measured_models(plan, rows) if wanted else {}
    return [verdict for rules, records in wanted for verdict in unmet(rules, records, known)]


def _listed(known: "Measured", record: PlannedCase) -> str:
    """Metrics that the case is part of."""
    about = [subject for subject in known.subjects if record.case_key in subject.keys]
    return ", ".join(sorted({metric for metric in known.metrics for one in about if known.of(metric, one)}))
