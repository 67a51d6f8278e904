"""What a suite module declares."""

import pytest

from robustbench_vit.errors import SpecError
from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite


def test_a_case_is_the_same_however_it_is_written():
    """Text and spec, lists and tuples: equal, with equal hashes."""
    text = Case("patchdrop(ratio=0.5,  region=salient)", geometry="geometry( resize=64 )", tags=["a"])
    spec = Case(Spec("patchdrop", {"region": "salient", "ratio": 0.5}), geometry="geometry(resize=64)", tags=("a",))

    assert text == spec
    assert hash(text) == hash(spec)
    assert Case() == Case("clean") == Case(Spec("clean"))
    assert Case() != Case(data="x")
    assert Case(labels="imagenet-16( rule=max )") == Case(labels="imagenet-16(rule=max)")


@pytest.mark.parametrize("arguments", [{"perturbation": "a b"}, {"geometry": "geometry("}, {"labels": "imagenet-16("}])
def test_a_case_must_parse(arguments):
    """The column is named."""
    with pytest.raises(SpecError, match="at column"):
        Case(**arguments)


def test_a_suite_has_name_and_version():
    """Tables are headed by both."""
    assert "my-suite_2@3" == str(Suite("my-suite_2", version=3))


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("x", 0, "version must be a positive integer, got 0"),
        ("x", "1", "version must be a positive integer, got '1'"),
        ("x", True, "version must be a positive integer, got True"),
        ("a b", 1, "suite name 'a b' must consist of letters, digits"),
        ("../x", 1, r"suite name '\.\./x' must consist of"),
        ("", 1, "suite name '' must consist of"),
    ],
)
def test_bad_suites(name, version, message):
    """Names are folders, versions are counted."""
    with pytest.raises(SpecError, match=message):
        Suite(name, version=version)


def test_a_limit_is_positive():
    """Zero images measure nothing."""
    with pytest.raises(SpecError, match="suite 'x': limit must be at least 1, got 0"):
        Suite("x", version=1, limit=0)


def test_one_model_is_no_list_of_letters():
    """A word where a tuple belongs is a mistake that would run late."""
    with pytest.raises(SpecError, match="suite 'x': models must be a tuple of specs, got 'zoo:vit_xs'"):
        Suite("x", version=1, models="zoo:vit_xs")


@pytest.mark.parametrize(
    ("data", "slots"),
    [(None, {}), ("shapetex", {"": "shapetex"}), ({"": "shapetex", "x": "y"}, {"": "shapetex", "x": "y"})],
)
def test_a_suite_may_have_data_for_each_slot(data, slots):
    """One spec is the run's own; suites stay usable as keys."""
    suite = Suite("x", version=1, data=data)

    assert slots == suite.slots
    assert {suite} == {suite, Suite("x", version=1, data=data)}
    assert suite != Suite("x", version=1, data="folder(/x)")
