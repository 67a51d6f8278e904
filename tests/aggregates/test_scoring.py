"""From a plan and its rows to measurements."""

import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from fake_runs import answers, curve_plan, one, planned, predictions, random_predictions

from robustbench_vit.aggregates import score
from robustbench_vit.errors import StoreError
from robustbench_vit.records import Measurement, PlannedCase, Sweep


def scored(rows: dict[PlannedCase, pd.DataFrame]) -> pd.DataFrame:
    """Measurements of these cases with these rows."""
    return score(list(rows), rows.__getitem__)


def test_columns_are_those_of_a_measurement() -> None:
    """Also where nothing was planned."""
    expected = [field.name for field in fields(Measurement)]

    assert list(scored({planned(): answers(True)}).columns) == expected
    assert list(scored({}).columns) == expected


def test_rows_stand_in_plan_order_and_begin_with_accuracy() -> None:
    """What is computed over several cases stands behind the last of them."""
    clean, half, full = curve_plan()
    found = scored({case: answers(True, False) for case in (clean, half, full)})

    assert list(dict.fromkeys(found["case"])) == [clean.case, half.case, full.case, "patchdrop", "occlusion"]
    assert found.groupby("case", sort=False)["metric"].first().tolist()[:3] == ["top1"] * 3


def test_accuracy_carries_wilson_and_definition() -> None:
    """81 of 263 again, from rows."""
    row = one(scored({planned(n=263): answers(*[True] * 81, *[False] * 182)}), "top1", "clean")

    assert (row["value"], row["n"], row["unit"], row["status"]) == (81 / 263, 263, "rate", "done")
    assert (row["low"], row["high"]) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert "share of images" in row["definition"]


def test_samples_beyond_n_are_ignored() -> None:
    """A store that ran further gives the number that was asked for."""
    row = one(scored({planned(n=2): answers(True, True, False, False)}), "top1", "clean")

    assert (row["value"], row["n"]) == (1, 2)


def test_order_of_rows_changes_nothing() -> None:
    """Blocks are committed in any order; values and intervals stay."""
    rows = random_predictions()
    shuffled = rows.sample(frac=1, random_state=1)

    pd.testing.assert_frame_equal(scored({planned(): rows}), scored({planned(): shuffled}))


def test_failed_and_skipped_cases_are_rows_with_a_reason() -> None:
    """Their rows are not even asked for."""
    failed = planned("patchdrop", status="failed", reason="no mask")
    skipped = planned("shuffle", status="skipped", reason="give --data")

    found = score([failed, skipped], lambda case: pytest.fail(f"{case} was read"))

    top1 = found[found["metric"] == "top1"]
    assert top1["reason"].tolist() == ["no mask", "give --data"]
    assert top1["status"].tolist() == ["failed", "skipped"]
    assert found["value"].isna().all()


def test_partial_cases_are_scored_on_what_is_there() -> None:
    """Their n says how many; aggregates with them are partial too, over the images all cases share."""
    clean, half, full = curve_plan()
    half = replace(half, status="partial")
    rows = {clean: answers(True, True, True, False), half: answers(True, False), full: answers(False, False, True)}

    found = scored(rows)

    assert one(found, "top1", half.case)[["value", "n", "status"]].tolist() == [0.5, 2, "partial"]
    assert one(found, "auc", "patchdrop")[["value", "n", "status"]].tolist() == [0.5, 2, "partial"]
    assert one(found, "accuracy_drop", full.case)["n"] == 3


def test_a_case_without_rows_says_so() -> None:
    """Planned, begun, nothing done."""
    row = one(scored({planned(status="partial"): answers()}), "top1", "clean")

    assert np.isnan(row["value"])
    assert row["reason"] == "no image is done yet"


def test_auc_has_the_clean_case_where_the_axis_has_a_place_for_it() -> None:
    """(1 + 2 · 1/2 + 0) / 4 with it; without it only the two points."""
    clean, half, full = curve_plan()
    rows = {clean: answers(True, True), half: answers(True, False), full: answers(False, False)}
    unplaced = {replace(case, sweep=case.sweep and replace(case.sweep, clean_at=None)): rows[case] for case in rows}

    assert one(scored(rows), "auc", "patchdrop")["value"] == 0.5
    assert one(scored(unplaced), "auc", "patchdrop")["value"] == 0.25


