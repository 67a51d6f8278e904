"""Means of the figures that a perturbation reports for each image."""

from collections.abc import Collection, Iterator, Mapping
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.measuring import of_case
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.metrics.intervals import estimate
from robustbench_vit.records import CORE_COLUMNS, Measurement, PlannedCase


class Figure(NamedTuple):
    """What is known of a figure.

    Args:
        unit: Its unit.
        definition: What its mean is, in words; empty if the name says it.
        share: Whether it is 0 or 1.
    """

    unit: str
    definition: str = ""
    share: bool = False


FIGURES: Mapping[str, Figure] = {
    "area": Figure("rate"),
    "backward_passes": Figure("passes", "mean over images of the gradients that the attack took of the model"),
    "forward_passes": Figure("passes", "mean over images of how often the attack showed an image to the model"),
    "margin": Figure(
        "logit", "mean over images of the smallest (logit of the label − largest other) an attack reached"
    ),
    "mass": Figure("rate"),
    "norm": Figure("pixel", "mean over images of the distance from the clean image, in the norm of the attack"),
    "rms": Figure("pixel"),
    "zero_gradient": Figure(
        "rate",
        "share of the images that were right before the attack whose first gradient is 0 at every pixel, or not finite",
        share=True,
    ),
}
"""Figures of our own perturbations; of others, flags are shares, and numbers have no unit."""

NOT_AVERAGED = frozenset({"broken_by", "min_eps", "stochastic", "train_mode"})
"""Columns whose mean says nothing or misleads: that of the finite min_eps *falls* as more images are never broken."""


def figures(case: PlannedCase, rows: pd.DataFrame, known: Collection[str]) -> Iterator[Measurement]:
    """The mean of each numeric column that nothing else reads.

    Args:
        case: The case.
        rows: Its per-sample rows.
        known: Columns that metrics read.
    """
    for name in sorted(set(map(str, rows.columns)) - {*CORE_COLUMNS, *known} - NOT_AVERAGED):
        no_gradient = name == "zero_gradient" and bool(rows[name].isna().all())  # an attack that takes none
        if pd.api.types.is_numeric_dtype(rows[name]) and not no_gradient:
            yield _mean(case, name, rows[name])


def _mean(case: PlannedCase, name: str, column: "pd.Series[float]") -> Measurement:
    values = column.to_numpy(np.float64, na_value=nan)
    values = values[np.isfinite(values)]  # a figure may be absent for some images
    flag = pd.api.types.is_bool_dtype(column)
    figure = FIGURES.get(name, Figure("rate" if flag else ""))
    number = estimate([Contributions(np.asarray(values, np.float64), proportion=flag or figure.share)])[0]
    definition = figure.definition or f"mean over images of {name!r} as the perturbation reports it"
    reason = "" if number.n else f"no image has a finite {name!r}"
    return of_case(case, name, number, unit=figure.unit, definition=definition, reason=reason)
