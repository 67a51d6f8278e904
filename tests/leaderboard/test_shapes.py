"""Cue conflict and error consistency on the leaderboard."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_runs import CUES, cue_conflict, planned
from golden import make_shape_bias
from page_reader import Page
from rich.console import Console

from robustbench_vit.aggregates import score
from robustbench_vit.labels import label_space
from robustbench_vit.leaderboard import Board, tables, write
from robustbench_vit.leaderboard.published import published, source
from robustbench_vit.leaderboard.sections import Section, sections
from robustbench_vit.leaderboard.shapes import NUMBERS, SUMMARY, consistencies, shape_axes
from robustbench_vit.trials import Trials

SEEN = "cdc cdd oco doo cod ccc"
DECISIONS = {"zoo:low": "cdd cdd oco doo cod cco", "zoo:high": SEEN}
CLASSES = label_space("imagenet-16").classes


def measured(*, humans: bool = False) -> pd.DataFrame:
    """Measurements of two models, and of two subjects."""
    cells = dict(cue_conflict(decisions, model=model) for model, decisions in DECISIONS.items())
    _, rows = cue_conflict(SEEN)
    words = {
        name: [CUES[number] for number in rows[column]]
        for name, column in (("category", "label"), ("response", "pred"))
    }
    decided = pd.DataFrame({"image": rows["id"], **words})
    said = [Trials("cue_conflict", f"subject-0{number}", True, Path("x.csv"), decided) for number in (1, 2)]
    return score(list(cells), cells.__getitem__, trials=said if humans else ())


def section(**kinds: bool) -> Section:
    """The only section."""
    return sections(measured(**kinds))[0]


def published_section(n: int = 1280, data: str = "cue_conflict(published)") -> Section:
    """A model that answers at random on images that look like the published ones by name and number."""
    shapes = np.repeat(np.arange(16), 80)
    textures = np.tile(np.repeat(np.arange(16), 5), 16)
    case, rows = cue_conflict("cdc", data=data, num_classes=16, classes=CLASSES, n=n)
    many = pd.concat([rows] * 1280, ignore_index=True)
    places = np.arange(1280)
    pred = np.where(places % 3 == 0, shapes, textures)
    many = many.assign(
        id=[f"x/{place}" for place in places], position=places, label=shapes, texture=textures, pred=pred
    )
    return sections(score([case], lambda _: many))[0]


def test_shape_bias_is_a_column_of_the_summary() -> None:
    """Behind the accuracy; no end is good."""
    found = section()
    column = found.columns[1]

    assert [one.name for one in found.columns[:2]] == ["clean_top1", "clean_shape_bias"]
    assert found.definition(column).startswith("S / (S + T) with S decisions for the shape")


def test_humans_are_no_models() -> None:
    """They stand beside models, never in their ranking; the difference to them does."""
    found = section(humans=True)

    assert found.models == ("zoo:high", "zoo:low")
    assert "accuracy_difference clean / trials:humans" in [column.name for column in found.columns]
    assert shape_axes(found)[0].makers == ("zoo:high", "zoo:low", "trials:humans")


def test_axis_has_all_numbers() -> None:
    """Of models in the order of the table, with categories in the order of the classes."""
    (axis,) = shape_axes(section())

    assert axis.categories == CUES
    assert [axis.at("zoo:high", metric).value for metric in SUMMARY] == [2 / 4, 1 / 2, 2 / 5, 2 / 5]
    assert [axis.of("zoo:high", category).value for category in CUES] == [1 / 2, 0, 1]
    assert axis.source == ""


def test_without_conflict_there_is_no_axis() -> None:
    """Other suites are as before."""
    case, rows = cue_conflict("ccc ddo")
    found = sections(score([case], lambda _: rows))[0]

    assert shape_axes(found) == []
    assert consistencies(found) == []


def test_consistency_is_the_same_both_ways() -> None:
    """Nobody stands beside himself but the humans, who are several."""
    (found,) = consistencies(section(humans=True))

    assert found.makers == ("zoo:high", "zoo:low", "trials:humans")
    assert found.at("zoo:low", "zoo:high") == found.at("zoo:high", "zoo:low")
    assert found.at("zoo:low", "zoo:low") is None
    assert found.at("trials:humans", "trials:humans").value == 1


def test_published_numbers_stand_beside_the_published_images() -> None:
    """Humans and eleven networks; 9236 of 9634, and 162 of 734."""
    (axis,) = shape_axes(published_section())
    humans = axis.at("humans (published)", "shape_bias")

    assert len(axis.makers) == 13
    assert humans.value == 9236 / (9236 + 398)
    assert humans.low < humans.value < humans.high
    assert axis.at("humans (published)", "shape_bias_classmean").value == pytest.approx(0.9538, abs=5e-5)
    assert axis.at("ResNet-50 (published)", "shape_bias").value == 162 / 734
    assert axis.at("ResNet-50 trained on SIN (published)", "shape_bias").value == 586 / 727
    assert axis.at("VGG-16 (published)", "shape_bias").value == 84 / 912
    assert axis.of("humans (published)", "boat").value == pytest.approx(0.872, abs=5e-4)
    assert "single subjects: from 91.9% to 98.7%, mean 95.8%" in axis.source


@pytest.mark.parametrize("found", [{"n": 600}, {"data": "cue_conflict_too(x)"}, {"data": "folder(x)"}])
def test_published_numbers_stand_nowhere_else(found: dict[str, object]) -> None:
    """A part of the images, or others."""
    (axis,) = shape_axes(published_section(**found))

    assert axis.makers == ("zoo:a",)


def test_published_numbers_stand_beside_no_other_classes() -> None:
    """Whatever the number of images."""
    (item,) = [item for item in section().of("shape_bias") if item.model == "zoo:low"]

    assert published(replace(item, n=1200), CUES) == []


def test_published_file_is_what_the_trials_give(shared_data: Path) -> None:
    """Counts and intervals, from the CSV files."""
    file = Path(make_shape_bias.__file__).parents[2] / "robustbench_vit" / "leaderboard" / "published.toml"

    assert make_shape_bias.text(shared_data) == file.read_text(encoding="utf-8")


def page(out: Path, found: pd.DataFrame) -> Page:
    """The page."""
    return Page(write(Board(found), out)[2])


def test_page_has_figure_tables_and_definitions(tmp_path: Path) -> None:
    """What is drawn stands in tables; the figure's points are theirs."""
    found = page(tmp_path, measured(humans=True))
    (figure,) = [chart for chart in found.contents[0]["charts"] if chart["kind"] == "shape"]
    tables = found.contents[0]["tables"]

    assert found.rows(tables[figure["averages"]], "zoo:high")["shape bias"][0] == 50
    assert {name: cell[0] for name, cell in found.rows(tables[figure["table"]], "zoo:high").items()} == {
        "cat": 50,
        "dog": 0,
        "owl": 100,
    }
    assert all(low <= value <= high for value, low, high, _ in found.rows(tables[figure["table"]], "zoo:high").values())
    assert "5 trials with conflict, 1 without left out. Vertical lines" in found.text
    assert "Error consistency, κ" in found.text
    assert "Cohen's kappa of being right" in found.text
    assert "Published:" not in found.text


