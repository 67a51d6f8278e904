"""The leaderboard in a terminal."""

from collections.abc import Iterator, Sequence
from math import isnan

import pandas as pd
from rich.table import Table
from rich.text import Text

from robustbench_vit.leaderboard.attacks import MARK, Attacks, Doubt, Transfer, attacks, marked, transfers, warnings
from robustbench_vit.leaderboard.columns import ROBUST, Column
from robustbench_vit.leaderboard.formatting import interval, number, spread
from robustbench_vit.leaderboard.grids import Grid, grids
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.sections import Section, sections
from robustbench_vit.leaderboard.shapes import SUMMARY, ShapeAxis, shape_axes
from robustbench_vit.records import Measurement

_SHOWN = {"top1", ROBUST, "robust_auc", "auc", "mce", "relative_mce", "mean_corruption_accuracy"}
_MOST = 30  # cases shown of a suite without curves; the page has all


def tables(measurements: pd.DataFrame) -> list[Table]:
    """A table for each suite, version and data set; behind it those of corruptions, attacks, warnings, cue conflict.

    Args:
        measurements: As `robustbench_vit.aggregates.score` gives them.

    Returns:
        A row a model: clean accuracy, corruption errors and the area under each curve with their intervals, and how
        many cases are missing. For attacks, what they leave and cost, the transfer between models, and a line a
        warning. For a grid, the mean accuracy and the corruption error of each corruption; for cue
        conflict, the shape bias of models and humans.
    """
    return [table for section in sections(measurements) for table in _tables(section)]


def _tables(section: Section) -> Iterator[Table]:
    yield _table(section)
    yield from (_grid_table(grid) for grid in grids(section))
    if (found := attacks(section)).rows:
        yield _attack_table(found)
    yield from (_transfer_table(one) for one in transfers(section))
    if doubted := warnings(section):
        yield _warning_table(section, doubted)
    yield from (_shape_table(section, axis) for axis in shape_axes(section))


def _table(section: Section) -> Table:
    columns = [column for column in section.columns if _is_shown(column) and _has_numbers(section, column)]
    if all(column.metric == "top1" for column in columns) and not grids(section):  # without curves, show the cases
        short = short_labels((case for case, _ in section.cases), section.full_specs)
        columns = [
            Column(section.suite, section.data, "top1", case, where, "accuracy", short[case], case)
            for case, where in section.cases[:_MOST]
        ]
    heads = [f"{column.of} {column.label}" for column in columns]
    cells = [[_cell(section.cell(model, column)) for column in columns] for model in section.models]
    title = f"{section.suite} on {section.data}, {_images(section)} images"
    table = _filled(title, section.models, heads, cells)
    table.caption = _caption(section, columns)
    return table


def _grid_table(grid: Grid) -> Table:
    models, heads = grid.section.models, [row.name for row in grid.rows]
    cells = [[_grid_cell(grid.accuracy(model, row), grid.error(model, row)) for row in grid.rows] for model in models]
    table = _filled(f"{grid.section.suite} on {grid.section.data}, {grid.label}", models, heads, cells)
    table.caption = Text("mean accuracy over severities 1 to 5 in %, 95 % interval")
    if grid.definition:
        table.caption.append(f"\nCE: {grid.definition}")
    return table


def _attack_table(found: Attacks) -> Table:
    section, heads = found.section, [row.label for row in found.rows]
    cells = [
        [_lines(_cell(section.cell(model, row)), found.passes(model, row)) for row in found.rows]
        for model in section.models
    ]
    table = _filled(f"{section.suite} on {section.data}, attacks", section.models, heads, cells)
    table.caption = Text("robust accuracy in %, 95 % interval, passes for an image")
    return table


