"""Verdicts in a terminal."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.subjects import Origin
from robustbench_vit.gates.table import remarks, summary, verdict_tables
from robustbench_vit.gates.verdicts import Verdict, without
from robustbench_vit.metrics.intervals import Estimate

RULE = parse_rule("top1 >= -0.02")
ORIGIN = Origin("clean", "demo@1", "shapetex", "none", 0, "fp32")
MET = Verdict(RULE, "zoo:a", "met", ORIGIN, Estimate(0.0, -0.01, 0.01, 4000), detectable=0.0123)
FAILED = replace(MET, model="zoo:b", outcome="failed", origin=ORIGIN._replace(data="cifar10"))
MISSING = without(RULE, "zoo:c", "BASE has no model zoo:c")


def shown(*verdicts: Verdict, width: int = 80) -> str:
    """What a terminal of so many columns shows."""
    console = Console(width=width, file=StringIO())
    for table in verdict_tables(verdicts):
        console.print(table)
    return str(console.file.getvalue())


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_a_rule(width):
    """The data set stands in every row, and no number is torn, whatever the width."""
    absolute = replace(MET, rule=parse_rule("top1 >= 0.6", name="accuracy"))
    text = shown(MET, replace(FAILED, model="timm:vit_tiny(checkpoint=a_file_with_a_long_name.safetensors)"), absolute,
                 width=width)  # fmt: skip

    assert 2 == text.count("RUN") == text.count("model, of")
    assert 1 == text.count("RUN − BASE") == text.count("accuracy: top1 >= 0.6")
    assert 2 == text.count("[-0.0100, +0.0100]")
    assert 2 == text.count("clean · demo@1 · shapetex")
    assert 1 == text.count("clean · demo@1 · cifar10")
    assert "0.0123" in text
    assert max(map(len, text.splitlines())) <= width


def test_settings_are_shown_where_rows_differ_in_them():
    """Seeds of one case; not what all rows share."""
    text = shown(MET, replace(MET, origin=ORIGIN._replace(seed=1)))

    assert "seed 0" in text
    assert "seed 1" in text
    assert "fp32" not in text


def test_remarks_say_which_number():
    """Case and data set, also of several with one warning."""
    told = list(remarks([FAILED, MISSING, replace(MET, warning="few"), replace(MET, warning="few")]))

    assert (
        "failed: zoo:b: top1 of clean (cifar10) changed by +0.0000 [-0.0100, +0.0100] on 4,000 images; the rule"
        in (told[0])
    )
    assert "no number: zoo:c: no top1: BASE has no model zoo:c" == told[1]
    assert ["note: top1 >= -0.02 of clean (shapetex): few"] == told[2:]


def test_remarks_tell_seeds_apart():
    """No sentence stands there twice, and a note says which numbers it is about."""
    found = [replace(FAILED, origin=ORIGIN._replace(seed=seed), warning="few") for seed in (0, 1)]
    *failed, note = remarks(found)

    assert ["top1 of clean (shapetex, seed 0)", "top1 of clean (shapetex, seed 1)"] == [
        text.split(": ")[2].partition(" changed")[0].removeprefix("b: ") for text in failed
    ]
    assert "note: top1 >= -0.02 of clean (shapetex, seed 0), top1 >= -0.02 of clean (shapetex, seed 1): few" == note


def test_the_last_line():
    """How many passed."""
    assert "gate passed: 1 of 1 numbers keep the rules" == summary([MET])
    assert "gate failed: 1 of 3 numbers keep the rules" == summary([MET, FAILED, MISSING])
