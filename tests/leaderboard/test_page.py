"""What the page's script draws from, and how much of it there is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_board import HOSTILE, board
from fake_runs import answers, curve_plan, planned
from page_reader import Page

from robustbench_vit.aggregates import score
from robustbench_vit.errors import StoreError
from robustbench_vit.leaderboard import Board, Facts, write
from robustbench_vit.leaderboard.page.charts import templates
from robustbench_vit.leaderboard.page.problems import problems
from robustbench_vit.leaderboard.page.vendored import datatables, vega
from robustbench_vit.leaderboard.sections import sections


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Of 14 models, four of which have hostile names."""
    return Page(write(board(14, names=HOSTILE), tmp_path_factory.mktemp("page"))[2])


def test_many_models_begin_with_eight(page: Page) -> None:
    """As many as there are colours: the best of every suite."""
    assert [maker["on"] for maker in page.makers] == [True] * 8 + [False] * 6


def test_few_models_are_all_on(tmp_path: Path) -> None:
    """Nobody has to look for them."""
    found = Page(write(board(3, curves=3), tmp_path)[2])

    assert [maker["on"] for maker in found.makers] == [True] * 3


def test_every_number_stands_in_the_page_once(page: Page) -> None:
    """Charts name rows of the table of all cases."""
    content = page.contents[0]
    curve = next(chart for chart in content["charts"] if chart["kind"] == "steps")
    table = content["tables"][curve["table"]]

    assert next(table["rows"][row]["label"] for row, _ in curve["points"]).startswith("gaussian_noise")
    assert [at for _, at in curve["points"]] == [1, 2, 3, 4, 5]
    assert [at for _, at in curve["clean"]] == [0]
    assert not [chart for chart in content["charts"] if "data" in chart or "values" in chart]


def test_accuracy_on_the_line_is_a_least_squares_fit_of_log_odds(page: Page) -> None:
    """Against scipy."""
    linregress = pytest.importorskip("scipy.stats").linregress
    content = page.contents[0]
    chart = next(chart for chart in content["charts"] if chart["kind"] == "line")
    pairs = [
        (content["tables"][chart["ends"]]["cells"][place][chart["clean"]][0], cells[chart["row"]][0])
        for place, cells in content["tables"][chart["table"]]["cells"].items()
    ]
    x, y = np.log(np.array(pairs).T / (100 - np.array(pairs).T))
    fit = linregress(x, y)

    assert len(pairs) == 14
    assert chart["fit"] == pytest.approx([fit.slope, fit.intercept], abs=1e-3)


def test_reliability_has_a_point_a_bin(page: Page) -> None:
    """Images, confidence and accuracy."""
    chart = next(chart for chart in page.contents[0]["charts"] if chart["kind"] == "reliability")

    assert len(chart["bins"]) == 14
    assert chart["bins"]["0"][0] == [20, 0.0333, pytest.approx(0.0333**1.3, abs=1e-3)]


def test_a_section_a_model_says_how_its_numbers_were_made(page: Page) -> None:
    """Linked from its row."""
    ids = [attributes["id"] for _, attributes in page.tags if str(attributes.get("id", "")).startswith("model-")]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a" and "#model-" in str(attributes["href"])]

    assert [f"#{one}" for one in ids] == links
    assert "robustbench-vit run corruptions occlusion --model" in page.text
    assert "preprocessing(crop_mode=center" in page.text


def test_hostile_names_are_text(page: Page) -> None:
    """In rows, attributes, data and scripts."""
    assert set(HOSTILE) < {maker["name"] for maker in page.makers}
    assert set(HOSTILE) < {attributes.get("data-sort") for tag, attributes in page.tags if tag == "th"}
    assert "<script>alert" not in page.html
    assert HOSTILE[3] in page.text


def test_facts_and_reasons_are_text(tmp_path: Path) -> None:
    """Whatever they are."""
    case = planned(status="failed", reason="<img src=x onerror=alert(1)>")
    facts = Facts({"zoo:a": {"command": "<b>run</b>"}}, {"device": "<i>cpu</i>"})
    found = Page(write(Board(score([case], lambda _: answers()), facts), tmp_path)[2])

    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert "<b>run</b>" in found.text
    assert "<i>cpu</i>" in found.text


def test_what_is_not_done_is_told_once_a_reason() -> None:
    """With all cases and models that share it, failures first."""
    plans = [curve_plan(model) for model in ("zoo:a", "zoo:b")]
    cases = [case for clean, half, full in plans for case in (clean, *both(half, full))]
    found = problems(sections(score(cases, lambda _: answers(True))))

    assert [(one.status, one.models, one.cases, one.reason) for one in found] == [
        ("failed", ("zoo:a", "zoo:b"), ("patchdrop(ratio=1.0)",), "out of memory"),
        ("skipped", ("zoo:a", "zoo:b"), ("patchdrop(ratio=0.5)",), "no data"),
    ]


def both(half: object, full: object) -> tuple[object, object]:
    """One case that was skipped, and one that failed."""
    return replace(half, status="skipped", reason="no data"), replace(full, status="failed", reason="out of memory")


def test_a_case_measured_twice_is_no_page(tmp_path: Path) -> None:
    """Also where it is no column of the summary."""
    found = score(curve_plan(), lambda _: answers(True))
    again = pd.concat([found, found[found["case"] == "patchdrop(ratio=0.5)"]], ignore_index=True)

    with pytest.raises(StoreError, match=r"top1 of patchdrop\(ratio=0.5\) by zoo:a is there twice"):
        write(Board(again), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_templates_have_no_data_and_no_urls() -> None:
    """The page puts the points in."""
    text = json.dumps({**templates()})

    assert '"url"' not in text
    assert len(text) < 40_000


def test_other_peoples_scripts_end_where_they_should() -> None:
    """Nothing in them looks like the end of their element, and none is a module that others import."""
    script, style = datatables()

    assert "window.DataTable=" in script
    assert "export{" not in script.replace(" ", "")
    assert not [text for text in (script, style, vega()) if "</script" in text or "</style" in text]


@pytest.mark.slow
def test_a_page_of_100_models_and_200_cases_is_below_3_mb(tmp_path: Path) -> None:
    """Scripts and all."""
    files = write(board(100), tmp_path)

    assert files[2].stat().st_size < 3_000_000