def test_consistency_is_a_table_of_pairs(tmp_path: Path) -> None:
    """Rows of those who are not shown go with their columns."""
    found = page(tmp_path, measured(humans=True))
    pairs = found.contents[0]["tables"][2]

    assert [row["maker"] for row in pairs["rows"]] == [0, 1, 2]
    assert found.rows(pairs, "zoo:low")["zoo:high"] == found.rows(pairs, "zoo:high")["zoo:low"]
    assert found.rows(pairs, "zoo:low")["zoo:low"] is None


def test_humans_are_drawn_at_first_and_published_networks_are_not(tmp_path: Path) -> None:
    """With their source; humans have the colour of the text."""
    found = page(tmp_path, pd.DataFrame([vars(item) for item in published_section().of(*NUMBERS)]))
    makers = {maker["name"]: maker for maker in found.makers}

    assert len(makers) == 13
    assert not makers["ResNet-50 (published)"]["on"]
    assert makers["humans (published)"]["on"]
    assert makers["humans (published)"]["colour"] == "var(--text)"
    assert "Published: R. Geirhos et al." in found.text
    assert " ".join(source().split()) in found.text


def test_names_on_the_figure_are_text(tmp_path: Path) -> None:
    """Also those of trials and classes."""
    case, rows = cue_conflict(SEEN, model="<b>x</b>", classes=("<i>", "dog", "owl"))
    found = page(tmp_path, score([case], lambda _: rows))

    assert "<b>x" not in found.html
    assert not [attributes for tag, attributes in found.tags if tag == "i" and "style" not in attributes]
    assert [row["label"] for row in found.contents[0]["tables"][1]["rows"]] == ["<i>", "dog", "owl"]


def test_leaderboard_file_has_shape_bias_with_interval(tmp_path: Path) -> None:
    """A row a model; humans are in results.csv."""
    files = write(Board(measured(humans=True)), tmp_path)
    table, long = pd.read_csv(files[1]), pd.read_csv(files[0])

    assert table["model"].tolist() == ["zoo:high", "zoo:low"]
    assert (table["clean_shape_bias low"] < table["clean_shape_bias"]).all()
    assert {"human", "humans", "model"} == set(long["maker"])


def test_terminal_has_a_short_table() -> None:
    """Models and humans; published networks are on the page."""
    console = Console(width=140, file=io.StringIO())
    found = published_section()
    for table in tables(pd.DataFrame([vars(item) for item in found.of(*NUMBERS)])):
        console.print(table)
    text = console.file.getvalue()

    assert re.search(r"zoo:a ┃ humans \(published\)", text)
    assert re.search(r"class mean\s+│\s+33\.3 │\s+95\.4", text)
    assert "ResNet-50" not in text
    assert "1,200 trials with conflict, 80 without left out" in " ".join(text.split())


def test_pages_without_cue_conflict_say_nothing_of_it(tmp_path: Path) -> None:
    """Other suites are as before."""
    assert "texture" not in page(tmp_path, score([planned()], lambda _: cue_conflict("ccc")[1])).text
