"""The leaderboard in a terminal."""

import pandas as pd
from rich.table import Table
from rich.text import Text

from robustbench_vit.leaderboard.sections import Section, interval, number, sections
from robustbench_vit.records import Measurement


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
    # Text, never str: names come from users, and rich would read brackets in them as markup.
    table = Table(
        title=Text(f"{section.suite} on {section.data}", style="bold"), caption="accuracy in %, 95 % interval"
    )
    columns = [column for column in section.columns if column.metric in {"top1", "auc"}]
    # Suites without curves still have something to show.
    columns += [column for column in section.columns if column.metric == "family_accuracy" and len(columns) < 2]
    table.add_column("model", overflow="fold")
    table.add_column("images", justify="right")
    for column in columns:
        table.add_column(Text(f"{column.of}\n{column.label}"), justify="right", overflow="fold")
    table.add_column("not done", justify="right")
    for model in section.models:
        missing = sum(section.count(model, status) for status in ("failed", "skipped", "partial"))
        cells = [_cell(section.cell(model, column)) for column in columns]
        counted = Text(str(missing), style="red" if missing else "dim")
        table.add_row(Text(model), str(section.images(model)), *cells, counted)
    return table


def _cell(measurement: Measurement | None) -> Text:
    if measurement is None:
        return Text("")
    text = Text(number(measurement.value, measurement.unit))
    return text.append(f"\n{interval(measurement)}", style="dim") if interval(measurement) else text
