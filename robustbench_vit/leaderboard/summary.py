"""The summary: one row a model, over all suites and data sets of the page."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan

from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.choice import first_choice
from robustbench_vit.leaderboard.columns import Column
from robustbench_vit.leaderboard.facts import Facts
from robustbench_vit.leaderboard.formatting import PERCENT_UNITS
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.leaderboard.shown import Rank, Ranks, Shown, ranks_of, shown, shown_fact
from robustbench_vit.leaderboard.sparklines import PROFILE, is_profile, sparklines

_FACTS = {"parameters": "parameters", "throughput": "images/s", "source": "source"}
_STATUSES = ("failed", "skipped", "partial")


@dataclass(frozen=True)
class Group:
    """Where the numbers of some columns are from.

    Args:
        suite: ``name@version``.
        data: Display spec of the data set.
        images: ``n = 500``, or from the fewest to the most images of a model; nothing for what others report.
    """

    suite: str
    data: str
    images: str

    @property
    def name(self) -> str:
        """All three."""
        return ", ".join(filter(None, [f"{self.suite} on {self.data}", self.images]))


@dataclass(frozen=True)
class Head:
    """Heading of a column of numbers.

    Args:
        group: Where its numbers are from.
        column: The column.
        unit: ``%`` or nothing.
        title: What it is called; ``frequency profile`` says more than the area under one of its curves.
        meaning: What the number is.
        definition: The same with its title, case, geometry and images.
        images: As of the group, where it is something else.
        shown: Whether it is there before anybody picks columns.
    """

    group: Group
    column: Column
    unit: str
    title: str
    meaning: str
    definition: str
    images: str
    shown: bool

    @property
    def name(self) -> str:
        """What no other heading of the page is called."""
        return f"{self.title} {self.column.label}, {self.column.suite} on {self.column.data}"


@dataclass(frozen=True)
class FactHead:
    """Heading of a column of facts.

    Args:
        name: ``parameters``, ``throughput`` or ``source``.
        title: With its unit.
        definition: What it is, or nothing.
        shown: As of `Head`.
    """

    name: str
    title: str
    definition: str
    shown: bool


@dataclass(frozen=True)
class Row:
    """A model.

    Args:
        model: Display spec.
        name: Its first part, as far as it tells models apart.
        more: The rest.
        cells: A number a heading.
        facts: Parameters, throughput and source, as far as anybody's are known.
        data: The data sets on which it has a number.
        images: Largest number of images behind any number.
        missing: Cases that are not done.
        missing_note: How many of which status.
        reported: Whether all numbers are other people's.
    """

    model: str
    name: str
    more: str
    cells: tuple[Shown, ...]
    facts: Mapping[str, Shown] = field(default_factory=dict)
    data: frozenset[str] = frozenset()
    images: int = 0
    missing: int = 0
    missing_note: str = ""
    reported: bool = False


@dataclass(frozen=True)
class Summary:
    """The table.

    Args:
        heads: Headings of the numbers, suite by suite.
        facts: Headings of the facts that any model has.
        rows: Best first by the first column.
    """

    heads: tuple[Head, ...]
    facts: tuple[FactHead, ...]
    rows: tuple[Row, ...]

    @property
    def groups(self) -> dict[Group, int]:
        """How many headings each suite and data set has, in their order."""
        return dict(Counter(head.group for head in self.heads))

    @property
    def data_sets(self) -> dict[str, int]:
        """How many models have numbers on each data set; those without any are left out, if there are others."""
        names = dict.fromkeys(head.column.data for head in self.heads)
        counts = {name: sum(name in row.data for row in self.rows) for name in names}
        return {name: count for name, count in counts.items() if count} or counts

    @property
    def is_ranked(self) -> bool:
        """Whether anybody has a rank."""
        return any(cell.rank.place for row in self.rows for cell in row.cells)


def summary(sections: Sequence[Section], board: Board) -> Summary:
    """Put all columns of all sections side by side.

    Args:
        sections: Of the board.
        board: For ranks and facts.
    """
    columns = [(section, column) for section in sections for column in section.columns]
    visible, groups = set(first_choice(sections)), {section: _group(section) for section in sections}
    heads = tuple(_head(section, groups[section], column, shown=column in visible) for section, column in columns)
    models = list(dict.fromkeys(model for section in sections for model in section.models))
    facts = tuple(_fact_heads(models, board.facts))
    ranks = ranks_of(board.ranks)
    cells = [_cells(section, column, models, ranks) for section, column in columns]
    names = _names(models)
    rows = [
        _row(names[model], heads, own, sections, {one.name: _fact(one, model, board.facts) for one in facts})
        for model, *own in zip(models, *cells, strict=True)
    ]
    return Summary(heads, facts, tuple(rows))


def _cells(section: Section, column: Column, models: Sequence[str], ranks: Ranks) -> list[Shown]:
    """The column's numbers."""
    sparks = sparklines(section, column)
    items = {model: section.cell(model, column) for model in models}
    bar = not any(item.low < 0 for item in items.values() if item)  # bars span 0 to 100 %
    cells = []
    for model, item in items.items():
        rank = ranks.get((*column.place, model), Rank())
        spark, words = sparks.get(model, ("", ""))
        cells.append(replace(shown(item, bar=bar), rank=rank, spark=spark, spark_words=words))
    return cells


