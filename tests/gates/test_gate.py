"""Gates over results folders: what stops before anything is judged."""

import pytest
from fake_gates import N, flipped, judge, one
from fake_runs import corruption_plan, planned, wrong

from robustbench_vit.errors import RobustbenchError, SpecError, StoreError, UnknownNameError


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("auc[patchdrop.rondom] >= -0.02", "unknown selector of auc 'patchdrop.rondom'; did you mean patchdrop"),
        ("auc[patchdrop.ratio=0.5] >= -0.02", "unknown selector of auc"),
        ("top1[claen] >= 0", "did you mean clean?"),
        ("topp1 >= 0", "unknown metric 'topp1'; did you mean top1"),
        ("topp1 >= -1", "unknown metric of a difference 'topp1'; did you mean top1"),
        ("mce <= +1", "is about nothing here: there is no mce"),
        ("shape_bias >= 0.1", "is about nothing here: there is no shape_bias"),
        ("nll <= +1", "a rule about nll itself has no sign"),
    ],
)
def test_a_rule_about_nothing_is_an_error(curves, rule, told):
    """It names what is closest."""
    with pytest.raises(SpecError) as error:
        judge(curves, curves, rule)

    assert told in str(error.value)


def test_rules_need_a_base_and_a_gate_needs_rules(curves):
    """Said before anything is read."""
    with pytest.raises(SpecError, match="give --against"):
        judge(curves, None, "auc >= -0.02")
    with pytest.raises(SpecError, match="a gate needs rules"):
        judge(curves, None)


def test_corruption_errors_in_percent(keep):
    """20 points of accuracy lost in every case are half of the errors again; the grid must be complete."""
    plan = corruption_plan(n=100)
    base = keep("base", {case: wrong(40, of=100) for case in plan})
    run = keep("run", {case: wrong(60, of=100) for case in plan})
    half = keep("half", {case: wrong(40, of=100) for case in plan[:3]})
    failed, met = judge(run, base, "mce <= +1.0", "mce <= +90")

    assert ("failed", "met") == (failed.outcome, met.outcome)
    assert one(base, None, "mce <= 1").found.value / 2 == pytest.approx(failed.found.value)
    assert ["no number"] * 2 == [v.outcome for v in judge(half, base, "mce <= 90", "mce <= +90")]
    assert "missing" in one(half, None, "mce <= 90").reason


def test_errors_relative_to_a_model(keep):
    """The reference is looked for in the base, then in the run."""
    models = ("zoo:a", "zoo:ref")
    folder = keep("run", {c: wrong(40, of=100) for m in models for c in corruption_plan(m, n=100)})

    assert [100.0, 0.0] == [
        one(folder, folder, rule, models=["zoo:a"], reference="zoo:ref").found.value
        for rule in ("mce <= 100", "mce <= +0")
    ]
    with pytest.raises(UnknownNameError, match="did you mean zoo:ref"):
        judge(folder, None, "mce <= 100", reference="zoo:rif")


def test_folders_that_are_none(base, tmp_path):
    """Named with the next step."""
    for run, against in ((tmp_path / "nothing", base), (base, tmp_path / "nothing")):
        with pytest.raises(StoreError, match="nothing holds no results"):
            judge(run, against, "top1 >= -0.5")


@pytest.mark.parametrize(
    "place", ["cases/key-zoo:a/clean-0.parquet", "manifests/demo@1/key-zoo:a.json", "parts/key-zoo:a/x.parquet"]
)
@pytest.mark.parametrize("content", [b"", b"hello", b'{"a": 1}', b"[1, 2]"])
def test_foreign_files_where_results_should_be(keep, base, place, content):
    """Named, or of no consequence; never a number."""
    run = keep("run", {planned(n=N): flipped(0)})
    file = run / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)

    with pytest.raises(RobustbenchError) as error:
        judge(run, base, "top1 >= -0.5")
    assert str(file) in str(error.value)


@pytest.mark.parametrize("place", ["notes.txt", "cases/readme.md", "cases/key-zoo:a/other.parquet", "manifests/x.json"])
def test_foreign_files_beside_results(keep, base, place):
    """Do no harm."""
    run = keep("run", {planned(n=N): flipped(0)})
    (run / place).write_text("hello")

    assert "met" == one(run, base, "top1 >= -0.5").outcome
