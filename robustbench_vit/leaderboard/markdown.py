"""leaderboard.md: the summary as a table that a README or an issue can take."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from robustbench_vit.leaderboard.shown import Shown
from robustbench_vit.leaderboard.summary import Head, Row, Summary

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")  # what Markdown may read as more than itself
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(summary: Summary) -> str:
    """The columns that the page shows at first, best model first.

    Args:
        summary: The table.

    Returns:
        A table a data set in GitHub's Markdown; text from users is escaped.
    """
    if not summary.rows:
        return "Nothing was measured.\n"
    return "\n".join([*_tables(summary), *_notes(summary)]) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line.

    Example:
        >>> escaped("a|b <i>")
        'a\\|b &lt;i&gt;'
    """
    one_line = " ".join(text.split())
    return "".join(_ENTITIES.get(letter) or _MARKS.sub(r"\\\1", letter) for letter in one_line)


def _tables(summary: Summary) -> Iterator[str]:
    """A table a data set, of the models that have numbers there."""
    for data in summary.data_sets:
        if len(summary.data_sets) > 1:
            yield f"### {escaped(data)}\n"
        yield from _table(summary, data)
        yield ""


def _table(summary: Summary, data: str) -> Iterator[str]:
    places = [place for place, head in enumerate(summary.heads) if head.shown and head.column.data == data]
    facts = [head for head in summary.facts if head.shown]
    yield _line(["model", *(_head(summary.heads[place]) for place in places), *(head.title for head in facts)])
    yield _line(["---", *["---:"] * (len(places) + len(facts))])
    for row in _rows(summary, data, places):
        numbers = [_number(row.cells[place]) for place in places]
        yield _line([_model(row), *numbers, *(escaped(row.facts[head.name].text) for head in facts)])


def _rows(summary: Summary, data: str, places: Sequence[int]) -> list[Row]:
    """The models of a data set, best first by its first column; if there is but one data set, all."""
    rows = [row for row in summary.rows if data in row.data or len(summary.data_sets) == 1]
    if not places:
        return rows
    sign = 1 if summary.heads[places[0]].column.higher_is_better is False else -1
    return sorted(rows, key=lambda row: sign * float(row.cells[places[0]].sort or sign * inf))


def _notes(summary: Summary) -> Iterator[str]:
    ranks = (
        " **Bold**: cannot be told from the best of its column. In brackets behind a number: its rank, 1 + the number "
        "of models that are significantly better."
    )
    yield f"With 95 % intervals.{ranks if summary.is_ranked else ''}"
    shown = {head.title: head.definition for head in reversed(summary.heads) if head.shown}
    yield from (f"\n- {escaped(shown[title])}" for title in reversed(shown))


def _head(head: Head) -> str:
    unit = f", {head.unit}" if head.unit else ""
    where = replace(head.group, images=head.images or head.group.images).name
    return f"{escaped(head.title)}{unit}<br>{escaped(head.column.label)}<br><sub>{escaped(where)}</sub>"


def _model(row: Row) -> str:
    return f"{escaped(row.model)} *(reported, not run)*" if row.reported else escaped(row.model)


def _number(cell: Shown) -> str:
    text = f"**{cell.text}**" if cell.rank.tied else cell.text
    rank = f" ({cell.rank.place})" if cell.rank.place else ""
    seeds = f" {cell.spread} of seeds" if cell.spread else ""
    interval = f"<br><sub>{cell.interval}{seeds}</sub>" if cell.interval or seeds else ""
    return f"{text}{' ⚠' if cell.warning else ''}{rank}{interval}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
