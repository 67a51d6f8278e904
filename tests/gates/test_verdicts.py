"""What is said of one number."""

from math import nan

import pytest

from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.verdicts import NOWHERE, judged, verdict
from robustbench_vit.metrics.intervals import Estimate

RULE = parse_rule("top1 >= -0.02")


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-0.1, -0.05, "failed"),
        (-0.1, -0.02, "not told apart"),
        (-0.1, 0.1, "not told apart"),
        (-0.02, 0.1, "met"),
        (nan, 0.1, "no number"),
        (-0.1, nan, "no number"),
    ],
)
def test_where_the_interval_lies(low, high, outcome):
    """An end that touches the bound is still on the good side of it; NaN is on neither."""
    assert outcome == judged(RULE, Estimate((low + high) / 2, low, high, 400))
    mirrored = {"top1 <= +0.02": judged(parse_rule("top1 <= +0.02"), Estimate(-(low + high) / 2, -high, -low, 400))}
    assert {"top1 <= +0.02": outcome} == mirrored


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.1), (-0.1, -0.05), (0.0, 0.1)])
def test_strict_rules_look_at_the_number_alone(low, high):
    """Wherever its interval lies, and whether there is one."""
    rule = parse_rule("top1 >= -0.02", strict=True)

    assert ["failed", "met"] == [judged(rule, Estimate(value, low, high, 9)) for value in (-0.021, -0.02)]
    assert (
        "the rule is top1 >= -0.02 (strict)" in verdict(rule, "a", NOWHERE, Estimate(0, low, high, 9), "rate").sentence
    )
    assert ["no number", "met"] == [judged(rule, Estimate(value, nan, nan, 9)) for value in (nan, 0.5)]


@pytest.mark.parametrize(
    ("value", "detectable", "noted"), [(0.0, 0.03, True), (0.0, 0.01, False), (-0.5, 0.03, False), (0.0, nan, False)]
)
def test_a_loss_that_may_pass_unseen(value, detectable, noted):
    """Is noted where the gate passes and the images would not show the tolerance."""
    found = verdict(RULE, "zoo:a", NOWHERE, Estimate(value, value, value, 400), "rate", "slow", detectable)

    assert noted is ("may pass unseen" in found.warning)
    assert found.warning.endswith("slow")
