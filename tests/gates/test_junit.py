"""JUnit XML that servers of continuous integration read."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from robustbench_vit.errors import StoreError
from robustbench_vit.gates.junit import junit, write_junit
from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.subjects import Origin
from robustbench_vit.gates.verdicts import Verdict, without
from robustbench_vit.metrics.intervals import Estimate

RULE = parse_rule("top1 >= -0.02")
ORIGIN = Origin("clean", "demo@1", "shapetex", "none", 0, "fp32")
MET = Verdict(RULE, "zoo:a", "met", ORIGIN, Estimate(0.0, -0.01, 0.01, 400))
FAILED = Verdict(RULE, "zoo:b", "failed", ORIGIN, Estimate(-0.1, -0.12, -0.08, 400), warning="few images")
MISSING = without(RULE, "zoo:c", "BASE has no model zoo:c")


def test_what_a_server_counts():
    """A test case a verdict; a number beyond its bound is a failure, a missing number an error."""
    top = ET.fromstring(junit([MET, FAILED, MISSING]))
    (suite,) = top
    met, failed, missing = suite

    assert ("testsuites", "testsuite") == (top.tag, suite.tag)
    for element in (top, suite):
        assert ["3", "1", "1", "0"] == [element.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert "zoo:a" == met.get("classname")
    assert "top1 >= -0.02 · clean · demo@1 · shapetex · geometry none · seed 0 · fp32" == met.get("name")
    assert ["system-out"] == [child.tag for child in met]
    assert ["failure"] == [child.tag for child in failed]
    assert (
        "zoo:b: top1 of clean (shapetex) changed by -0.1000 [-0.1200, -0.0800] on 400 images; the rule is top1 >= -0.02"
        == (failed[0].get("message"))
    )
    assert "few images" in failed[0].text
    assert ["error"] == [child.tag for child in missing]
    assert "zoo:c: no top1: BASE has no model zoo:c" == missing[0].get("message")


def test_messages_tell_seeds_apart():
    """No message stands there twice."""
    other = replace(FAILED, origin=ORIGIN._replace(seed=1))
    messages = [case[0].get("message") for case in ET.fromstring(junit([FAILED, other]))[0]]

    assert [True, True] == [f"(shapetex, seed {seed})" in text for seed, text in enumerate(messages)]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "a & b ]]> \"'",
        "=cmd|' /C calc'!A0",
        "ü – 模型 🦊",
        "x" * 200,
        "\x1b[31m\x00\ud800\ufffe",
        "\r\n\t",
    ],
)
def test_hostile_names(name, tmp_path):
    """The file parses, and what XML cannot hold stands there in words."""
    rule = parse_rule("top1 >= -0.02", name=name)
    file = write_junit(
        [Verdict(rule, name, "failed", ORIGIN, Estimate(0, 0, 0, 1), warning=name)], tmp_path / "deep" / "gate.xml"
    )
    (case,) = ET.parse(file).getroot()[0]
    shown = case.get("classname")

    assert shown == (name if "\x1b" not in name else "\\u001b[31m\\u0000\\ud800\\ufffe")
    assert case.get("name").startswith(shown)


def test_a_file_that_cannot_be_written(tmp_path):
    """A sentence, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        write_junit([MET], tmp_path / "file" / "gate.xml")
