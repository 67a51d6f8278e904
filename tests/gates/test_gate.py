"""Gates over results folders: what passes, what fails, and what is never passed in silence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from fake_runs import attack, broken, corruption_plan, curve_plan, planned, wrong

from robustbench_vit.errors import RobustbenchError, SpecError, StoreError, UnknownNameError
from robustbench_vit.gates.gate import gate
from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.verdicts import Verdict
from robustbench_vit.metrics.intervals import wilson
from robustbench_vit.store import Store

N = 400


def judge(run: Path, base: Path | None, *rules: str, **options: object) -> list[Verdict]:
    """The verdicts of rules."""
    strict = bool(options.pop("strict", False))
    return gate(run, [parse_rule(rule, strict=strict) for rule in rules], base, **options)


def one(run: Path, base: Path | None, rule: str, **options: object) -> Verdict:
    """The only verdict of a rule."""
    (verdict,) = judge(run, base, rule, **options)
    return verdict


def flipped(wrongly: int, rightly: int = 0, n: int = N) -> pd.DataFrame:
    """Rows of a model that is wrong on the first half, beside one that errs on so many more and so many fewer."""
    rows = wrong(n // 2, of=n)
    rows.loc[n // 2 : n // 2 + wrongly - 1, "pred"] = 1
    rows.loc[: rightly - 1, "pred"] = 0
    return rows


@pytest.fixture
def base(keep):
    """Half of the images right."""
    return keep("base", {planned(n=N): flipped(0)})


# ── one number ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrongly", "rightly", "outcome"),
    [(0, 0, "met"), (2, 0, "met"), (14, 2, "not told apart"), (40, 0, "failed"), (60, 10, "failed"), (0, 60, "met")],
)
def test_a_loss_fails_only_if_its_interval_excludes_the_tolerance(keep, base, wrongly, rightly, outcome):
    """The difference is that of the paired counts, in the unit of the metric."""
    run = keep("run", {planned(n=N): flipped(wrongly, rightly)})
    verdict = one(run, base, "top1[clean] >= -0.02")

    assert outcome == verdict.outcome
    assert (rightly - wrongly) / N == pytest.approx(verdict.value)
    assert verdict.low <= verdict.value <= verdict.high
    assert (outcome == "failed") is (verdict.high < -0.02)
    assert (N, "clean", "demo@1") == (verdict.n, verdict.place.case, verdict.place.suite)


def test_an_upper_bound_is_the_mirror_image(keep, base):
    """What may not rise fails where what may not fall passes."""
    run = keep("run", {planned(n=N): flipped(0, 60)})

    assert ["failed", "met"] == [v.outcome for v in judge(run, base, "top1 <= +0.02", "top1 >= -0.02")]


def test_the_same_weights_differ_by_nothing(base):
    """A folder against itself: exactly 0, and no tolerance is too small."""
    verdict = one(base, base, "top1 >= +0")

    assert ("met", 0.0, 0.0, 0.0) == (verdict.outcome, verdict.value, verdict.low, verdict.high)


@pytest.mark.parametrize(
    ("bound", "outcome"), [(0.40, "met"), (0.48, "not told apart"), (0.52, "not told apart"), (0.60, "failed")]
)
def test_an_absolute_bound_is_held_against_wilsons_interval(base, bound, outcome):
    """The number itself is 0.5 of 400 images."""
    verdict = one(base, None, f"top1[clean] >= {bound}")

    assert outcome == verdict.outcome
    assert (0.5, *wilson(N // 2, N)) == pytest.approx((verdict.value, verdict.low, verdict.high))


def test_strict_looks_at_the_number_alone(keep, base):
    """Which is what many expect of a threshold, and may flap."""
    run = keep("run", {planned(n=N): flipped(9)})

    assert ["failed"] == [v.outcome for v in judge(base, None, "top1 >= 0.51", strict=True)]
    assert ["met"] == [v.outcome for v in judge(base, None, "top1 >= 0.5", strict=True)]
    assert ["failed", "met"] == [v.outcome for v in judge(run, base, "top1>=-0.02", "top1>=-0.03", strict=True)]


def test_what_the_images_cannot_show_is_said(keep, base):
    """A tolerance below the detectable difference, and too few images for any."""
    run = keep("run", {planned(n=N): flipped(9, 9)})
    few = keep("few", {planned(n=3): wrong(1, of=3)})

    assert "is above the tolerance of 0.001" in one(run, base, "top1 >= -0.001").warning
    assert not one(run, base, "top1 >= -0.3").warning
    assert "3 images are too few to show any difference" in one(few, few, "top1 >= -0.5").warning


def test_a_smaller_run_is_judged_on_the_images_both_have(keep, base):
    """The first images of the canonical order."""
    run = keep("run", {planned(n=100): wrong(100, of=100)})

    assert (100, "met") == ((v := one(run, base, "top1 >= -0.02")).n, v.outcome)


# ── several numbers ──────────────────────────────────────────────────────────────────────────────────────────────


def patchdrop(region: str, ratio: float, **fields: object):
    """A case of PatchDrop; ``random`` is a default, so its name does not say it."""
    said = "" if region == "random" else f", region={region}"
    case = f"patchdrop(ratio={ratio}{said})"
    (point,) = [one for one in curve_plan(curve="x") if one.case == "x(ratio=0.5)"]
    curve = "patchdrop" if region == "random" else f"patchdrop(region={region})"
    return replace(
        point,
        case=case,
        case_key=case,
        perturbation=f"patchdrop(compat=none, ratio={ratio}, region={region})",
        sweep=replace(point.sweep, curve=curve, at=ratio),
        n=N,
        **fields,
    )


@pytest.fixture
def curves(keep):
    """Two curves of two points, and a clean case."""
    plan = [planned(n=N)] + [patchdrop(region, ratio) for region in ("random", "salient") for ratio in (0.5, 1.0)]
    return keep("curves", {case: wrong(40 * place, of=N) for place, case in enumerate(plan)})


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("auc", ["patchdrop", "patchdrop(region=salient)"]),
        ("auc[patchdrop]", ["patchdrop", "patchdrop(region=salient)"]),
        ("auc[occlusion]", ["patchdrop", "patchdrop(region=salient)"]),
        ("auc[patchdrop.random]", ["patchdrop"]),
        ("auc[patchdrop.region=random]", ["patchdrop"]),
        ("auc[patchdrop(region=salient)]", ["patchdrop(region=salient)"]),
        ("top1[patchdrop.random]", ["patchdrop(ratio=0.5)", "patchdrop(ratio=1)"]),
        ("top1[patchdrop.ratio=0.5]", ["patchdrop(ratio=0.5)", "patchdrop(ratio=0.5, region=salient)"]),
        ("top1[patchdrop(ratio=0.5)]", ["patchdrop(ratio=0.5)"]),
        ("top1[patchdrop.salient.ratio=1]", ["patchdrop(ratio=1.0, region=salient)"]),
        ("family_accuracy[occlusion]", ["occlusion"]),
        ("top1[clean]", ["clean"]),
    ],
)
@pytest.mark.parametrize("bound", [">= 0", ">= -0.02"])
def test_selectors_find_their_numbers(curves, rule, names, bound):
    """Words and values among the arguments, defaults filled in; a rule about several numbers holds for all."""
    verdicts = judge(curves, curves, f"{rule} {bound}")

    assert [name.replace("ratio=1)", "ratio=1.0)") for name in names] == [verdict.place.case for verdict in verdicts]
    assert {"met"} == {verdict.outcome for verdict in verdicts}


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
    assert one(base, None, "mce <= 1").value / 2 == pytest.approx(failed.value)
    assert ["no number"] * 2 == [v.outcome for v in judge(half, base, "mce <= 90", "mce <= +90")]
    assert "missing" in one(half, None, "mce <= 90").reason


def test_attacks_by_robust_accuracy(keep):
    """`top1` of an attack has no difference; robust_accuracy has."""
    rows = broken(["none"] * 30 + ["pgd"] * 10)
    run = keep("run", {replace(attack(), n=40, perturbation="pgd(eps=0.1, norm=linf)"): rows})

    assert "met" == one(run, run, "robust_accuracy[pgd.linf] >= -0.02").outcome
    assert 0.75 == one(run, None, "robust_accuracy[adversarial] >= 0.5").value
    with pytest.raises(SpecError, match="there is no top1"):
        judge(run, run, "top1 >= -0.02")


def test_errors_relative_to_a_model(keep):
    """The reference is looked for in the base, then in the run."""
    models = ("zoo:a", "zoo:ref")
    folder = keep("run", {c: wrong(40, of=100) for m in models for c in corruption_plan(m, n=100)})

    assert [100.0, 0.0] == [
        one(folder, folder, rule, models=["zoo:a"], reference="zoo:ref").value for rule in ("mce <= 100", "mce <= +0")
    ]
    with pytest.raises(UnknownNameError, match="did you mean zoo:ref"):
        judge(folder, None, "mce <= 100", reference="zoo:rif")


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────────────


def zoo(keep, folder: str, **errors: int) -> Path:
    """A folder of models with so many errors of 400; weights are those of the folder."""
    return keep(
        folder, {planned(model=f"zoo:{m}", model_key=f"{m}-{folder}", n=N): wrong(k, of=N) for m, k in errors.items()}
    )


def test_models_meet_by_name(keep):
    """Whatever their weights."""
    run, base = zoo(keep, "run", a=100, b=300), zoo(keep, "base", b=100, a=100, c=0)

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
    assert "BASE has no model zoo:b, it has zoo:a; give --model zoo:b=NAME" in verdicts[1].sentence
    assert "met" == one(run, base, "top1 >= -0.02", models=["zoo:b=zoo:a"]).outcome
    with pytest.raises(SpecError, match="BASE has no model zoo:b"):
        judge(run, base, "top1 >= -0.02", models=["zoo:b"])
    for asked in ("zoo:x", "zoo:b=zoo:x", "zoo:x=zoo:a"):
        with pytest.raises(UnknownNameError, match="unknown model of"):
            judge(run, base, "top1 >= -0.02", models=[asked])


def test_names_with_signs_of_equality(keep):
    """Specs have them; the model of RUN decides where its name ends."""
    new, old = "a(pretrained=false)", "b(x=1, y=2)"
    run = zoo(keep, "run", **{new: 100, "z": 0})
    base = zoo(keep, "base", **{old: 100, "y": 0})

    assert f"zoo:{new}" == one(run, base, "top1 >= -0.02", models=[f"zoo:{new}=zoo:{old}"]).model
    assert f"zoo:{new}" == one(run, None, "top1 >= 0.1", models=[f"zoo:{new}"]).model


# ── what must never pass ─────────────────────────────────────────────────────────────────────────────────────────


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


@pytest.mark.parametrize("status", ["partial", "failed"])
@pytest.mark.parametrize("metric", ["top1 >= 0", "nll <= 99"])
def test_absolute_rules_on_half_a_case(keep, status, metric):
    """No number of half the images passes, and none that would have been measured is passed over."""
    rows = flipped(0)[: N // 2] if status == "partial" else pd.DataFrame()
    folder = keep("run", {planned(n=N, status=status, reason="it broke"): rows, planned("other", n=N): flipped(0)})
    verdicts = judge(folder, None, metric)

    assert ["no number", "met"] == [verdict.outcome for verdict in verdicts]
    assert "it broke" in verdicts[0].reason or "is partial" in verdicts[0].reason


def test_an_optional_case_that_does_not_fit_is_left_out(keep, base):
    """If it fitted the other run, it is missed."""
    shuffle = planned("shuffle(grid=7)", n=N, tags=("optional",))
    skipped = keep("skipped", {planned(n=N): flipped(0), replace(shuffle, status="skipped"): pd.DataFrame()})
    done = keep("done", {planned(n=N): flipped(0), shuffle: flipped(0)})

    assert ["met"] == [v.outcome for v in judge(skipped, skipped, "top1 >= -0.02")]
    assert ["met", "no number"] == [v.outcome for v in judge(skipped, done, "top1 >= -0.02")]


def test_rows_that_went_missing(keep, base):
    """A manifest says done, the file was cut short or is gone: no number comes out."""
    run = keep("run", {planned(n=N): flipped(0)})
    file = Store(run).case_file("key-zoo:a", "clean-0")
    pq.write_table(pq.read_table(file).slice(0, 100), file)
    verdicts = [one(run, base, "top1 >= -0.5"), one(run, None, "top1 >= 0.1")]

    assert ["no number"] * 2 == [verdict.outcome for verdict in verdicts]
    assert "share 100 images and not 400" in verdicts[0].reason
    assert "rows are missing of clean" in verdicts[1].reason
    file.unlink()
    assert ["no number"] * 2 == [one(run, b, r).outcome for b, r in ((base, "top1 >= -0.5"), (None, "top1 >= 0.1"))]


def test_half_a_curve_is_another_curve(keep, curves):
    """What one side lacks is named, whichever it is."""
    half = keep("half", {c: wrong(0, of=N) for c in (planned(n=N), patchdrop("random", 0.5))})

    assert "RUN lacks patchdrop(ratio=1.0)" in one(half, curves, "auc[patchdrop.random] >= -0.02").reason
    assert "BASE lacks patchdrop(ratio=1.0)" in one(curves, half, "auc[patchdrop.random] >= -0.02").reason
    assert "RUN has no patchdrop(region=salient) of demo@1" in judge(half, curves, "auc >= -0.02")[1].reason


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"suite": "demo@2"}, "RUN has clean of demo@2, BASE of demo@1: numbers of two suites, or of two versions"),
        ({"suite": "other@1"}, "RUN has clean of other@1, BASE of demo@1"),
        ({"seed": 1, "case_key": "x"}, "seed 1 in RUN and 0 in BASE"),
        ({"data": "cifar10", "case_key": "x"}, "data cifar10 in RUN and shapetex in BASE"),
        ({"geometry": "native", "case_key": "x"}, "geometry native in RUN and none in BASE"),
        ({"label_space": "other", "case_key": "x"}, "labels other in RUN and shapetex in BASE"),
        ({"dtype": "bf16", "case_key": "x"}, "dtype bf16 in RUN and fp32 in BASE"),
        ({"case_key": "clean-1"}, "the images, or the version of a perturbation, have changed"),
    ],
)
def test_numbers_of_two_kinds_never_meet(keep, base, fields, told):
    """Versions of a suite, settings and contents: what differs is said, once."""
    run = keep("run", {planned(n=N, **fields): flipped(0)})
    verdict = one(run, base, "top1 >= -0.5")

    assert "no number" == verdict.outcome
    assert told in verdict.reason


def test_two_versions_in_one_folder(keep, base):
    """The old numbers do not pass for the new ones."""
    both = keep("both", {planned(n=N): flipped(0), planned(n=N, suite="demo@2"): flipped(0)})
    new = keep("new", {planned(n=N, suite="demo@2"): flipped(0)})

    for run, against in ((both, new), (new, both)):
        verdicts = judge(run, against, "top1 >= -0.5")
        assert ["met", "no number"] == [verdict.outcome for verdict in verdicts]
        assert "demo@1" in verdicts[1].reason


def test_no_image_in_common(keep):
    """Two shards of the same case."""
    rows = flipped(0)
    run = keep("run", {planned(n=N, status="partial"): rows[:200]})
    base = keep("base", {planned(n=N, status="partial"): rows[200:]})

    assert "is partial" in one(run, base, "top1 >= -0.5").reason


def test_not_a_number_never_passes(keep):
    """Of a metric; a figure that is finite for some images only is said to be."""
    rows = wrong(0, of=4).assign(nll=np.float32([0, np.nan, 0, 0]), rms=[0.1, np.nan, np.inf, 0.2])
    run = keep("run", {planned("noise", n=4): rows})

    assert "no number" == one(run, None, "nll <= 1").outcome
    assert "rms is a finite number for 2 of 4 images only" == one(run, None, "rms <= 1").warning


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
