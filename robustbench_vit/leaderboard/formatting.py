"""Numbers as people read them."""

from math import isnan

from robustbench_vit.aggregates.catalog import PERCENT
from robustbench_vit.records import Measurement

PERCENT_UNITS = frozenset({"rate", "ratio"})
"""Units shown as percent; inside, rates stay in [0, 1]."""


def number(value: float, unit: str) -> str:
    """A value as people read it: percent with one decimal, all else with three; what rounds to nothing has no sign.

    Example:
        >>> number(0.7132, "rate"), number(1.23456, "nats")
        ('71.3', '1.235')
    """
    if isnan(value):
        return "–"
    if unit == PERCENT:
        return f"{value:z.1f}"
    return f"{100 * value:z.1f}" if unit in PERCENT_UNITS else f"{value:z.3f}"


def interval(measurement: Measurement) -> str:
    """The interval as people read it, or nothing."""
    if isnan(measurement.value) or isnan(measurement.low):
        return ""
    return f"[{number(measurement.low, measurement.unit)}, {number(measurement.high, measurement.unit)}]"


def spread(measurement: Measurement) -> str:
    """The standard deviation between seeds as people read it, or nothing."""
    return "" if isnan(measurement.seed_sd) else f"± {number(measurement.seed_sd, measurement.unit)}"


def speed(value: float) -> str:
    """A throughput to two digits: the machine decides about the others.

    Example:
        >>> speed(350.94), speed(6.04), speed(0.512)
        ('350', '6', '0.51')
    """
    return f"{float(f'{value:.2g}'):,g}"
