"""Gates on runs whose true difference is known: how often they fail at the tolerance, and how often beyond it."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from fake_runs import corruption_plan, curve_plan, planned, wrong

from robustbench_vit.aggregates.comparison import compare
from robustbench_vit.aggregates.scored import score_case
from robustbench_vit.gates.relative import relative
from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.sides import Side
from robustbench_vit.gates.verdicts import Verdict
from robustbench_vit.records import PlannedCase

RUNS = 100
LOST, WON = 0.06, 0.04  # shares of images that change sides: a tenth does, and 2 points are lost
TOLERANCE = 0.02


def resampled(
    rule: str, plan: Sequence[PlannedCase], n: int, loss: float, runs: int = RUNS, seed: int = 0
) -> list[Verdict]:
    """A rule on runs over fresh images, with so much more lost in each case than `LOST`."""
    generator, frame = np.random.default_rng(seed), wrong(0, of=n)
    base = [replace(case, model_key="base", n=n) for case in plan]
    run = [replace(case, model_key="run", n=n) for case in plan]
    found: list[Verdict] = []
    for _ in range(runs):
        hard = generator.random(n)  # the same image is hard in every case, as it is in truth
        rows: dict[PlannedCase, pd.DataFrame] = {}
        for place, (one, two) in enumerate(zip(base, run, strict=True)):
            errs = hard < 0.2 + 0.4 * place / len(plan)
            lost = generator.random(n) < (LOST + loss) / (1 - errs.mean())
            won = generator.random(n) < WON / errs.mean()
            rows[one] = frame.assign(pred=errs.astype(np.int32))
            rows[two] = frame.assign(pred=np.where(errs, ~won, lost).astype(np.int32))
        scored = {case: score_case(case, rows.__getitem__) for case in rows}
        comparison = compare([*base, *run], scored.__getitem__, "base", "run")
        sides = Side("RUN", run, scored.__getitem__), Side("BASE", base, scored.__getitem__)
        found += relative(parse_rule(rule), *sides, comparison)
    assert runs == len(found)
    return found


def failed(verdicts: Sequence[Verdict]) -> int:
    """How many of the runs fail."""
    return sum(not verdict.passed for verdict in verdicts)


def detectable(verdicts: Sequence[Verdict]) -> float:
    """The smallest difference that one of them shows."""
    return float(np.median([verdict.detectable for verdict in verdicts]))


CURVE = curve_plan()


@pytest.mark.parametrize(
    ("rule", "plan", "n"), [("top1 >= -0.02", [planned()], 2000), ("auc >= -0.02", CURVE, 500)], ids=["top1", "auc"]
)
def test_a_gate_does_not_flap_and_does_not_sleep(rule, plan, n):
    """At the tolerance at most 7 of 100 runs fail; three detectable differences beyond it, at least 99."""
    boundary = resampled(rule, plan, n, loss=0.0)
    beyond = resampled(rule, plan, n, loss=3 * detectable(boundary), seed=1)

    assert failed(boundary) <= 7
    assert failed(beyond) >= 99


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_the_rate_of_false_alarms_is_that_of_one_end_of_the_interval(n):
    """1,000 runs of one case: 2.5 %, within four standard errors and half a point for the bootstrap."""
    share = failed(resampled("top1 >= -0.02", [planned()], n, loss=0.0, runs=1000)) / 1000

    assert share <= 0.025 + 4 * sqrt(0.025 * 0.975 / 1000) + 0.005


@pytest.mark.slow
def test_a_gate_on_corruption_errors():
    """100 runs of the 75 cases behind mCE, whose tolerance is the truth, and three detectable differences beyond."""
    plan = corruption_plan()
    truth = float(np.mean([one.found.value for one in resampled("mce <= +0", plan, 5000, loss=0.0, runs=20, seed=2)]))
    rule = f"mce <= +{truth}"
    boundary = resampled(rule, plan, 500, loss=0.0)
    # The loss in points is to the change of mCE as at the tolerance.
    loss = TOLERANCE * 3 * detectable(boundary) / truth
    beyond = resampled(rule, plan, 500, loss=loss, seed=1)

    assert failed(boundary) <= 7
    assert failed(beyond) >= 99
