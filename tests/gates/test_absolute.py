"""Rules about numbers themselves."""

import numpy as np
import pandas as pd
import pytest
from fake_gates import N, flipped, judge, one
from fake_runs import planned, wrong

from robustbench_vit.metrics.intervals import wilson


@pytest.mark.parametrize(
    ("bound", "outcome"), [(0.40, "met"), (0.48, "not told apart"), (0.52, "not told apart"), (0.60, "failed")]
)
def test_an_absolute_bound_is_held_against_wilsons_interval(base, bound, outcome):
    """The number itself is 0.5 of 400 images."""
    verdict = one(base, None, f"top1[clean] >= {bound}")

    assert outcome == verdict.outcome
    assert (0.5, *wilson(N // 2, N)) == pytest.approx((verdict.found.value, verdict.found.low, verdict.found.high))


@pytest.mark.parametrize("status", ["partial", "failed"])
@pytest.mark.parametrize("metric", ["top1 >= 0", "mean_confidence <= 1"])
def test_absolute_rules_on_half_a_case(keep, status, metric):
    """No number of half the images passes, and none that would have been measured is passed over."""
    rows = flipped(0)[: N // 2] if status == "partial" else pd.DataFrame()
    folder = keep("run", {planned(n=N, status=status, reason="it broke"): rows, planned("other", n=N): flipped(0)})
    verdicts = judge(folder, None, metric)

    assert ["no number", "met"] == [verdict.outcome for verdict in verdicts]
    assert "it broke" in verdicts[0].reason or "is partial" in verdicts[0].reason


def test_a_figure_that_all_images_share_has_no_interval(keep):
    """Where nobody knows what an image could say else: said so, and a strict rule asks for none."""
    run = keep("run", {planned("noise", n=N): flipped(0).assign(passes=21)})

    assert "its interval is not known, only 21 on 400 images; a strict rule asks for none" == (
        one(run, None, "passes <= 50").reason
    )
    assert ["met", "failed"] == [v.outcome for v in judge(run, None, "passes <= 50", "passes <= 20", strict=True)]


def test_not_a_number_never_passes(keep):
    """Of a metric; a figure that is finite for some images only is said to be."""
    rows = wrong(0, of=4).assign(nll=np.float32([0, np.nan, 0, 0]), rms=[0.1, np.nan, np.inf, 0.2])
    run = keep("run", {planned("noise", n=4): rows})

    assert "no number" == one(run, None, "nll <= 1").outcome
    assert "rms is a finite number for 2 of 4 images only" == one(run, None, "rms <= 1").warning
