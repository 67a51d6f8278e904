"""Bounds that no number can break, or none can keep, are most often written in the wrong unit."""

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.errors import SpecError
from robustbench_vit.gates.rules import Rule
from robustbench_vit.metrics.catalog import METRICS


def check_bound(rule: Rule) -> None:
    """Make sure that the bound of a rate is one.

    Of a difference, ±1 is refused as well: it is met whatever happens, and most likely a percentage point.

    Raises:
        SpecError: If a rate is held against more than 1, or a difference of rates against 1 or more.
    """
    if _unit(rule.metric) != "rate":
        return
    if rule.relative and abs(rule.bound) >= 1:
        lie, hint = "differences of rates lie between -1 and +1", f"{rule.bound / 100:+g}"
    elif rule.bound > 1:
        lie, hint = "rates lie in [0,1]", f"{rule.bound / 100:g}"
    else:
        return
    raise SpecError(f"rule {rule.text!r}: {rule.metric} is a rate, and {lie}; did you mean {hint}?")


def _unit(metric: str) -> str:
    """Unit of a metric or aggregate; empty for a figure that a perturbation reports."""
    known = METRICS if metric in METRICS.names else AGGREGATES
    return known[metric].unit if metric in known.names else ""
