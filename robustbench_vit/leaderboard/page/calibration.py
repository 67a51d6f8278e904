"""Reliability diagrams: accuracy against confidence, bin by bin."""

from typing import Any

import pandas as pd

from robustbench_vit.leaderboard.page.data import Makers
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.metrics.intervals import wilson

_PANEL = ["suite", "data", "geometry", "case"]
_BIN = ["data", "geometry", "case", "model", "bin", "images", "confidence", "accuracy"]


def panels(section: Section, makers: Makers, reliability: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """A chart a clean case; those that another suite has shown already are left out.

    Args:
        section: The section.
        makers: Of the page.
        reliability: As `robustbench_vit.leaderboard.board.Board.reliability`, of all suites.
    """
    new = _new(reliability)
    own = new[(new["suite"] == section.suite) & (new["data"] == section.data)]
    return {
        str(case): {"kind": "reliability", "bins": _bins(rows, makers)}
        for (case, _), rows in own.groupby(["case", "geometry"], sort=False, observed=True)
    }


def _new(reliability: pd.DataFrame) -> pd.DataFrame:
    """Suites that declare the same clean case have the same numbers: the first one's are enough."""
    if not len(reliability):
        return reliability
    panel = [reliability[name].astype(str) for name in _PANEL]
    return reliability[(~reliability.duplicated(_BIN)).groupby(panel).transform("any")]


def _bins(rows: pd.DataFrame, makers: Makers) -> dict[int, list[list[float]]]:
    """Images, mean confidence, accuracy and its interval of the bins that are not empty, by maker."""
    rows = rows[(rows["images"] > 0) & rows["model"].isin(list(makers))]
    bins: dict[int, list[list[float]]] = {}
    columns = [rows[name].tolist() for name in ("model", "images", "confidence", "accuracy")]
    for model, images, confidence, accuracy in zip(*columns, strict=True):
        numbers = (confidence, accuracy, *wilson(round(accuracy * images), int(images)))
        bins.setdefault(makers[model], []).append([images, *(round(number, 4) for number in numbers)])
    return bins
