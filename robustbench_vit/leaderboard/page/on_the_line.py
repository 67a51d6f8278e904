"""Accuracy on the line: what models keep under perturbations against their clean accuracy."""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.corruptions import benchmark_part
from robustbench_vit.leaderboard.grids import MEAN
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.page.curves import clean_places
from robustbench_vit.leaderboard.page.data import Grouped, Makers, Table, by_maker
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.records import Measurement

_FEWEST = 3  # models that are drawn: two points say nothing of a trend
_FEWEST_FITTED = 5  # models that a line is drawn through: three it nearly always passes

_Target = tuple[str, str, str]  # metric, case, geometry


def lines(
    section: Section, makers: Makers, cases: Grouped, fitted: pd.DataFrame
) -> tuple[Table, list[dict[str, Any]]] | None:
    """Means over families and groups of corruptions, each with the clean case, and the line that was fitted.

    Source: Miller et al., ICML 2021, "Accuracy on the line", section 2.
    Differences: the mean over a family stands where theirs have another data set; their probits are log-odds here.

    Args:
        section: The section.
        makers: Of the page.
        cases: Compact table of ``top1``.
        fitted: As `robustbench_vit.leaderboard.board.Board.lines`: the lines of effective robustness.

    Returns:
        The table of means, and a chart a row; None if nowhere three models have both numbers.
    """
    shown = {target: pairs for target in _targets(section) if len(pairs := _pairs(section, target)) >= _FEWEST}
    if not shown:
        return None
    labels = short_labels(case for _, case, _ in shown)
    rows = [{"label": labels[case], "title": case} for _, case, _ in shown]
    cells = by_maker(section, makers, section.models, lambda model: (section.at(model, *target) for target in shown))
    charts = []
    for row, (target, pairs) in enumerate(shown.items()):
        clean = pairs[0][0]
        place = {"row": row, "clean": cases.places[clean.case, clean.geometry, clean.category]}
        chart = {"kind": "line", "label": labels[target[1]], "equal": _meets_equal(pairs)}
        charts.append({**chart, **place, **_fit(section, fitted, target)})
    return Table(rows, cells, "mean accuracy, %"), charts


def _targets(section: Section) -> Iterator[_Target]:
    found = [*section.of("family_accuracy"), *section.of(MEAN)]
    whole = [item for item in found if item.metric != MEAN or benchmark_part(item.case)]
    yield from dict.fromkeys((item.metric, item.case, item.geometry) for item in whole if not isnan(item.value))


def _pairs(section: Section, target: _Target) -> list[tuple[Measurement, Measurement]]:
    """The clean accuracy on the same geometry and the mean of each model that has both."""
    clean = next((place for place in clean_places(section) if place[1] == target[2]), None)
    both = [(section.at(model, "top1", *clean), section.at(model, *target)) for model in section.models if clean]
    return [(x, y) for x, y in both if x and y and not isnan(x.value) and not isnan(y.value) and x.n and y.n]


def _meets_equal(pairs: Sequence[tuple[Measurement, Measurement]]) -> bool:
    """Whether the line y = x crosses the rectangle of the points."""
    clean, means = [one.value for one, _ in pairs], [two.value for _, two in pairs]
    return max(min(clean), min(means)) < min(max(clean), max(means))


def _fit(section: Section, fitted: pd.DataFrame, target: _Target) -> dict[str, Any]:
    """Slope, intercept, and to how many models the line was fitted; nothing of a line through few."""
    metric, case, geometry = target
    key = {"suite": section.suite, "data": section.data, "metric": metric, "case": case, "geometry": geometry}
    own = fitted[(fitted[list(key)].astype(str) == pd.Series(key)).all(axis=1) & (fitted["models"] >= _FEWEST_FITTED)]
    found = own[["slope", "intercept", "models"]].itertuples(index=False, name=None)
    return next(({"fit": [round(a, 5), round(b, 5)], "models": models} for a, b, models in found), {})
