"""What rows of attacks tell beside accuracy."""

from math import inf, isnan, nan

import pandas as pd
import pytest
from fake_runs import answers, attack, broken, one, planned

from robustbench_vit.aggregates import score
from robustbench_vit.metrics import wilson
from robustbench_vit.records import PlannedCase, Sweep

GRID = (0.1, 0.2, 0.4)
MIN_EPS = attack("min_eps(attack=pgd)", threat={"grid": GRID, "eps": 0.4})


def scored(rows: dict[PlannedCase, pd.DataFrame]) -> pd.DataFrame:
    """Measurements of these cases with these rows."""
    return score(list(rows), rows.__getitem__)


def smallest(*values: float, **columns: object) -> pd.DataFrame:
    """Rows of `min_eps` with these values."""
    words = ["clean" if value == 0 else "none" if value == inf else "min_eps" for value in values]
    return broken(" ".join(words), min_eps=list(values), **columns)


def test_robust_accuracy_is_measured_where_there_is_an_attack() -> None:
    """Beside top1, and nowhere else."""
    found = scored({planned(): answers(True, True), attack(): broken("none pgd")})

    assert one(found, "robust_accuracy", "pgd(eps=0.1)")[["value", "unit", "n"]].tolist() == [0.5, "rate", 2]
    assert (found["metric"] == "robust_accuracy").sum() == 1


def test_shares_by_what_broke_the_images() -> None:
    """Also of members that broke nothing; each with Wilson's interval, together 1."""
    case = attack("worst", threat={"members": ("apgd(eps=0.1)", "square(eps=0.1)")})
    found = scored({case: broken("none none clean apgd(eps=0.1) none")})
    shares = found[found["metric"] == "broken_by"].set_index("category")

    assert shares["value"].to_dict() == {"none": 0.6, "clean": 0.2, "apgd(eps=0.1)": 0.2, "square(eps=0.1)": 0.0}
    assert shares.loc["none", ["low", "high"]].tolist() == [*wilson(3, 5)]
    assert set(shares["unit"]) == {"rate"}


def test_costs_are_means_with_units() -> None:
    """What would mislead has no mean."""
    rows = broken(
        "none pgd clean",
        norm=[0.1, 0.1, 0.0],
        margin=[1.0, -1.0, -3.0],
        zero_gradient=[1.0, 0.0, nan],
        stochastic=[False] * 3,
        train_mode=[False] * 3,
        min_eps=[inf, 0.1, 0.0],
    )
    found = scored({attack(): rows})

    case = "pgd(eps=0.1)"
    assert one(found, "forward_passes", case)[["value", "unit"]].tolist() == [21, "passes"]
    assert one(found, "backward_passes", case)[["value", "unit"]].tolist() == [20, "passes"]
    assert one(found, "norm", case)[["value", "unit"]].tolist() == [pytest.approx(0.2 / 3), "pixel"]
    assert one(found, "margin", case)[["value", "unit"]].tolist() == [-1, "logit"]
    zero = one(found, "zero_gradient", case)
    assert zero[["value", "unit", "n"]].tolist() == [0.5, "rate", 2]
    assert (zero["low"], zero["high"]) == wilson(1, 2)
    assert not {"min_eps", "stochastic", "train_mode"} & set(found["metric"])


def test_min_eps_is_a_curve() -> None:
    """From clean accuracy at 0 to the case's own number at the largest eps."""
    found = scored({MIN_EPS: smallest(0, 0.1, 0.2, 0.2, inf)})
    curve = found[found["metric"] == "robust_accuracy"].sort_values("at")

    assert dict(zip(curve["at"], curve["value"], strict=True)) == {0.0: 0.8, 0.1: 0.6, 0.2: 0.2, 0.4: 0.2}
    assert curve["category"].tolist() == ["eps=0", "eps=0.1", "eps=0.2", ""]
    assert (set(curve["curve"]), set(curve["axis"])) == ({MIN_EPS.case}, {"eps, pixels in [0,1]"})
    assert set(curve["clean_at"]) == {0.0}
    assert curve["low"].iloc[0] == wilson(4, 5)[0]


def test_robust_auc_is_the_trapezoidal_mean() -> None:
    """(0.7 · 0.1 + 0.4 · 0.1 + 0.2 · 0.2) / 0.4."""
    area = one(scored({MIN_EPS: smallest(0, 0.1, 0.2, 0.2, inf)}), "robust_auc", MIN_EPS.case)

    assert area["value"] == pytest.approx(0.15 / 0.4)
    assert area["low"] < area["value"] < area["high"]
    assert isnan(area["at"])


def test_what_is_wrong_only_when_judged_breaks_at_the_largest_eps() -> None:
    """So the last point of the curve is the robust accuracy."""
    found = scored({MIN_EPS: smallest(inf, inf).assign(pred=[0, 1])})
    values = found[found["metric"] == "robust_accuracy"].set_index("at")["value"]

    assert values[0.2] == 1
    assert values[0.4] == 0.5


def test_aggregates_of_attacks_are_of_robust_accuracy() -> None:
    """One image is wrong before the attack and right after it: the attack repaired nothing."""
    rows = {
        planned(): answers(True, False),
        attack(sweep=Sweep("pgd", "eps", 0.1, 0.0)): broken("none clean").assign(pred=[0, 0]),
        attack("pgd(eps=0.2)", sweep=Sweep("pgd", "eps", 0.2, 0.0)): broken("none clean"),
    }
    found = scored(rows)

    assert one(found, "top1", "pgd(eps=0.1)")["value"] == 1
    assert one(found, "accuracy_drop", "pgd(eps=0.1)")["value"] == 0
    assert one(found, "auc", "pgd")["value"] == 0.5


def test_one_eps_is_no_curve() -> None:
    """Its area would say how large that eps is."""
    rows = {planned(): answers(True), attack(sweep=Sweep("pgd", "eps", 0.5, 0.0)): broken("pgd")}

    assert "auc" not in set(scored(rows)["metric"])


def test_attacks_are_never_averaged() -> None:
    """Neither those of the family adversarial nor transferred ones; others are."""
    rows = {
        planned(): answers(True),
        attack("pgd(eps=0.1)"): broken("pgd"),
        attack("pgd(eps=0.2)", threat={"eps": 0.2}): broken("pgd"),
        attack("transfer(source=b)", threat={"source": "b"}): broken("none"),
        planned("broken", family="adversarial"): answers(True),
        planned("shuffle"): answers(True),
    }
    means = scored(rows).query("metric == 'family_accuracy'")

    assert means["case"].tolist() == ["occlusion"]


def test_transferred_examples_name_their_source() -> None:
    """In all numbers of the case, also those relative to the clean one."""
    case = attack("transfer(attack=pgd, source=zoo:b)", threat={"source": "zoo:b", "knowledge": "transfer"})
    found = scored({planned(): answers(True), case: broken("none")})

    assert set(found[found["case"] == case.case]["reference"]) == {"zoo:b"}
    assert set(found[found["case"] == "clean"]["reference"]) == {""}


def test_failed_attacks_say_why_there_is_no_robust_accuracy() -> None:
    """Nor an area."""
    failed = attack(MIN_EPS.case, threat={"grid": GRID}, status="failed", reason="not differentiable")
    found = score([failed], lambda case: pytest.fail(f"{case} was read")).set_index("metric")["reason"]

    assert found[["top1", "robust_accuracy", "robust_auc"]].tolist() == ["not differentiable"] * 3
