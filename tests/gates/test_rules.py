"""The grammar of rules."""

import string
from math import nan

import pytest
from hypothesis import given, strategies as st

from robustbench_vit.errors import SpecError
from robustbench_vit.gates.rules import parse_rule

WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=6).filter(
    lambda word: word not in {"true", "false", "none"}
)


@given(
    metric=WORDS,
    name=WORDS,
    words=st.lists(WORDS, max_size=2),
    severity=st.integers(-9, 9),
    at_most=st.booleans(),
    bound=st.floats(-1e6, 1e6),
    signed=st.booleans(),
)
def test_what_is_written_is_read(metric, name, words, severity, at_most, bound, signed):
    """Metric, selector, relation and bound come back, whatever blanks stand between them."""
    text = f"{bound:+}" if signed else f"{abs(bound)}"
    selector = ".".join([name, *words, f"severity={severity}"])
    rule = parse_rule(f" {metric} [ {selector} ]{'<=' if at_most else '>='}  {text} ")

    assert (metric, at_most, signed) == (rule.metric, rule.at_most, rule.relative)
    assert (bound if signed else abs(bound)) == rule.bound
    assert name == rule.selector.name
    assert [*((None, word) for word in words), ("severity", str(severity))] == list(rule.selector.wanted)


@given(st.text(alphabet='mce[].=<>+-0.1"() patchdrop,\\\n', max_size=40))
def test_any_text_is_a_rule_or_a_sentence(text):
    """Nothing else than a SpecError comes out of a text that is no rule."""
    try:
        rule = parse_rule(text)
    except SpecError:
        return
    assert parse_rule(rule.text) == rule


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("top1[clean] >= 0.6", "clean", []),
        ("top1[fog.severity=3] >= 0.6", "fog", [("severity", "3")]),
        ("top1[patchdrop.ratio=0.5.salient] >= 0.6", "patchdrop", [("ratio", "0.5"), (None, "salient")]),
        ("top1[pgd.eps=4/255] >= 0.6", "pgd", [("eps", "4/255")]),
        ("top1[bars/bar.side=left] >= 0.6", "bars/bar", [("side", "left")]),
        ('top1["a.b".path="x, y"] >= 0.6', "a.b", [("path", '"x, y"')]),
        ("top1[pgd(eps=8/255, steps=5)] >= 0.6", "pgd", [("eps", "8/255"), ("steps", "5")]),
        ("top1[stored(fog)] >= 0.6", "stored", [("", "fog")]),
    ],
)
def test_selectors(text, name, wanted):
    """Words, keys with values, quoted texts, and specs as tables have them."""
    selector = parse_rule(text).selector

    assert name == selector.name
    assert wanted == list(selector.wanted)
    assert selector.whole is ("(" in text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no rule"),
        ("mce", "is no rule"),
        ("mce <= ", "got <"),
        ("<= 1", "is no rule"),
        ("mce < 1", "expected <= or >=, got <"),
        ("mce == 1", "expected <= or >=, got =="),
        ("mce <= nan", "expected a finite number"),
        ("mce <= +NaN", "expected a finite number"),
        ("mce <= inf", "expected a finite number"),
        ("mce <= 1e999", "expected a finite number"),
        ("mce <= 1%", "rates lie in"),
        ("mce <= 1_0", "expected a finite number"),
        ("mce <= ١", "expected a finite number"),
        ("mce <= 4/255", "expected a finite number"),
        ("top1[] >= 1", "expected a name in brackets"),
        ("top1[.salient] >= 1", "expected a name in brackets"),
        ("top1[fog.3] >= 1", "say what 3 is: .key=3"),
        ("top1[fog severity=3] >= 1", "at column 4: expected .word or .key=value"),
        ("top1[fog(severity=] >= 1", "expected a value"),
    ],
)
def test_mistakes(text, told):
    """What was expected stands in the message, and the text itself."""
    with pytest.raises(SpecError, match=r"expected|is no rule|say what") as error:
        parse_rule(text)

    assert told in str(error.value)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(("text", "side"), [("top1 >= -0.02", 1), ("top1 <= +0.02", -1), ("mce <= 100", -1)])
def test_rounding_fails_no_rule(text, side):
    """0.58 − 0.6 is a little less than -0.02 in binary, and no loss of more than that; NaN keeps no rule."""
    rule = parse_rule(text)

    assert [True, True, False, False] == [
        rule.keeps(value) for value in (rule.bound, rule.bound - side * 1e-12, rule.bound - side * 1e-8, nan)
    ]
    assert parse_rule("top1 >= -0.02").keeps(0.58 - 0.6)
