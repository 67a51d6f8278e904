"""The files: complete, safe, and readable without a network."""

import csv
import re
from dataclasses import fields, replace
from pathlib import Path
from unittest.mock import Mock

import pandas as pd
import pytest
from fake_runs import answers, curve_plan, planned
from page_reader import Page

from robustbench_vit.aggregates import AGGREGATES, score
from robustbench_vit.errors import StoreError
from robustbench_vit.leaderboard import Board, Facts, write
from robustbench_vit.metrics import METRICS
from robustbench_vit.records import Measurement

HOSTILE = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A leaderboard of three models, two of them with hostile names, one case failed."""
    cases = [case for model in ("zoo:a", HOSTILE, FORMULA) for case in curve_plan(model, n=3)]
    cases += [planned("shuffle", "zoo:a", n=3, status="failed", reason=FORMULA)]
    known = {"zoo:a": {"parameters": 5_700_000, "throughput": 1234.5, "digest": "ab12"}}
    facts = Facts(known, {"zoo:a": [{"device": "old", "seed": "0"}, {"device": HOSTILE, "seed": "1"}]})
    folder = tmp_path_factory.mktemp("out") / "leaderboard"
    write(Board(score(cases, lambda case: answers(True, case.family == "clean", False)), facts), folder)
    return folder


@pytest.fixture(scope="module")
def html(out: Path) -> Page:
    """The page, parsed."""
    return Page(out / "leaderboard.html")


def test_four_files_and_no_leftovers(out: Path) -> None:
    """Temporary files are gone."""
    assert sorted(path.name for path in out.iterdir()) == [
        "leaderboard.csv",
        "leaderboard.html",
        "leaderboard.md",
        "results.csv",
    ]


def test_write_names_its_files_and_replaces_old_ones(tmp_path: Path) -> None:
    """A second run overwrites the first."""
    measurements = score([planned()], lambda _: answers(True))
    first = write(Board(measurements), tmp_path)
    first[0].write_text("old")

    assert write(Board(measurements), tmp_path) == first
    assert first[0].read_text().startswith("model,case,metric")


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs nothing that was there."""
    (tmp_path / "results.csv").write_text("old")
    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError("disk full")))

    with pytest.raises(StoreError, match=r"cannot write .*results.csv: disk full"):
        write(Board(score([planned()], lambda _: answers(True))), tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("results.csv", "old")]


def test_nothing_measured_is_still_a_page(tmp_path: Path) -> None:
    """An empty plan is no crash."""
    page = write(Board(score([], lambda _: answers())), tmp_path)[2]

    assert "Nothing was measured" in page.read_text(encoding="utf-8")


def test_results_read_back_exactly(tmp_path: Path) -> None:
    """The long table loses no digit."""
    measurements = score(curve_plan(), lambda _: answers(True, False, False))
    path = write(Board(measurements), tmp_path)[0]

    # An empty cell is "" in columns of text and NaN in columns of numbers.
    text = dict.fromkeys(measurements.select_dtypes("str"), "")
    actual = pd.read_csv(path, dtype=dict.fromkeys(text, str)).fillna(text).drop(columns="parameters")
    expected = measurements.fillna(text)
    pd.testing.assert_frame_equal(actual, expected, check_dtype=False)


def test_every_column_metric_and_unit_is_documented() -> None:
    """results/README.md is the schema."""
    schema = Path(__file__).parents[2] / "results" / "README.md"
    names = [field.name for field in fields(Measurement)] + METRICS.names + AGGREGATES.names
    units = {row.unit for row in (*METRICS, *AGGREGATES)}

    assert [name for name in {*names, *units} if f"`{name}`" not in schema.read_text(encoding="utf-8")] == []


def test_leaderboard_has_a_row_a_model_with_intervals(out: Path) -> None:
    """Numbers with low and high, facts, and counts of what is missing."""
    table = pd.read_csv(out / "leaderboard.csv").set_index("model")
    row = table.loc["zoo:a"]

    assert len(table) == 3
    assert row["clean_top1 low"] < row["clean_top1"] < row["clean_top1 high"]
    assert row["auc patchdrop"] == pytest.approx((2 / 3 + 1 / 3) / 4 + 1 / 6)
    assert row[["parameters", "throughput", "digest", "failed"]].tolist() == [5_700_000, 1234.5, "ab12", 1]
    assert row[["device", "seed"]].tolist() == [HOSTILE, 1]  # of the last run


