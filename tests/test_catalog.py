"""Catalogues and their rows (contract C10)."""

from fractions import Fraction

import pytest

from robustbench_vit.catalog import REQUIRED, Catalog, Parameter, Row, digest
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.spec import Spec

ROW = Row(
    "noise",
    "math:sqrt",
    "a row",
    (
        Parameter("rms", REQUIRED, "strength", low=0, high=1),
        Parameter("shape", "ring", "form", "word", choices=("ring", "square")),
        Parameter("grid", None, "cells", "sizes", low=1, optional=True),
        Parameter("weights", None, "file", "path", optional=True),
    ),
    positional="rms",
)
CATALOG = Catalog("perturbations", (ROW,))


def test_bind_fills_in_everything():
    """A bound spec has every parameter as keyword."""
    bound = ROW.bind("noise(0.5)")

    assert bound == Spec("noise", {"rms": Fraction(1, 2), "shape": "ring", "grid": None, "weights": None})


def test_display_leaves_defaults_out():
    """What a user reads holds no defaults."""
    assert ROW.display("noise(shape=ring, rms=0.5)") == "noise(rms=0.5)"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("noise", "needs rms="),
        ("noise(1.5)", r"rms must be a number in \[0, 1\], got 1.5"),
        ("noise(x)", "rms must be a number"),
        ("noise(true)", "rms must be a number"),
        ("noise(0.5, shape=star)", "shape must be ring or square, got star"),
        ("noise(0.5, grid=0)", "grid must be an integer or"),
        ("noise(0.5, rms=1)", "rms is given twice"),
        ("noise(0.5, shap=ring)", "did you mean shape"),
    ],
)
def test_ill_fitting_arguments_are_named(spec, message):
    """The error says what was expected and what came."""
    with pytest.raises(SpecError, match=message):
        ROW.bind(spec)


def test_unknown_name_offers_the_closest():
    """A typing mistake is answered with the right name."""
    with pytest.raises(UnknownNameError, match="unknown perturbation 'nois'; did you mean noise"):
        CATALOG["nois"]


def test_unsorted_or_double_rows_are_refused():
    """A catalogue is sorted and its names are unique."""
    with pytest.raises(ValueError, match="sorted and unique"):
        Catalog("x", (ROW, ROW))


def test_canonical_form_follows_the_content_of_files(tmp_path):
    """A path stands for what it holds: another name changes nothing, another byte does."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"1")
    second.write_bytes(b"1")
    same = ROW.canonical(f"noise(1, weights={first})") == ROW.canonical(f"noise(1, weights={second})")
    second.write_bytes(b"2")
    other = ROW.canonical(f"noise(1, weights={first})") == ROW.canonical(f"noise(1, weights={second})")

    assert (True, False) == (same, other)


def test_digest_keeps_parts_apart():
    """Parts do not run together."""
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"])
