"""The files of a leaderboard: two tables and a page."""

from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from robustbench_vit.leaderboard.attacks import file_columns
from robustbench_vit.leaderboard.page import page
from robustbench_vit.leaderboard.sections import Column, Facts, Section, sections
from robustbench_vit.store.files import write_text

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(measurements: pd.DataFrame, facts: Facts, out: Path) -> list[Path]:
    """Write ``results.csv``, ``leaderboard.csv`` and ``leaderboard.html``.

    Args:
        measurements: As `robustbench_vit.aggregates.score` gives them.
        facts: Facts of models and run.
        out: Folder; made if it is not there. Files of these names are replaced, each at once.

    Returns:
        The files: a row a measurement; a row a (suite, data set, model); the page, which needs no other file and no
        network.

    Raises:
        StoreError: If something was measured twice.
    """
    parts = sections(measurements)
    texts = {
        "results.csv": _csv(measurements),
        "leaderboard.csv": _csv(pd.DataFrame([row for section in parts for row in _rows(section, facts)])),
        "leaderboard.html": page(parts, facts),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def write_csv(measurements: pd.DataFrame, file: Path) -> Path:
    """Write the measurements alone, a row each."""
    write_text(file, _csv(measurements))
    return file


def _rows(section: Section, facts: Facts) -> list[dict[str, Any]]:
    """One row a model; every number with the ends of its interval."""
    rows = []
    for model in section.models:
        row: dict[str, Any] = {"suite": section.suite, "data": section.data, "model": model, "n": section.images(model)}
        for column in (*section.columns, *file_columns(section)):
            row |= _numbers(section, model, column)
        row |= {status: section.count(model, status) for status in ("partial", "failed", "skipped")}
        known = dict(facts.models.get(model, {}))
        row |= {name: known.pop(name, None) for name in ("parameters", "throughput")} | known
        rows.append(row)
    return rows


def _numbers(section: Section, model: str, column: Column) -> dict[str, float | None]:
    cell = section.cell(model, column)
    ends = (cell.value, cell.low, cell.high) if cell and not isnan(cell.value) else (None, None, None)
    return dict(zip((column.name, f"{column.name} low", f"{column.name} high"), ends, strict=True))


def _csv(frame: pd.DataFrame) -> str:
    """The frame as CSV whose text no spreadsheet takes for a formula."""
    safe = frame.rename(columns=_harmless)
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(_harmless)
    return safe.to_csv(index=False, lineterminator="\n")


def _harmless(value: Any) -> Any:
    """Text that begins like a formula gets a leading apostrophe (OWASP, "CSV injection")."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