def _head(section: Section, group: Group, column: Column, *, shown: bool) -> Head:
    items = [item for model in section.models if (item := section.cell(model, column)) is not None]
    unit = next((item.unit for item in items), "")
    title = PROFILE if is_profile(column) else column.of
    images = _images(item.n for item in items if not isnan(item.value))
    meaning = section.definition(column)
    definition = f"{title}: {meaning} ({', '.join(filter(None, [_where(column), images]))})"
    percent = "%" if unit in PERCENT_UNITS else ""
    other = images if images != group.images else ""
    return Head(group, column, percent, title, meaning, definition, other, shown)


def _where(column: Column) -> str:
    """Case and geometry; most geometries say that they are one."""
    geometry = column.geometry if column.geometry.startswith("geometry(") else f"geometry {column.geometry}"
    return f"{column.case}, {geometry}" if column.geometry else column.case


def _group(section: Section) -> Group:
    return Group(section.suite, section.data, _images(section.images(model) for model in section.models))


def _images(counts: Iterable[int]) -> str:
    """``n = 500``, or from the fewest to the most; nothing where nobody says."""
    known = [count for count in counts if count]
    if not known:
        return ""
    fewest, most = min(known), max(known)
    return f"n = {fewest:,}" if fewest == most else f"n = {fewest:,} to {most:,}"


def _names(models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Models in two parts; arguments come second where the name alone tells models apart."""
    often = Counter(model.partition("(")[0] for model in models)
    names: dict[str, tuple[str, str]] = {}
    for model in models:
        name, bracket, rest = model.partition("(")
        names[model] = (name, bracket + rest) if name and often[name] == 1 else (model, "")
    return names


def _row(
    names: tuple[str, str],
    heads: Sequence[Head],
    cells: Sequence[Shown],
    sections: Sequence[Section],
    facts: Mapping[str, Shown],
) -> Row:
    model = "".join(names)
    here = [section for section in sections if model in section.images_of]
    counts = {status: sum(section.count(model, status) for section in here) for status in _STATUSES}
    note = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    images = max(section.images(model) for section in here)
    data = frozenset(head.column.data for head, cell in zip(heads, cells, strict=True) if cell.sort)
    reported = all(section.is_reported for section in here)
    return Row(model, *names, tuple(cells), facts, data, images, sum(counts.values()), note, reported)


def _fact_heads(models: Iterable[str], facts: Facts) -> Iterable[FactHead]:
    """Of the facts that anybody has; throughput says more about a machine than about a model."""
    have = {name for model in models for name, value in facts.models.get(model, {}).items() if value is not None}
    for name, title in _FACTS.items():
        if name in have:
            definition = f"{title}: {_speed(facts)}" if name == "throughput" else ""
            yield FactHead(name, title, definition, shown=name == "parameters")


def _speed(facts: Facts) -> str:
    devices = "; ".join(dict.fromkeys(device for name in facts.runs if (device := facts.last_run(name).get("device"))))
    on = f", on {devices}" if devices else ""
    return f"images per second of the clean case as run{on}; not a benchmark"


def _fact(head: FactHead, model: str, facts: Facts) -> Shown:
    return shown_fact(head.name, facts.models.get(model, {}).get(head.name))
