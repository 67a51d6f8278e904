"""What is said of one number."""

from dataclasses import replace
from math import nan

import pytest

from robustbench_vit.aggregates.catalog import PERCENT
from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.subjects import Origin
from robustbench_vit.gates.verdicts import NOWHERE, Verdict, judged, telling, verdict
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
        "the rule is top1 >= -0.02 (strict)"
        in verdict(rule, "a", NOWHERE, Estimate(0, low, high, 9), "rate").sentence()
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


@pytest.mark.parametrize(
    ("rule", "unit", "value", "text"),
    [
        ("top1 >= -0.02", "rate", -4e-17, "+0.0000"),
        ("top1 >= 0.6", "rate", -0.0, "0.0000"),
        ("mce <= +1.0", PERCENT, -0.004, "+0.00"),
        ("top1 >= -0.02", "rate", -0.0001, "-0.0001"),
    ],
)
def test_no_negative_zero(rule, unit, value, text):
    """What rounds to zero says nothing of a side."""
    assert text == Verdict(parse_rule(rule), "zoo:a", "met", unit=unit).written(value)


def test_what_tells_verdicts_apart():
    """Data always; seed and suite where they differ; nothing of what was not found."""
    one = Verdict(RULE, "zoo:a", "met", Origin("clean", "demo@1", "shapetex", "none", 0, "fp32"))
    other = replace(one, origin=one.origin._replace(seed=1, suite="more@1"))
    lost = Verdict(RULE, "zoo:a", "no number", NOWHERE)

    assert ["data"] == telling([one, one, lost])
    assert ["suite", "data"] == telling([one], always=("suite", "data"))
    assert ["suite", "data", "seed"] == telling([one, other, lost])
    assert "clean (more@1, shapetex, seed 1)" == other.where(telling([one, other]))
    assert "" == lost.where(telling([one, other]))
