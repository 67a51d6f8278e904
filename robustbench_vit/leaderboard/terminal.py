"""The leaderboard in a terminal."""

from collections.abc import Sequence
from math import isnan

import pandas as pd
from rich.table import Table
from rich.text import Text

from robustbench_vit.leaderboard.sections import Column, Section, interval, number, sections, short_labels
from robustbench_vit.records import Measurement

_MOST = 30  # cases shown of a suite without curves; the page has all


def tables(measurements: pd.DataFrame) -> list[Table]:
    """One table for each suite, version and data set.

    Args:
        measurements: As `robustbench_vit.aggregates.score` gives them.

    Returns:
        A row a model: clean accuracy and the area under each curve with their intervals, and how many cases are
        missing.
    """
    return [_table(section) for section in sections(measurements)]


def _table(section: Section) -> Table:
    columns = [
        column for column in section.columns if column.metric in {"top1", "auc"} and _has_numbers(section, column)
    ]
    if all(column.metric != "auc" for column in columns):  # a suite without curves shows its cases
        short = short_labels(case for case, _ in section.cases)
        columns = [Column("top1", case, where, "accuracy", short[case], case) for case, where in section.cases[:_MOST]]
    heads = [f"{column.of} {column.label}" for column in columns]
    cells = [[_cell(section.cell(model, column)) for column in columns] for model in section.models]
    if len(section.models) < len(columns):  # few models: what was measured goes down, models go across
        return _filled(section, "", section.models, heads, [list(row) for row in zip(*cells, strict=True)])
    return _filled(section, "model", heads, section.models, cells)


def _has_numbers(section: Section, column: Column) -> bool:
    cells = (section.cell(model, column) for model in section.models)
    return any(cell is not None and not isnan(cell.value) for cell in cells)


def _filled(
    section: Section, corner: str, columns: Sequence[str], rows: Sequence[str], cells: Sequence[Sequence[Text]]
) -> Table:
    # Text, never str: names come from users, and rich would read brackets in them as markup.
    title = Text(f"{section.suite} on {section.data}, {_images(section)} images", style="bold")
    table = Table(title=title, caption=_caption(section))
    table.add_column(corner, overflow="fold")
    for column in columns:
        table.add_column(Text(column), justify="right", overflow="fold")
    for row, content in zip(rows, cells, strict=True):
        table.add_row(Text(row), *content)
    return table


def _images(section: Section) -> str:
    counts = sorted({section.images(model) for model in section.models})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


def _caption(section: Section) -> Text:
    """What the numbers are, and which models lack some."""
    caption = Text("accuracy in %, 95 % interval")
    for model in section.models:
        for status in ("failed", "skipped", "partial"):
            if count := section.count(model, status):
                caption.append(f"\n{model}: {count} {status}", style="red" if status == "failed" else "dim")
    return caption


def _cell(measurement: Measurement | None) -> Text:
    if measurement is None:
        return Text("")
    text = Text(number(measurement.value, measurement.unit))
    return text.append(f"\n{interval(measurement)}", style="dim") if interval(measurement) else text