def _transfer_table(found: Transfer) -> Table:
    section, sources = found.section, list(found.cases)
    title = f"{section.suite} on {section.data}, transfer of {found.attack}"
    table = _empty(title, "made on", [f"judged by {model}" for model in section.models])
    for source in sources:
        table.add_row(Text(source), *(_cell(found.at(source, model)) for model in section.models))
    table.caption = Text("robust accuracy in %, 95 % interval")
    return table


def _warning_table(section: Section, found: Sequence[Doubt]) -> Table:
    table = Table(title=Text(f"{MARK} {section.suite} on {section.data}, warnings", style="bold red"))
    for head in ("model", "case", "warning"):
        table.add_column(head, overflow="fold")
    for item in found:
        table.add_row(Text(item.model), Text("\n".join(item.cases)), Text(item.text))
    return table


def _shape_table(section: Section, axis: ShapeAxis) -> Table:
    makers = [maker for maker in axis.makers if maker in section.models or maker in axis.humans]
    cells = [[_cell(axis.at(maker, metric)) for metric in SUMMARY] for maker in makers]
    table = _filled(f"{section.suite} on {section.data}, shape or texture", makers, list(SUMMARY.values()), cells)
    table.caption = Text(f"in %, 95 % interval; shape bias: {axis.definition}")
    return table


def _is_shown(column: Column) -> bool:
    """Whether there is room for a column; the mean of a family stands for corruptions alone, whose curves have none."""
    return column.metric in _SHOWN or (column.metric == "family_accuracy" and column.case.startswith("corruptions("))


def _has_numbers(section: Section, column: Column) -> bool:
    cells = (section.cell(model, column) for model in section.models)
    return any(cell is not None and not isnan(cell.value) for cell in cells)


def _filled(title: str, models: Sequence[str], heads: Sequence[str], cells: Sequence[Sequence[Text]]) -> Table:
    """A row a model; with few models, what was measured goes down and models go across."""
    across = len(models) < len(heads)
    columns, rows = (models, heads) if across else (heads, models)
    table = _empty(title, "" if across else "model", columns)
    for row, content in zip(rows, zip(*cells, strict=True) if across else cells, strict=True):
        table.add_row(Text(row), *content)
    return table


def _empty(title: str, first: str, columns: Sequence[str]) -> Table:
    # Text, never str: names come from users, and rich would read brackets in them as markup.
    table = Table(title=Text(title, style="bold"))
    table.add_column(first, overflow="fold")
    for column in columns:
        table.add_column(Text(column), justify="right", overflow="fold")
    return table


def _images(section: Section) -> str:
    counts = sorted({section.images(model) for model in section.models})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


def _caption(section: Section, columns: Sequence[Column]) -> Text:
    """What the numbers are, and which models lack some."""
    caption = Text("accuracy in %, 95 % interval")
    if any((cell := section.cell(model, column)) and spread(cell) for model in section.models for column in columns):
        caption.append(", ± standard deviation between seeds")
    for column in section.columns:
        if column.metric == "mce" and _has_numbers(section, column):
            caption.append(f"\n{column.of}: {section.definition(column)}")
    for model in section.models:
        for status in ("failed", "skipped", "partial"):
            if count := section.count(model, status):
                caption.append(f"\n{model}: {count} {status}", style="red" if status == "failed" else "dim")
    return caption


def _cell(measurement: Measurement | None) -> Text:
    if measurement is None:
        return Text("")
    return _lines(Text(marked(measurement)), _span(measurement))


def _span(measurement: Measurement) -> str:
    """The interval, and the spread between seeds if there are several."""
    return " ".join(filter(None, (interval(measurement), spread(measurement))))


def _lines(text: Text, more: str) -> Text:
    return text.append(f"\n{more}", style="dim") if more else text


def _grid_cell(accuracy: Measurement | None, error: str) -> Text:
    if accuracy is None:
        return Text("")
    text = Text(number(accuracy.value, accuracy.unit))
    text.append(f" {_span(accuracy)}", style="dim")
    return text.append(f"\n{error}", style="dim") if error else text
