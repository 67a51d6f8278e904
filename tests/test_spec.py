"""The grammar of spec strings (contract C4)."""

from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from robustbench_vit.errors import SpecError
from robustbench_vit.spec import Spec, exact, parse, parse_value, split_specs

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.fractions(min_value=-10, max_value=10, max_denominator=10**4),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6)),
    st.text(max_size=12),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.builds(Spec, NAMES, st.dictionaries(NAMES, inner, max_size=2)),
    ),
    max_leaves=6,
)
SPECS = st.builds(
    Spec,
    st.one_of(NAMES, st.text(min_size=1, max_size=10)),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.one_of(st.just(()), st.tuples(VALUES)),
    st.sampled_from([None, "timm", "zoo"]),
)


@given(SPECS)
def test_parse_inverts_format(spec):
    """parse(format(x)) == x for every spec that can be built."""
    assert spec == parse(str(spec))


@given(SPECS)
def test_format_is_canonical(spec):
    """Formatting what was parsed changes nothing."""
    assert str(spec) == str(parse(str(spec)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patchdrop(region=salient, ratio=0.5)", Spec("patchdrop", {"region": "salient", "ratio": Fraction(1, 2)})),
        ("pgd(eps=4/255)", Spec("pgd", {"eps": Fraction(4, 255)})),
        ("folder(/data/x)", Spec("folder", {}, ("/data/x",))),
        ('folder("/a b/c")', Spec("folder", {}, ("/a b/c",))),
        ("timm:hf_hub:org/net", Spec("hf_hub:org/net", source="timm")),
        ("examples/lite.py:lite0", Spec("examples/lite.py:lite0")),
        ("a(b=[1, x], c=none, d=true)", Spec("a", {"b": (1, "x"), "c": None, "d": True})),
        (
            "t(attack=pgd(eps=1/255), source=zoo:resnet_xs)",
            Spec("t", {"attack": Spec("pgd", {"eps": Fraction(1, 255)}), "source": "zoo:resnet_xs"}),
        ),
        ("a(b=c())", Spec("a", {"b": Spec("c")})),
        ("a(b=1e-3)", Spec("a", {"b": Fraction(1, 1000)})),
    ],
)
def test_examples_parse(text, expected):
    """The examples of the design mean what they say."""
    assert expected == parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a name, found the end"),
        ("a(", "expected a value"),
        ("a(b=)", "expected a value"),
        ("a(b=1 c=2)", "expected ',' or '\\)'"),
        ("a(b=1, 2)", "one positional argument at most"),
        ("a(1, 2)", "one positional argument at most"),
        ("a]", "expected the end"),
        ("a(b=1, b=2)", "b is given twice"),
        ("a(1/0)", "divides by zero"),
        ("a(b='x)", "a closing '"),
        ("timm:", "a name after timm:"),
    ],
)
def test_mistakes_are_named(text, message):
    """A mistake is reported with its place and what was expected there."""
    with pytest.raises(SpecError, match=message):
        parse(text)


def test_decimals_are_exact():
    """0.29 · 100 is 29, which floating point does not know."""
    assert parse_value("0.29") * 100 == 29
    assert int(0.29 * 100) == 28
    assert exact(0.7) == Fraction(7, 10)


def test_infinite_numbers_are_refused():
    """A spec holds finite numbers only."""
    with pytest.raises(SpecError, match="finite"):
        Spec("a", {"b": float("inf")})


def test_split_specs_respects_brackets_and_quotes():
    """Commas inside brackets or quotes separate nothing."""
    assert split_specs('zoo:a, timm:b(x=[1, 2], y=c(d=1)), f("a, b")') == [
        "zoo:a",
        "timm:b(x=[1, 2], y=c(d=1))",
        'f("a, b")',
    ]
