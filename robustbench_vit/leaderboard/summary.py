"""The summary: one row a model, over all suites and data sets of the page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.references import ALEXNET, unlike_validation
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.sections import (
    PERCENT_UNITS,
    REPORTED,
    ROBUST,
    Column,
    Section,
    interval,
    number,
)
from robustbench_vit.leaderboard.sparklines import PROFILE, is_profile, sparklines
from robustbench_vit.records import Measurement

_ALWAYS = {"shape_bias", "mce", "mean_corruption_accuracy", "effective_robustness", "mean_relative_robustness"}
_ONCE = {"top1", "ece15"}  # the same number in every suite on the same images
_FACTS = ("parameters", "throughput", "source")
_STATUSES = ("failed", "skipped", "partial")


@dataclass(frozen=True)
class Shown:
    """One number as people see it.

    Args:
        text: The number.
        interval: Its interval, or nothing.
        sort: What the table sorts by, in the unit that is shown; nothing if there is no number.
        rank: 1 + number of models that are significantly better; 0 for none.
        tied: Whether it cannot be told from the best of its column.
        note: What to bear in mind, or why there is no number.
        low: Where the interval begins, in percent; None for what is not in percent.
        high: Where it ends.
        warning: Why the number may not mean what it seems to.
        spark: The curve behind the number, as blocks.
        spark_words: The same in words.
    """

    text: str
    interval: str = ""
    sort: str = ""
    rank: int = 0
    tied: bool = False
    note: str = ""
    low: float | None = None
    high: float | None = None
    warning: str = ""
    spark: str = ""
    spark_words: str = ""


@dataclass(frozen=True)
class Head:
    """Heading of a column of numbers.

    Args:
        column: The column.
        unit: ``%`` or nothing.
        title: What it is called; ``frequency profile`` says more than the area under one of its curves.
        definition: What the number is.
        shown: Whether it is there before anybody picks columns.
    """

    column: Column
    unit: str
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
    images: int = 0
    missing: int = 0
    missing_note: str = ""
    reported: bool = False


@dataclass(frozen=True)
class Summary:
    """The table.

    Args:
        heads: Headings of the numbers, suite by suite.
        facts: Names of the facts that any model has.
        rows: Best first by the first column.
    """

    heads: tuple[Head, ...]
    facts: tuple[str, ...]
    rows: tuple[Row, ...]


def summary(sections: Sequence[Section], board: Board) -> Summary:
    """Put all columns of all sections side by side.

    Args:
        sections: Of the board.
        board: For ranks and facts.
    """
    columns = [(section, column) for section in sections for column in section.columns]
    visible = set(_visible([column for _, column in columns]))
    heads = tuple(_head(section, column, shown=column in visible) for section, column in columns)
    models = list(dict.fromkeys(model for section in sections for model in section.models))
    known = board.facts.models
    facts = tuple(name for name in _FACTS if any(known.get(model, {}).get(name) is not None for model in models))
    ranks = ranks_of(board.ranks)
    cells = [_cells(section, column, models, ranks) for section, column in columns]
    names = _names(models)
    rows = [
        _row(names[model], own, sections, {name: _fact(name, known.get(model, {}).get(name)) for name in facts})
        for model, *own in zip(models, *cells, strict=True)
    ]
    return Summary(heads, facts, tuple(rows))


def shown(item: Measurement | None) -> Shown:
    """One measurement as people see it."""
    if item is None:
        return Shown("", note="not in the plan")
    if isnan(item.value):
        return Shown("–", note=item.reason or item.status)
    percent = item.unit in PERCENT_UNITS
    value = 100 * item.value if percent else item.value
    found = Shown(number(item.value, item.unit), interval(item), f"{value:.6g}", note=_note(item), warning=item.warning)
    if not percent or isnan(item.low) or item.low < 0:  # the bar spans 0 to 100 %
        return found
    return replace(found, low=round(100 * item.low, 1), high=round(min(100 * item.high, 100.0), 1))


def _note(item: Measurement) -> str:
    """What to bear in mind about a number, or nothing."""
    notes = ["only some of the images are done"] if item.status == "partial" else []
    if item.status == REPORTED:
        notes.append(f"reported, not run: {item.definition}")
    if item.reference == ALEXNET:
        notes.append(unlike_validation(item.data, item.n))
    if item.seeds > 1:
        notes.append(f"mean over {item.seeds} seeds; ± {number(item.seed_sd, item.unit)} (sd) between them")
    return "; ".join(filter(None, notes))


def _cells(
    section: Section, column: Column, models: Sequence[str], ranks: Mapping[tuple[str, ...], tuple[int, bool]]
) -> list[Shown]:
    """The column's numbers. Where nobody ranked it, intervals that overlap the best one's are ties."""
    own = {model: ranks[(*column.place, model)] for model in models if (*column.place, model) in ranks}
    own = own or dict.fromkeys(section.leaders(column), (0, True))
    sparks = sparklines(section, column)
    cells = []
    for model in models:
        rank, tied = own.get(model, (0, False))
        spark, words = sparks.get(model, ("", ""))
        here = replace(shown(section.cell(model, column)), rank=rank, tied=tied, spark=spark, spark_words=words)
        cells.append(here)
    return cells


def ranks_of(ranks: pd.DataFrame) -> dict[tuple[str, ...], tuple[int, bool]]:
    """Rank, and whether it is a tie with the best, by the column's place and the model."""
    columns = (ranks[name].tolist() for name in ("suite", "data", "geometry", "case", "metric", "model"))
    keys = zip(*columns, strict=True)
    return dict(zip(keys, zip(ranks["rank"].astype(int), ranks["tied"].astype(bool), strict=True), strict=True))


