"""What a run says of the expectations that stand in its suites."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from robustbench_vit.collect import CollectedSuite
from robustbench_vit.gates.expectation import unmet_in
from robustbench_vit.gates.verdicts import Verdict, telling

if TYPE_CHECKING:  # plans are made by what imports torch
    from robustbench_vit.api import Plan


def are_met(console: Console, collected: Sequence[CollectedSuite], plans: "Sequence[Plan]") -> bool:
    """Print a line for each expectation that is not met.

    Args:
        console: Where to.
        collected: The suites.
        plans: What a run of each came to, in the same order.

    Returns:
        Whether all are.
    """
    found = list(_unmet(collected, plans))
    told = telling(found)
    for verdict in found:
        console.print(f"expectation not met: {verdict.sentence(told)}", soft_wrap=True)
    return not found


def _unmet(collected: Sequence[CollectedSuite], plans: "Sequence[Plan]") -> Iterator[Verdict]:
    for suite, plan in zip(collected, plans, strict=True):
        asked = [(rules, plan.of(case)) for case, rules in zip(suite.cases, suite.expected, strict=True)]
        yield from unmet_in(asked, plan.records, plan.store.rows)
