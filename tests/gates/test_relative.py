"""Rules about differences: what passes, what fails, and what is not known."""

import numpy as np
import pandas as pd
import pytest
from fake_gates import N, flipped, judge, one
from fake_runs import curve_plan, planned, wrong

from robustbench_vit.gates.relative import FEWEST
from robustbench_vit.metrics.detectable import LEVEL
from robustbench_vit.metrics.mcnemar import mcnemar


@pytest.mark.parametrize(
    ("wrongly", "rightly", "outcome"),
    [(0, 0, "met"), (2, 0, "met"), (14, 2, "not told apart"), (40, 0, "failed"), (60, 10, "failed"), (0, 60, "met")],
)
def test_a_loss_fails_only_if_its_interval_excludes_the_tolerance(keep, base, wrongly, rightly, outcome):
    """The difference is that of the paired counts, in the unit of the metric."""
    run = keep("run", {planned(n=N): flipped(wrongly, rightly)})
    verdict = one(run, base, "top1[clean] >= -0.02")

    assert outcome == verdict.outcome
    assert (rightly - wrongly) / N == pytest.approx(verdict.found.value)
    assert verdict.found.low <= verdict.found.value <= verdict.found.high
    assert (outcome == "failed") is (verdict.found.high < -0.02)
    assert (N, "clean", "demo@1") == (verdict.found.n, verdict.origin.case, verdict.origin.suite)


def test_an_upper_bound_is_the_mirror_image(keep, base):
    """What may not rise fails where what may not fall passes."""
    run = keep("run", {planned(n=N): flipped(0, 60)})

    assert ["failed", "met"] == [v.outcome for v in judge(run, base, "top1 <= +0.02", "top1 >= -0.02")]


def test_the_same_weights_differ_by_nothing(base):
    """A folder against itself: no tolerance is too small; the interval knows how few images said so."""
    verdict = one(base, base, "top1 >= +0")

    assert (True, 0.0) == (verdict.passed, verdict.found.value)
    assert verdict.found.low < 0 < verdict.found.high


def test_what_the_images_cannot_show_is_said(keep, base):
    """A tolerance below the detectable difference."""
    run = keep("run", {planned(n=N): flipped(9, 9)})

    assert "is above the tolerance of 0.001" in one(run, base, "top1 >= -0.001").warning
    assert not one(run, base, "top1 >= -0.3").warning


@pytest.mark.parametrize("metric", ["top1[clean]", "family_accuracy", "auc"])
def test_what_the_images_cannot_show_where_none_differs(keep, metric):
    """Of aggregates as of cases: of ten images, about half would have to change."""
    run = keep("run", {case: wrong(4, of=10) for case in curve_plan(n=10)})
    verdict = one(run, run, f"{metric} >= -0.02")

    assert ("not told apart", 0.0) == (verdict.outcome, verdict.found.value)
    assert 0.3 < verdict.detectable < 0.7
    assert "10 images show" in verdict.warning


def test_the_fewest_images_are_those_of_which_a_test_can_tell():
    """McNemar's exact test of images that all change sides."""
    p = [mcnemar(np.ones(n), np.zeros(n)) for n in (FEWEST - 1, FEWEST)]

    assert p[0] >= LEVEL > p[1]


@pytest.mark.parametrize("metric", ["top1[clean]", "family_accuracy"])
@pytest.mark.parametrize(("n", "outcome"), [(1, "no number"), (5, "no number"), (6, "failed")])
def test_few_images_tell_nothing(keep, metric, n, outcome):
    """Not even where all are lost; a strict rule asks for no interval."""
    base = keep("base", {case: wrong(0, of=n) for case in curve_plan(n=n)})
    run = keep("run", {case: wrong(n, of=n) for case in curve_plan(n=n)})
    verdict = one(run, base, f"{metric} >= -0.02")

    assert outcome == verdict.outcome
    assert (f"too few images to show any difference: {n}" in verdict.reason) is (n < FEWEST)
    assert "failed" == one(run, base, f"{metric} >= -0.02", strict=True).outcome


def test_a_smaller_run_is_judged_on_the_images_both_have(keep, base):
    """The first images of the canonical order."""
    run = keep("run", {planned(n=100): wrong(100, of=100)})

    assert (100, "met") == ((v := one(run, base, "top1 >= -0.05")).found.n, v.outcome)


@pytest.mark.parametrize("side", ["run", "base"])
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"status": "partial"}, "is partial"),
        ({"status": "failed", "reason": "out of memory"}, "is failed (out of memory)"),
        ({"status": "skipped", "reason": "no data"}, "is skipped (no data)"),
    ],
)
def test_cases_that_did_not_end_well(keep, base, side, fields, told):
    """Neither side passes, and the reason is told."""
    rows = flipped(0)[: N // 2] if fields["status"] == "partial" else pd.DataFrame()
    other = keep("other", {planned(n=N, **fields): rows})
    run, against = (other, base) if side == "run" else (base, other)
    verdict = one(run, against, "top1 >= -0.5")

    assert "no number" == verdict.outcome
    assert told in verdict.reason
    assert ("RUN" if side == "run" else "BASE") in verdict.reason


def test_no_image_in_common(keep):
    """Two shards of the same case."""
    rows = flipped(0)
    run = keep("run", {planned(n=N, status="partial"): rows[:200]})
    base = keep("base", {planned(n=N, status="partial"): rows[200:]})

    assert "is partial" in one(run, base, "top1 >= -0.5").reason
