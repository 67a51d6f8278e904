"""Accuracy on the line: what clean accuracy lets one expect of the models of a table, and how far each is from it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.between_models import ColumnKey, Share, Shares
from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.corruptions import benchmark_part
from robustbench_vit.aggregates.effective import EFFECTIVE, Line, effective_robustness
from robustbench_vit.aggregates.groups import CLEAN, groups
from robustbench_vit.aggregates.measuring import of_case
from robustbench_vit.aggregates.ranking import usual
from robustbench_vit.errors import CaseError
from robustbench_vit.records import Measurement, PlannedCase, Status

LINES = ("suite", "data", "geometry", "case", "metric", "slope", "intercept", "models")
"""Columns of `lines`."""

_MEANS = {"family": "family_accuracy", "corruptions": "mean_corruption_accuracy"}  # by scope: kept when perturbed

_NOWHERE: dict[str, Any] = {"perturbation": "", "curve": "", "axis": "", "at": nan, "clean_at": nan}


@dataclass(frozen=True)
class Fit:
    """A line through the models of a table.

    Args:
        key: Of the mean.
        line: The line, and the models' distances from it.
        models: What images contribute to the clean accuracy of each model, and to its mean.
    """

    key: ColumnKey
    line: Line
    models: Mapping[str, tuple[Share, Share]]


def means(plans: Iterable[Sequence[PlannedCase]]) -> set[ColumnKey]:
    """The columns that `fits` needs: means over a family or over the corruptions, and clean accuracies."""
    found = set()
    for plan in plans:
        for group in groups(plan):
            part = benchmark_part(group.name)  # of corruptions the whole benchmark, and no group of it
            if group.scope == "family" or (group.scope == "corruptions" and part and not part[1]):
                last = group.last
                found |= {ColumnKey(last.suite, last.data, last.geometry, group.name, _MEANS[group.scope])}
                found |= {ColumnKey(last.suite, last.data, last.geometry, CLEAN, "top1")}
    return found


def fits(found: Shares) -> list[Fit]:
    """Fit a line for each mean.

    It goes through the models that have the cases and images that most have. Where no line can be fitted there is none.

    Args:
        found: What images contribute to clean accuracies and to means.
    """
    fitted: list[Fit] = []
    for key, models in found.items():
        clean = found.get(key._replace(case=CLEAN, metric="top1"), {})
        if key.metric in _MEANS.values():
            fitted += _fit(key, {model: (clean[model], share) for model, share in models.items() if model in clean})
    return fitted


def lines(fitted: Iterable[Fit]) -> pd.DataFrame:
    """Slope and intercept of each line and how many models it goes through; columns `LINES`."""
    rows = [(*fit.key, fit.line.slope, fit.line.intercept, len(fit.models)) for fit in fitted]
    return pd.DataFrame(rows, columns=list(LINES))


def effective(fitted: Iterable[Fit]) -> Iterator[Measurement]:
    """Effective robustness of the models of each line."""
    row = AGGREGATES[EFFECTIVE]
    for fit in fitted:
        definition = f"{row.definition} ({len(fit.models)} models)"
        for (model, (clean, mean)), number in zip(fit.models.items(), fit.line.robustness, strict=True):
            one = of_case(mean.group.last, EFFECTIVE, number, unit=row.unit, definition=definition)
            status: Status = "done" if all(case.status == "done" for case in mean.group.members) else "partial"
            seeds = _seeds(fit.line, clean, mean)
            yield replace(one, model=model, case=mean.group.name, status=status, **seeds, **_NOWHERE)


def _fit(key: ColumnKey, models: Mapping[str, tuple[Share, Share]]) -> Iterator[Fit]:
    """Of one mean: the clean accuracy and the mean of each model."""
    most = usual((clean.over, mean.over) for clean, mean in models.values())
    alike = {name: two for name, two in models.items() if (two[0].over, two[1].over) == most}
    if not alike:
        return
    clean, shifted = (np.stack([two[side].values for two in alike.values()], axis=1) for side in (0, 1))
    try:
        yield Fit(key, effective_robustness(clean.astype(np.float64), shifted.astype(np.float64)), alike)
    except CaseError:
        return  # too few models: nobody asked for it


def _seeds(line: Line, clean: Share, mean: Share) -> dict[str, Any]:
    """How many seeds the number is of, and how far they lie apart, each held against the same line."""
    both = sorted(clean.seeds.keys() & mean.seeds.keys())
    if len(both) < 2:
        return {}
    images = len(clean.values), len(mean.values)
    apart = [line.distance(clean.seeds[seed], mean.seeds[seed], *images) for seed in both]
    return {"seeds": len(both), "seed_sd": float(np.std(apart, ddof=1))}