def test_the_spread_between_seeds_is_in_the_file(tmp_path: Path) -> None:
    """A column a number, and all seeds; of one seed there is neither."""
    measured = score([*curve_plan("zoo:a"), *curve_plan("zoo:b")], lambda _: answers(True, False))
    measured.loc[measured["model"] == "zoo:a", ["seeds", "seed_sd"]] = [3, 0.25]
    runs = [{"suites": suite, "seed": seed} for suite, seed in (("demo@1, x@1", "10"), ("demo@1", "2"), ("x@1", "7"))]
    write(Board(measured, Facts({}, {"zoo:a": runs, "zoo:b": runs[:1]})), tmp_path)
    table = pd.read_csv(tmp_path / "leaderboard.csv", dtype=str).set_index("model")

    assert ["0.25", "0.25", "2, 10"] == table.loc[
        "zoo:a", ["clean_top1 seed_sd", "auc patchdrop seed_sd", "seed"]
    ].tolist()
    assert table.loc["zoo:b", ["clean_top1 seed_sd", "auc patchdrop seed_sd"]].isna().all()
    assert "10" == table.loc["zoo:b", "seed"]


@pytest.mark.parametrize("name", ["results.csv", "leaderboard.csv"])
def test_no_cell_is_a_formula(out: Path, name: str) -> None:
    """Text that begins like one has an apostrophe in front; negative numbers stay numbers."""
    with (out / name).open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]

    assert f"'{FORMULA}" in cells
    assert not [
        cell for cell in cells if cell.startswith(("=", "+", "@", "-")) and not re.fullmatch(r"-[\d.e-]+", cell)
    ]


def test_names_are_text_and_never_markup(html: Page) -> None:
    """Only our scripts are scripts."""
    kinds = [attributes.get("type") for tag, attributes in html.tags if tag == "script"]

    assert kinds == ["application/json", "application/json", "module", "module", "module"]
    assert HOSTILE in html.text
    assert HOSTILE in [maker["name"] for maker in html.makers]
    assert not [value for _, value in html.scripts if value == "alert(1)"]


def test_page_asks_for_nothing(html: Page) -> None:
    """No attribute names a file, and the policy forbids every request."""
    named = [attributes for _, attributes in html.tags if {"src", "srcset", "data"} & set(attributes)]
    links = [attributes["href"] for _, attributes in html.tags if "href" in attributes]
    policies = [
        attributes.get("content") for tag, attributes in html.tags if tag == "meta" and "http-equiv" in attributes
    ]

    assert named == []
    assert all(link.startswith("#") for link in links)
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none';")
    assert "http" not in policies[0]


def test_page_is_small_and_holds_vega_once(out: Path) -> None:
    """One bundle for all charts."""
    page = (out / "leaderboard.html").read_text(encoding="utf-8")

    assert len(page.encode()) < 2_000_000
    assert page.count("window.vegaEmbed=") == 1
    assert page.count("window.DataTable=") == 1


def test_page_without_curves_has_no_vega(tmp_path: Path) -> None:
    """A table alone needs none."""
    page = write(Board(score([planned()], lambda _: answers(True))), tmp_path)[2]

    assert "window.vegaEmbed=" not in page.read_text(encoding="utf-8")


def test_chart_holds_all_models_and_the_clean_end(html: Page) -> None:
    """Three points each: the clean case at 0 and the two of the sweep."""
    (chart,) = [chart for chart in html.contents[0]["charts"] if chart["kind"] == "curve"]

    assert [maker["name"] for maker in html.makers] == ["zoo:a", HOSTILE, FORMULA]
    for maker in html.makers:
        assert html.points(chart, maker["name"]) == [(0, 66.667), (0.5, 33.333), (1, 33.333)]


def test_a_missing_point_breaks_the_line(tmp_path: Path) -> None:
    """Its reason stands in its place, and among what is not done."""
    clean, half, full = curve_plan()
    cases = [clean, replace(half, status="failed", reason="out of memory"), full]
    page = Page(write(Board(score(cases, lambda _: answers(True, False))), tmp_path)[2])

    assert page.rows(page.contents[0]["tables"][0], "zoo:a")["patchdrop ratio=0.5"] == "out of memory"
    assert page.points(page.contents[0]["charts"][0], "zoo:a") == [(0, 50), (0.5, None), (1, 50)]
    assert "failed demo@1 on shapetex zoo:a patchdrop(ratio=0.5) out of memory" in page.text


def test_page_says_what_names_mean_and_how_sure_numbers_are(html: Page) -> None:
    """Definitions, intervals, failures with their reasons."""
    assert "share of images whose largest logit is the true class" in html.text
    assert "66.7 [20.8, 93.9]" in html.text
    assert FORMULA in html.text
    assert "5.7 M" in html.text
