"""Numbers, ranks and facts as people see them in a table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.references import ALEXNET, unlike_validation
from robustbench_vit.leaderboard.columns import REPORTED
from robustbench_vit.leaderboard.formatting import PERCENT_UNITS, interval, number, speed, spread
from robustbench_vit.records import Measurement

_PLACE = ("suite", "data", "geometry", "case", "metric")


@dataclass(frozen=True)
class Rank:
    """Where a model stands in a column.

    Args:
        place: 1 + number of models that are significantly better; 0 for none.
        tied: Whether it cannot be told from the best.
        reason: Why there is no place.
    """

    place: int = 0
    tied: bool = False
    reason: str = ""


Ranks = Mapping[tuple[str, ...], Rank]
"""By the place of a column, and the model."""


@dataclass(frozen=True)
class Shown:
    """One number as people see it.

    Args:
        text: The number.
        interval: Its interval, or nothing.
        spread: Its standard deviation between seeds, or nothing.
        sort: What the table sorts by, in the unit that is shown; nothing if there is no number.
        rank: Its place in its column.
        note: What to bear in mind, or why there is no number.
        low: Where the bar of the interval begins, in percent; None where there is none.
        high: Where it ends.
        warning: Why the number may not mean what it seems to.
        spark: The curve behind the number, as blocks.
        spark_words: The same in words.
    """

    text: str
    interval: str = ""
    spread: str = ""
    sort: str = ""
    rank: Rank = Rank()
    note: str = ""
    low: float | None = None
    high: float | None = None
    warning: str = ""
    spark: str = ""
    spark_words: str = ""


def ranks_of(ranks: pd.DataFrame) -> dict[tuple[str, ...], Rank]:
    """The ranks of `robustbench_vit.leaderboard.board.Board`. Who is alone in a column has none."""
    keys = [*zip(*(ranks[name].astype(object).tolist() for name in (*_PLACE, "model")), strict=True)]
    places, tied, reasons = (ranks[name].tolist() for name in ("rank", "tied", "reason"))
    among = Counter(key[:-1] for key, place in zip(keys, places, strict=True) if place)
    return {
        key: Rank(place, tie, why) if among[key[:-1]] > 1 else Rank(reason=why)
        for key, place, tie, why in zip(keys, places, tied, reasons, strict=True)
    }


def shown(item: Measurement | None, *, bar: bool = True) -> Shown:
    """One measurement as people see it, with a bar for the interval if that is in percent."""
    if item is None:
        return Shown("", note="not in the plan")
    if isnan(item.value):
        return Shown("–", note=item.reason or item.status)
    percent = item.unit in PERCENT_UNITS
    value = 100 * item.value if percent else item.value
    text, ends, sd = number(item.value, item.unit), interval(item), spread(item)
    found = Shown(text, ends, sd, f"{value:.6g}", note=_note(item), warning=item.warning)
    if not percent or not bar or isnan(item.low):
        return found
    return replace(found, low=round(100 * item.low, 1), high=round(min(100 * item.high, 100.0), 1))


def shown_fact(name: str, value: Any) -> Shown:
    """Parameters in millions, throughput in images a second, or words."""
    if value is None:
        return Shown("")
    if name == "parameters":
        return Shown(f"{value / 1e6:.3g} M", sort=str(int(value)))
    if name == "throughput":
        return Shown(speed(value), sort=f"{float(f'{value:.2g}'):g}")
    return Shown(str(value), sort=str(value))


def _note(item: Measurement) -> str:
    """What to bear in mind about a number, or nothing."""
    notes = ["only some of the images are done"] if item.status == "partial" else []
    if item.status == REPORTED:
        notes.append(f"reported, not run: {item.definition}")
    if item.reference == ALEXNET:
        notes.append(unlike_validation(item.data, item.n))
    if item.seeds > 1:
        notes.append(f"mean over {item.seeds} seeds; {spread(item)} (standard deviation) between them")
    return "; ".join(filter(None, notes))
