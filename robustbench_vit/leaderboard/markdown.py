"""leaderboard.md: the summary as a table that a README or an issue can take."""

import re
from collections.abc import Iterator

from robustbench_vit.leaderboard.summary import Head, Row, Shown, Summary

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")  # what Markdown may read as more than itself
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(summary: Summary) -> str:
    """The columns that the page shows at first, best model first.

    Args:
        summary: The table.

    Returns:
        A table in GitHub's Markdown; text from users is escaped.
    """
    if not summary.rows:
        return "Nothing was measured.\n"
    return "\n".join([*_table(summary), "", *_notes(summary)]) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line.

    Example:
        >>> escaped("a|b <i>")
        'a\\|b &lt;i&gt;'
    """
    one_line = " ".join(text.split())
    return "".join(_ENTITIES.get(letter) or _MARKS.sub(r"\\\1", letter) for letter in one_line)


def _table(summary: Summary) -> Iterator[str]:
    places = [place for place, head in enumerate(summary.heads) if head.shown]
    heads = [_head(summary.heads[place]) for place in places]
    yield _line(["model", *heads, *summary.facts])
    yield _line(["---", *["---:"] * (len(heads) + len(summary.facts))])
    for row in summary.rows:
        numbers = [_number(row.cells[place]) for place in places]
        facts = [escaped(row.facts[name].text) for name in summary.facts]
        yield _line([_model(row), *numbers, *facts])


def _notes(summary: Summary) -> Iterator[str]:
    yield (
        "With 95 % intervals. **Bold**: cannot be told from the best of its column. In brackets behind a number: its "
        "rank, 1 + the number of models that are significantly better."
    )
    shown = {head.column.metric: head for head in summary.heads if head.shown}
    for head in shown.values():
        yield f"\n- {escaped(head.definition)}"


def _head(head: Head) -> str:
    unit = f", {head.unit}" if head.unit else ""
    where = f"{head.column.suite} on {head.column.data}"
    return f"{escaped(head.title)}{unit}<br>{escaped(head.column.label)}<br><sub>{escaped(where)}</sub>"


def _model(row: Row) -> str:
    return f"{escaped(row.model)} *(reported, not run)*" if row.reported else escaped(row.model)


def _number(cell: Shown) -> str:
    text = f"**{cell.text}**" if cell.tied else cell.text
    rank = f" ({cell.rank})" if cell.rank else ""
    interval = f"<br><sub>{cell.interval}</sub>" if cell.interval else ""
    return f"{text}{' ⚠' if cell.warning else ''}{rank}{interval}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
