"""What the page's script draws from, and how much of it there is."""

from pathlib import Path

import pandas as pd
import pytest
from fake_board import HOSTILE, board
from fake_runs import answers, curve_plan, planned
from page_reader import Page

from robustbench_vit.aggregates import score
from robustbench_vit.errors import StoreError
from robustbench_vit.leaderboard import Board, Facts, write
from robustbench_vit.leaderboard.page.vendored import datatables, vega


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


def test_a_section_a_model_says_how_its_numbers_were_made(page: Page) -> None:
    """Linked from its row."""
    ids = [attributes["id"] for _, attributes in page.tags if str(attributes.get("id", "")).startswith("model-")]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a" and "#model-" in str(attributes["href"])]

    assert [f"#{one}" for one in ids] == links
    assert "robustbench-vit run corruptions occlusion --model" in page.text
    assert "preprocessing(crop_mode=center" in page.text


def test_suites_of_one_command_stand_together(tmp_path: Path) -> None:
    """Every run of a model is told, and what two have in common once."""
    runs = [{"suites": one, "began": one, "command": text} for one, text in (("a@1", "x"), ("b@1", "x"), ("a@1", "y"))]
    found = Page(write(Board(score([planned()], lambda _: answers(True)), Facts({}, {"zoo:a": runs})), tmp_path)[2])

    assert "a@1, b@1 began a@1 command x a@1 began a@1 command y" in found.text
    assert "3 runs, from a@1 to b@1" in found.text


def test_hostile_names_are_text(page: Page) -> None:
    """In rows, attributes, data and scripts."""
    assert set(HOSTILE) < {maker["name"] for maker in page.makers}
    assert set(HOSTILE) < {attributes.get("data-sort") for tag, attributes in page.tags if tag == "th"}
    assert "<script>alert" not in page.html
    assert HOSTILE[3] in page.text


def test_facts_and_reasons_are_text(tmp_path: Path) -> None:
    """Whatever they are."""
    case = planned(status="failed", reason="<img src=x onerror=alert(1)>")
    facts = Facts({"zoo:a": {"digest": "<u>12</u>"}}, {"zoo:a": [{"command": "<b>run</b>", "device": "<i>cpu</i>"}]})
    found = Page(write(Board(score([case], lambda _: answers()), facts), tmp_path)[2])

    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert "<u>12</u>" in found.text
    assert "<b>run</b>" in found.text
    assert "<i>cpu</i>" in found.text


def test_a_case_measured_twice_is_no_page(tmp_path: Path) -> None:
    """Also where it is no column of the summary."""
    found = score(curve_plan(), lambda _: answers(True))
    again = pd.concat([found, found[found["case"] == "patchdrop(ratio=0.5)"]], ignore_index=True)

    with pytest.raises(StoreError, match=r"top1 of patchdrop\(ratio=0.5\) by zoo:a is there twice"):
        write(Board(again), tmp_path)
    assert list(tmp_path.iterdir()) == []


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