def test_a_point_at_the_place_of_the_clean_case_stands() -> None:
    """A suite may measure the unperturbed end itself."""
    clean, half, full = curve_plan()
    zero = planned("patchdrop(ratio=0)", sweep=Sweep("patchdrop", "information loss", 0.0, 0.0))
    rows = {clean: answers(True), zero: answers(False), half: answers(False), full: answers(False)}

    assert one(scored(rows), "auc", "patchdrop")["value"] == 0


def test_missing_cells_give_no_number_but_are_named() -> None:
    """A curve with a hole has no area."""
    clean, half, full = curve_plan()
    half = replace(half, status="failed", reason="out of memory")

    row = one(scored({clean: answers(True), half: answers(), full: answers(True)}), "auc", "patchdrop")

    assert np.isnan(row["value"])
    assert row[["status", "reason"]].tolist() == ["partial", "missing: patchdrop(ratio=0.5) (failed)"]


@pytest.mark.parametrize(
    "other", [{"dtype": "bf16"}, {"data": "folder(/x)"}, {"geometry": "native"}, {"seed": 1}, {"label_space": "16"}]
)
def test_only_like_is_compared_with_like(other: dict[str, object]) -> None:
    """A clean case under another condition is no partner."""
    rows = {planned(**other): answers(True), planned("shuffle"): answers(True)}

    assert "no clean case with the same" in one(scored(rows), "accuracy_drop", "shuffle")["reason"]


def test_models_and_suites_are_never_mixed() -> None:
    """Each model is compared with its own clean case."""
    rows = {
        planned("clean", "zoo:a"): answers(True, True),
        planned("clean", "zoo:b"): answers(True, False),
        planned("shuffle", "zoo:a"): answers(False, False),
        planned("shuffle", "zoo:b"): answers(False, False),
    }

    found = scored(rows)

    drops = found[found["metric"] == "accuracy_drop"]
    assert dict(zip(drops["model"], drops["value"], strict=True)) == {"zoo:a": 1.0, "zoo:b": 0.5}


def test_figures_of_the_perturbation_become_measurements() -> None:
    """Numbers and flags, not words; an image without a figure does not count."""
    rows = answers(True, True, True).assign(
        rms=[0.1, 0.2, np.nan], passes=[True, False, True], broken_by=["apgd", "", "square"], queries=[3, 4, 5]
    )
    found = scored({planned("noise"): rows})

    assert one(found, "rms", "noise")[["value", "n", "unit"]].tolist() == [pytest.approx(0.15), 2, "pixel"]
    assert one(found, "passes", "noise")["unit"] == "rate"
    assert one(found, "queries", "noise")["value"] == 4
    assert "broken_by" not in set(found["metric"])


def test_undefined_metrics_are_rows_with_a_reason() -> None:
    """top5 of two classes."""
    row = one(scored({planned(): answers(True)}), "top5", "clean")

    assert np.isnan(row["value"])
    assert "needs more than 5 classes" in row["reason"]


def test_sweeps_travel_with_their_numbers() -> None:
    """A reader can draw the curve from the table alone."""
    clean, half, full = curve_plan()
    row = one(scored({case: answers(True) for case in (clean, half, full)}), "top1", half.case)

    assert row[["curve", "axis", "at", "clean_at"]].tolist() == ["patchdrop", "information loss", 0.5, 0.0]


def test_rows_that_lack_a_column_are_an_error() -> None:
    """A result file of another kind is never half a row."""
    with pytest.raises(StoreError, match=r"rows of clean on zoo:a lack \['nll'\]"):
        scored({planned(): answers(True).drop(columns="nll")})


def test_a_sample_that_is_there_twice_is_an_error() -> None:
    """Merging a store twice must not count twice."""
    with pytest.raises(StoreError, match="hold sample 'val/00000' more than once"):
        scored({planned(): pd.concat([answers(True), answers(True)])})


def test_perfect_model_has_a_perfect_row() -> None:
    """All metrics at their good end."""
    found = scored({planned(): predictions(np.eye(10), range(10))}).set_index("metric")["value"]

    assert found[["top1", "top5", "brier", "ece15", "nll"]].tolist() == [1, 1, 0, 0, 0]


def test_no_torch_is_imported() -> None:
    """Scoring and rendering run on a laptop (C6, C11)."""
    code = (
        "import sys; from robustbench_vit import metrics, aggregates, leaderboard\n"
        "rows = [*metrics.METRICS, *aggregates.AGGREGATES]\n"
        "assert all(callable(row.load()) for row in rows)\n"
        "print('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