def _head(section: Section, column: Column, *, shown: bool) -> Head:
    items = (section.cell(model, column) for model in section.models)
    unit = next((item.unit for item in items if item is not None), "")
    definition = f"{column.metric}: {section.definition(column)} ({column.case}, geometry {column.geometry})"
    title = PROFILE if is_profile(column) else column.of
    return Head(column, "%" if unit in PERCENT_UNITS else "", title, definition, shown)


def _visible(columns: Sequence[Column]) -> Iterator[Column]:
    """A first choice: what sums up most. Everything else is a click away."""
    seen: set[tuple[str, str, str]] = set()
    for column in columns:
        key = (column.metric, column.data, column.geometry)
        if column.suite.startswith(REPORTED) or column.metric in _ALWAYS:
            yield column
        elif column.metric in _ONCE and key not in seen and column == _first(columns, column):
            if column.metric == "top1" or _is_perturbed(columns, column):
                yield column
        elif column.metric in {ROBUST, "auc", "family_accuracy"}:
            yield from (one for one in [column] if _stands_for_others(columns, column))
        seen.add(key)


def _first(columns: Sequence[Column], like: Column) -> Column:
    """The metric's first column of the section: that of the suite's own geometry."""
    return next(one for one in columns if (one.suite, one.data, one.metric) == (like.suite, like.data, like.metric))


def _is_perturbed(columns: Sequence[Column], like: Column) -> bool:
    """Whether the section is about more than clean images."""
    return any(one.family != like.family for one in columns if (one.suite, one.data) == (like.suite, like.data))


def _stands_for_others(columns: Sequence[Column], column: Column) -> bool:
    """Of many attacks the strongest; of many noises the one with the defaults; means where there is no curve."""
    own = [one for one in columns if (one.suite, one.data) == (column.suite, column.data)]
    like = [one for one in own if (one.metric, one.family) == (column.metric, column.family)]
    if column.metric == ROBUST:
        return column == max(like, key=lambda one: (one.case.startswith("autoattack"), one.case.startswith("worst")))
    if column.metric == "family_accuracy":
        return not any(one.metric in {"auc", "mean_corruption_accuracy"} for one in own)
    return column.family != "frequency" or column == min(like, key=lambda one: len(one.case))


def _names(models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Models in two parts; arguments come second where the name alone tells models apart."""
    often = Counter(model.partition("(")[0] for model in models)
    names: dict[str, tuple[str, str]] = {}
    for model in models:
        name, bracket, rest = model.partition("(")
        names[model] = (name, bracket + rest) if name and often[name] == 1 else (model, "")
    return names


def _row(
    names: tuple[str, str], cells: Sequence[Shown], sections: Sequence[Section], facts: Mapping[str, Shown]
) -> Row:
    model = "".join(names)
    here = [section for section in sections if model in section.images_of]
    counts = {status: sum(section.count(model, status) for section in here) for status in _STATUSES}
    note = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    images = max(section.images(model) for section in here)
    reported = all(section.is_reported for section in here)
    return Row(model, *names, tuple(cells), facts, images, sum(counts.values()), note, reported)


def _fact(name: str, value: Any) -> Shown:
    """Parameters in millions, throughput in images a second, or words."""
    if value is None:
        return Shown("")
    if name == "parameters":
        return Shown(f"{value / 1e6:.3g} M", sort=repr(float(value)))
    return Shown(f"{value:,.0f}", sort=repr(float(value))) if name == "throughput" else Shown(str(value))
