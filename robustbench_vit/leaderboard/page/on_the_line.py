"""Accuracy on the line: what models keep under perturbations against their clean accuracy."""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import numpy as np

from robustbench_vit.aggregates.corruptions import benchmark_part
from robustbench_vit.leaderboard.grids import MEAN
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.page.curves import clean_places
from robustbench_vit.leaderboard.page.data import Grouped, Makers, Table, by_maker, column
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.records import Measurement

_FEWEST = 3  # models that a line is fitted to

_Target = tuple[str, str, str]  # metric, case, geometry


def lines(section: Section, makers: Makers, cases: Grouped) -> tuple[Table, list[dict[str, Any]]] | None:
    """Means over families and groups of corruptions, and for each the clean case and the fitted line.

    Source: Miller et al., ICML 2021, "Accuracy on the line", section 2: both axes as log-odds, ordinary least squares.
    Differences: the mean over a family stands where theirs have another data set; their probits are log-odds here.

    Args:
        section: The section.
        makers: Of the page.
        cases: Compact table of ``top1``.

    Returns:
        The table of means, and a chart a row; None if fewer than three models have both numbers anywhere.
    """
    fitted = {target: fit for target in _targets(section) if (fit := _fit(section, target)) is not None}
    if not fitted:
        return None
    labels = short_labels(case for _, case, _ in fitted)
    rows = [{"label": labels[case], "title": case} for _, case, _ in fitted]
    cells = by_maker(section.models, makers, lambda model: column(section.at(model, *target) for target in fitted))
    charts = [
        {"kind": "line", "label": labels[target[1]], "row": row, "clean": cases.places[clean], "fit": list(line)}
        for row, (target, (clean, line)) in enumerate(fitted.items())
    ]
    return Table(rows, cells, "mean accuracy, %"), charts


def _targets(section: Section) -> Iterator[_Target]:
    found = [*section.of("family_accuracy"), *section.of(MEAN)]
    whole = [item for item in found if item.metric != MEAN or benchmark_part(item.case)]
    yield from dict.fromkeys((item.metric, item.case, item.geometry) for item in whole if not isnan(item.value))


def _fit(section: Section, target: _Target) -> tuple[tuple[str, str, str], tuple[float, float]] | None:
    """The clean case on the same geometry, with slope and intercept of the line, or None for too few models."""
    clean = next((place for place in clean_places(section) if place[1] == target[2]), None)
    if clean is None:
        return None
    pairs = [
        (x, y)
        for model in section.models
        if _has(x := section.at(model, "top1", *clean)) and _has(y := section.at(model, *target))
    ]
    if len(pairs) < _FEWEST:
        return None
    clean_odds, odds = (logit([item for item in items if item]) for items in zip(*pairs, strict=True))
    if np.ptp(clean_odds) == 0:
        return None
    slope, intercept = np.polyfit(clean_odds, odds, 1)
    return clean, (round(float(slope), 5), round(float(intercept), 5))


def logit(items: Sequence[Measurement]) -> FloatArray:
    """Log-odds of rates; none is closer to 0 and 1 than half an image."""
    n = np.array([item.n for item in items], np.float64)
    p = np.clip([item.value for item in items], 0.5 / n, 1 - 0.5 / n)
    return np.asarray(np.log(p / (1 - p)), np.float64)


def _has(item: Measurement | None) -> bool:
    return item is not None and not isnan(item.value) and item.n > 0
