"""Several seeds as one row: by hand, with gaps, and left alone where there is one."""

from collections.abc import Sequence
from dataclasses import asdict
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
from fake_runs import planned, random_predictions

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.measuring import NOTHING, of_case
from robustbench_vit.aggregates.seeds import over_seeds
from robustbench_vit.metrics import Estimate


def measured(model: str, seed: int, value: float, *, case: str = "shuffle(grid=2)", **fields: object) -> dict:
    """A row with an interval of ± 0.1, or without a number."""
    number = NOTHING if isnan(value) else Estimate(value, value - 0.1, value + 0.1, 50)
    row = of_case(planned(case, model, seed=seed), "top1", number, unit="rate", definition="share")
    return {**asdict(row), **fields}


def merged(*rows: dict, categories: Sequence[str] = ()) -> pd.DataFrame:
    """What becomes of the rows."""
    frame = pd.DataFrame(list(rows))
    return over_seeds(frame.astype(dict.fromkeys(categories, "category"))).measurements


@pytest.mark.parametrize("categories", [(), ("model", "reference", "case", "reason", "warning", "status")])
def test_mean_spread_and_mean_interval(categories: Sequence[str]) -> None:
    """0.4, 0.5 and 0.9: mean 0.6, standard deviation √0.07; the other model stands where it stood."""
    found = merged(
        measured("a · seed 0", 0, 0.4),
        measured("b", 0, 0.3),
        measured("a · seed 1", 1, 0.5, n=40),
        measured("a · seed 2", 2, 0.9),
        categories=categories,
    )

    assert found["model"].tolist() == ["a", "b"]
    assert found["seeds"].tolist() == [3, 1]
    assert found.loc[0, ["value", "low", "high", "n", "seed"]].tolist() == pytest.approx([0.6, 0.5, 0.7, 40, 0])
    assert found["seed_sd"].tolist() == pytest.approx([sqrt(0.07), nan], nan_ok=True)


def test_cases_metrics_and_precisions_stay_apart() -> None:
    """Only rows that differ in the seed alone are one number; a decision maker's name has a seed as well."""
    found = merged(
        *(measured(f"a · seed {seed} · {dtype}", seed, 0.5, case=case, dtype=dtype, reference=f"h · seed {seed}")
          for seed in (0, 1) for dtype in ("fp32", "bf16") for case in ("clean", "shuffle(grid=2)"))
    )  # fmt: skip

    assert found["model"].tolist() == ["a · fp32", "a · fp32", "a · bf16", "a · bf16"]
    assert found["case"].tolist() == ["clean", "shuffle(grid=2)"] * 2
    assert found["reference"].tolist() == ["h"] * 4
    assert found["seed_sd"].tolist() == [0.0] * 4


def test_a_seed_without_a_number_is_told() -> None:
    """The mean is over the others, and nothing hides it; without any the reason stands."""
    failed = {"status": "failed", "reason": "out of memory"}
    some, none = (
        merged(measured("a · seed 0", 0, value, **(failed if isnan(value) else {})),
               measured("a · seed 1", 1, nan, **failed))
        for value in (0.5, nan)
    )  # fmt: skip

    assert some.loc[0, ["value", "seeds", "status"]].tolist() == [0.5, 1, "failed"]
    assert isnan(some.loc[0, "seed_sd"])
    assert some.loc[0, ["reason", "warning"]].tolist() == ["", "without seed 1: out of memory"]
    assert none.loc[0, ["seeds", "reason", "warning"]].tolist() == [0, "out of memory", ""]


def test_a_warning_that_two_seeds_share_stands_once() -> None:
    """Others stand beside it."""
    found = merged(*(measured(f"a · seed {seed}", seed, 0.5, warning=text) for seed, text in enumerate("xyx")))

    assert found.loc[0, "warning"].count("x") == 1
    assert "y" in found.loc[0, "warning"]


def test_a_name_that_only_looks_like_a_seed_is_left_alone() -> None:
    """The number behind it must be the row's seed."""
    found = merged(measured("a · seed 7", 0, 0.5), measured("a · seed 8", 0, 0.6))

    assert found["model"].tolist() == ["a · seed 7", "a · seed 8"]


def test_of_a_scored_run() -> None:
    """All numbers of a run with three seeds are numbers of one model, and there is a third of them."""
    cases = [planned(case, f"a · seed {seed}", seed=seed, n=60, case_key=f"{case}-{seed}")
             for seed in range(3) for case in ("clean", "shuffle(grid=2)")]  # fmt: skip
    scored = score(cases, lambda case: random_predictions(60, seed=case.seed))
    found = over_seeds(scored).measurements

    assert 3 * len(found) == len(scored)
    assert set(found["model"]) == {"a"}
    assert set(found["seeds"]) == {3}
    top1 = found[(found["metric"] == "top1") & (found["case"] == "clean")].iloc[0]
    own = scored[(scored["metric"] == "top1") & (scored["case"] == "clean")]
    assert (top1["value"], top1["seed_sd"]) == pytest.approx((own["value"].mean(), np.std(own["value"], ddof=1)))
