"""Accuracy on the line: the page draws the line of effective robustness and no other."""

from dataclasses import replace

import pandas as pd
from fake_board import DATA, board

from robustbench_vit.aggregates.on_the_line import LINES
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.page.detail import Detail, detail
from robustbench_vit.leaderboard.sections import sections


def occlusion(models: int, fitted: int) -> Detail:
    """The suite of that name, with a line through so many models."""
    found = board(models, curves=3)
    geometry = str(found.measurements["geometry"].iloc[0])
    line = ("occlusion@1", DATA, geometry, "occlusion", "family_accuracy", 0.75, -0.123456, fitted)
    return shown(replace(found, lines=pd.DataFrame([line], columns=list(LINES))))


def shown(found: Board) -> Detail:
    """The suite of occlusion."""
    section = next(one for one in sections(found.measurements) if one.suite == "occlusion@1")
    return detail(section, {name: place for place, name in enumerate(section.models)}, found)


def line_of(found: Detail) -> dict[str, object]:
    """The only chart of its kind."""
    (chart,) = (chart for chart in found.charts if chart["kind"] == "line")
    return chart


def test_the_line_is_that_of_effective_robustness() -> None:
    """Slope and intercept as they were fitted, through as many models."""
    chart = line_of(occlusion(7, 6))

    assert (chart["fit"], chart["models"]) == ([0.75, -0.12346], 6)


def test_a_line_through_few_models_is_not_drawn() -> None:
    """Their points are, from three on."""
    assert "fit" not in line_of(occlusion(7, 4))
    assert not [chart for chart in occlusion(2, 2).charts if chart["kind"] == "line"]


def test_captions_tell_the_lines_that_are_drawn() -> None:
    """And y = x only where it crosses the points."""
    block = next(block for block in occlusion(7, 6).blocks if block.title == "Accuracy on the line")

    assert block.charts[0][1:] == ("occlusion", "log-odds on both axes; dotted: y = x; dashed: fit through 6 models")
