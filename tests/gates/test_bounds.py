"""Bounds in the unit of the metric."""

import pytest

from robustbench_vit.errors import SpecError
from robustbench_vit.gates.bounds import check_bound
from robustbench_vit.gates.rules import parse_rule


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ("top1 >= -2", "-0.02"),
        ("top1 >= -1", "-0.01"),
        ("top1 <= +1", "+0.01"),
        ("family_accuracy >= -2.0", "-0.02"),
        ("auc[patchdrop] >= -1.5", "-0.015"),
        ("top1[clean] <= 60", "0.6"),
        ("top1[clean] >= 99.5", "0.995"),
        ("ece15 <= 5", "0.05"),
    ],
)
def test_points_are_no_rates(rule, meant):
    """A rule that is met whatever happens, or never, is none; the message says what was meant."""
    with pytest.raises(SpecError, match=r"rates lie .*did you mean") as error:
        check_bound(parse_rule(rule))

    assert f"did you mean {meant}?" in str(error.value)


@pytest.mark.parametrize(
    "rule",
    ["top1 >= -0.99", "top1 >= 1", "top1 >= 0", "mce <= +1.0", "mce <= 90", "relative_mce <= +5", "nll <= 3",
     "relative_robustness >= 1.1", "rms <= 255", "nobody_knows >= -7"],
)  # fmt: skip
def test_what_may_be_a_bound(rule):
    """Rates, and whatever is none: percent of a reference, nats, ratios, and figures of perturbations."""
    check_bound(parse_rule(rule))
