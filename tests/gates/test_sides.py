"""Which models of two folders meet."""

from pathlib import Path

import pytest
from fake_gates import N, judge, one
from fake_runs import planned, wrong

from robustbench_vit.errors import SpecError, UnknownNameError


def zoo(keep, folder: str, **errors: int) -> Path:
    """A folder of models with so many errors of 400; weights are those of the folder."""
    return keep(
        folder, {planned(model=f"zoo:{m}", model_key=f"{m}-{folder}", n=N): wrong(k, of=N) for m, k in errors.items()}
    )


def test_models_meet_by_name(keep):
    """Whatever their weights."""
    run, base = zoo(keep, "run", a=100, b=300), zoo(keep, "base", b=100, a=100)

    assert [("zoo:a", "met"), ("zoo:b", "failed")] == [(v.model, v.outcome) for v in judge(run, base, "top1 >= -0.02")]
    assert ["zoo:b"] == [v.model for v in judge(run, base, "top1 >= -0.02", models=["zoo:b"])]


def test_a_lone_model_meets_a_lone_model(keep):
    """Then names do not matter."""
    assert "met" == one(zoo(keep, "run", new=100), zoo(keep, "base", old=100), "top1 >= -0.02").outcome


def test_a_model_without_partner_fails(keep):
    """The others are judged; what to give is said."""
    run, base = zoo(keep, "run", a=100, b=100), zoo(keep, "base", a=100)
    verdicts = judge(run, base, "top1 >= -0.02")

    assert ["met", "no number"] == [verdict.outcome for verdict in verdicts]
    assert "BASE has no model zoo:b, it has zoo:a; give --model zoo:b=NAME" in verdicts[1].sentence()
    assert "met" == one(run, base, "top1 >= -0.02", models=["zoo:b=zoo:a"]).outcome
    with pytest.raises(SpecError, match="BASE has no model zoo:b"):
        judge(run, base, "top1 >= -0.02", models=["zoo:b"])
    for asked in ("zoo:x", "zoo:b=zoo:x", "zoo:x=zoo:a"):
        with pytest.raises(UnknownNameError, match="unknown model of"):
            judge(run, base, "top1 >= -0.02", models=[asked])


@pytest.mark.parametrize("rule", ["top1 >= -0.02", "top1 >= 0.1"])
def test_a_model_that_run_has_lost_never_passes(keep, rule):
    """Unless the models to judge are named, or the rule is about nothing that it had."""
    run, base = zoo(keep, "run", a=100), zoo(keep, "base", a=100, b=100)
    verdicts = judge(run, base, rule)

    assert [("zoo:a", "met"), ("zoo:b", "no number")] == [(v.model, v.outcome) for v in verdicts]
    assert "RUN has no model zoo:b, BASE has; run it as well, or name the models that you judge with --model" == (
        verdicts[1].reason
    )
    assert ["zoo:a"] == [v.model for v in judge(run, base, rule, models=["zoo:a"])]
    with pytest.raises(SpecError, match="unknown selector"):
        judge(run, base, rule.replace("top1", "top1[fog]"))


def test_one_model_against_two(keep):
    """Each pair that was asked for is judged, once."""
    run, base = zoo(keep, "run", a=100), zoo(keep, "base", a=100, b=50)
    asked = ["zoo:a=zoo:a", "zoo:a=zoo:b", "zoo:a=zoo:b"]

    assert [0.0, -0.125] == [v.found.value for v in judge(run, base, "top1 >= -0.02", models=asked)]


def test_names_with_signs_of_equality(keep):
    """Specs have them; the model of RUN decides where its name ends."""
    new, old = "a(pretrained=false)", "b(x=1, y=2)"
    run = zoo(keep, "run", **{new: 100, "z": 0})
    base = zoo(keep, "base", **{old: 100, "y": 0})

    assert f"zoo:{new}" == one(run, base, "top1 >= -0.02", models=[f"zoo:{new}=zoo:{old}"]).model
    assert f"zoo:{new}" == one(run, None, "top1 >= 0.1", models=[f"zoo:{new}"]).model
