"""Rules that stand at a case, without pytest around them; with it, see ``tests/test_expectations.py``."""

from types import SimpleNamespace

import pytest
from fake_gates import N, flipped
from fake_runs import curve_plan, planned

from robustbench_vit.errors import SpecError
from robustbench_vit.gates.expectation import expected, measured_models, unmet, unmet_in

CLEAN, *CURVE = curve_plan(n=N)
ROWS = {case: flipped(0) for case in (CLEAN, *CURVE)}


def mark(*rules: str, **options: bool) -> SimpleNamespace:
    """What is read of a mark of pytest."""
    return SimpleNamespace(args=rules, kwargs=options)


def test_marks_are_read_in_order():
    """Several marks, several rules, strict or not."""
    found = expected([mark("top1 >= 0.6", "nll <= 1"), mark("auc >= 0", strict=True)])

    assert ["top1 >= 0.6", "nll <= 1", "auc >= 0"] == [str(rule) for rule in found]
    assert [False, False, True] == [rule.strict for rule in found]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("top1 >= 60", "top1 is a rate, and rates lie in .*did you mean 0.6"),
        ("top1 >= -0.02", "which a suite does not have"),
        ("top1[clean] >= 0.2", "about the case it stands at"),
        ("top1 >= nan", "expected a finite number"),
    ],
)
def test_mistakes(rule, told):
    """Said when the suite is collected."""
    with pytest.raises(SpecError, match=told):
        expected([mark(rule)])


@pytest.mark.parametrize(
    ("case", "rule", "about"),
    [
        (CLEAN, "top1 >= 0.4", []),
        (CLEAN, "top1 >= 0.6", ["clean"]),
        (CURVE[0], "auc >= 0.6", ["patchdrop"]),
        (CURVE[0], "accuracy_drop <= 0.1", []),
        (CLEAN, "mce <= 90", [""]),
    ],
)
def test_numbers_that_a_case_is_part_of(case, rule, about):
    """Of the case itself, and of the curve that it is a point of; what there is no number of is not met."""
    known = measured_models([CLEAN, *CURVE], ROWS.__getitem__)

    assert about == [verdict.origin.case for verdict in unmet(expected([mark(rule)]), [case], known)]


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_a_case_without_rows_has_nothing_to_expect_of(status):
    """The run tells its reason by itself."""
    assert not unmet(expected([mark("top1 >= 0.6")]), [planned(status=status)], {})


def test_nothing_is_read_where_nothing_is_expected():
    """A run without marks pays nothing."""
    assert not unmet_in([((), [CLEAN])], [CLEAN], {}.__getitem__)
