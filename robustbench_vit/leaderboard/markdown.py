"""leaderboard.md: the summary as a table that a README or an issue can take."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from math import inf

from robustbench_vit.aggregates.groups import split
from robustbench_vit.leaderboard.attacks import MARK, warnings
from robustbench_vit.leaderboard.problems import problems
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.leaderboard.shown import Shown
from robustbench_vit.leaderboard.summary import Head, Row, Summary

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")  # what Markdown may read as more than itself
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BETWEEN = "; "  # parts of a definition
_NAMED = 3  # models or cases, before the rest are counted


def markdown(summary: Summary, sections: Sequence[Section]) -> str:
    """The columns that the page shows at first, best model first; below them warnings, and what is not done.

    Args:
        summary: The table.
        sections: What it sums up.

    Returns:
        A table a data set in GitHub's Markdown; text from users is escaped.
    """
    if not summary.rows:
        return "Nothing was measured.\n"
    shared = _shared(head for head in summary.heads if head.shown)
    notes = _notes(summary, shared) if shared else ()
    return "\n".join([*_tables(summary, shared), *notes, *_doubts(sections), *_undone(sections)]) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line.

    Example:
        >>> escaped("a|b <i>")
        'a\\|b &lt;i&gt;'
    """
    one_line = " ".join(text.split())
    return "".join(_ENTITIES.get(letter) or _MARKS.sub(r"\\\1", letter) for letter in one_line)


def _tables(summary: Summary, shared: Mapping[str, str]) -> Iterator[str]:
    """A table a data set, of the models that have numbers there, and what is so of its numbers alone."""
    for data in summary.data_sets:
        if len(summary.data_sets) > 1:
            yield f"### {escaped(data)}\n"
        yield from _table(summary, data)
        yield ""
        for head in summary.heads:
            if head.shown and head.column.data == data and head.meaning != (said := shared[_called(head)]):
                yield f"- {escaped(f'{head.name}: {head.meaning.removeprefix(said + _BETWEEN)}')}\n"


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


def _shared(heads: Iterable[Head]) -> dict[str, str]:
    """What the definitions of all columns of a title begin with; their parts stand between semicolons."""
    found: dict[str, str] = {}
    for head in heads:
        known = found.get(_called(head), head.meaning)
        parts = zip(known.split(_BETWEEN), head.meaning.split(_BETWEEN), strict=False)
        found[_called(head)] = _BETWEEN.join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], parts))
    return found


def _called(head: Head) -> str:
    return f"{head.title} (reported)" if head.column.reported else head.title


def _notes(summary: Summary, shared: Mapping[str, str]) -> Iterator[str]:
    ranks = (
        " **Bold**: cannot be told from the best of its column. In brackets behind a number: its rank, 1 + the number "
        "of models that are significantly better."
    )
    yield f"With 95 % intervals.{ranks if summary.is_ranked else ''}"
    yield from (f"\n- {escaped(f'{title}: {meaning}')}" for title, meaning in shared.items() if meaning)


def _doubts(sections: Sequence[Section]) -> Iterator[str]:
    """The warnings, a line for all models that have one for the same cases."""
    for section in sections:
        for (text, cases), alike in split(warnings(section), lambda one: (one.text, one.cases)).items():
            what = (
                f"{section.suite} on {section.data}, {_listed([one.model for one in alike])}: {_listed(cases)}: {text}"
            )
            yield f"\n- {MARK} {escaped(what)}"


def _undone(sections: Sequence[Section]) -> Iterator[str]:
    """What is not done, a line for all models and cases that ended alike."""
    found = problems(sections)
    if found:
        yield "\nNot done:"
    for one in found:
        what = f"{len(one.cases)} {one.status}: {_listed(one.cases)}: {one.reason}"
        yield f"\n- {escaped(f'{one.place}, {_listed(one.models)}: {what}')}"


def _listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


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
    return f"{text}{f' {MARK}' if cell.warning else ''}{rank}{interval}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
