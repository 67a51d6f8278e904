"""The files of a leaderboard: three tables and a page."""

from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from robustbench_vit.leaderboard.attacks import file_columns
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.columns import Column
from robustbench_vit.leaderboard.facts import Facts
from robustbench_vit.leaderboard.markdown import markdown
from robustbench_vit.leaderboard.page import page
from robustbench_vit.leaderboard.sections import Section, sections
from robustbench_vit.leaderboard.shown import Ranks, ranks_of
from robustbench_vit.leaderboard.summary import summary
from robustbench_vit.store.csv_file import with_parameters, write_table
from robustbench_vit.store.files import write_text

_SPREAD = " seed_sd"  # ends the name of a column
_RUN = ("device", "seed", "dtype", "versions")


def write(board: Board, out: Path) -> list[Path]:
    """Write ``results.csv``, ``leaderboard.csv``, ``leaderboard.html`` and ``leaderboard.md``.

    Args:
        board: What was measured.
        out: Folder; made if it is not there. Files of these names are replaced, each at once.

    Returns:
        The files: a row a measurement; a row a (suite, data set, model); the page, which needs no other file and no
        network; a row a model, as Markdown.

    Raises:
        StoreError: If something was measured twice.
    """
    parts = sections(board.measurements)
    table = summary(parts, board)
    ranks = ranks_of(board.ranks)
    wide = pd.DataFrame([row for section in parts for row in _rows(section, board.facts, ranks)])
    html, text = page(parts, board, table), markdown(table, parts)
    files = [write_csv(board.everything, out / "results.csv"), write_table(wide, out / "leaderboard.csv")]
    for name, content in {"leaderboard.html": html, "leaderboard.md": text}.items():
        write_text(out / name, content)
        files.append(out / name)
    return files


def write_csv(measurements: pd.DataFrame, file: Path) -> Path:
    """Write a table alone, a row each; measurements with the parameters of their specs."""
    told = with_parameters(measurements) if "perturbation" in measurements else measurements
    return write_table(told, file)


def _rows(section: Section, facts: Facts, ranks: Ranks) -> list[dict[str, Any]]:
    """One row a model; every number with the ends of its interval, and the spread between its seeds."""
    rows = []
    for model in section.models:
        row: dict[str, Any] = {"suite": section.suite, "data": section.data, "model": model, "n": section.images(model)}
        for column in (*section.columns, *file_columns(section)):
            row |= _numbers(section, model, column, ranks)
        row |= {status: section.count(model, status) for status in ("partial", "failed", "skipped")}
        known = {name: value for name, value in facts.models.get(model, {}).items() if not isinstance(value, Mapping)}
        row |= {name: known.pop(name, None) for name in ("parameters", "throughput")} | known
        run = {name: facts.last_run(model).get(name) for name in _RUN if facts.last_run(model)}
        if any(name.endswith(_SPREAD) for name in row):
            run["seed"] = facts.seeds(model, section.suite)
        rows.append(row | run)
    return rows


def _numbers(section: Section, model: str, column: Column, ranks: Ranks) -> dict[str, float | None]:
    cell = section.cell(model, column)
    ends = (cell.value, cell.low, cell.high) if cell and not isnan(cell.value) else (None, None, None)
    numbers: dict[str, float | None] = dict(
        zip((column.name, f"{column.name} low", f"{column.name} high"), ends, strict=True)
    )
    if cell and not isnan(cell.seed_sd):
        numbers[f"{column.name}{_SPREAD}"] = cell.seed_sd
    if (found := ranks.get((*column.place, model))) and found.place:
        numbers[f"{column.name} rank"] = found.place
    return numbers
