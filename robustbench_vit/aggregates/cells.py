"""From per-sample rows to cells: which images a model has right, over the images that several cases share."""

from collections.abc import Callable
from math import nan
from typing import TypeAlias

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.groups import Cell, Group
from robustbench_vit.aggregates.references import Reference
from robustbench_vit.errors import StoreError
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.robustness import right
from robustbench_vit.records import CORE_COLUMNS, PlannedCase

Correct: TypeAlias = dict[PlannedCase, "pd.Series[float]"]
"""For each case, 1 for each right answer and 0 for each wrong one, by sample id."""

_OPTIONAL = ("probabilities", "top5_ids", "top5_probabilities", "texture")  # depends on the classes and the data


def read(case: PlannedCase, rows: Callable[[PlannedCase], pd.DataFrame]) -> pd.DataFrame:
    """The case's rows below its n in canonical order; none if it was not run.

    Args:
        case: A case of the plan.
        rows: Gives its per-sample rows, in any order.

    Raises:
        StoreError: If rows lack a column or hold a sample twice.
    """
    found = pd.DataFrame() if case.status in {"failed", "skipped"} else rows(case)
    if not len(found):
        return pd.DataFrame({name: [] for name in CORE_COLUMNS})
    missing = [name for name in CORE_COLUMNS if name not in found and name not in _OPTIONAL]
    if missing or not {"probabilities", "top5_ids"} & set(found.columns):
        raise StoreError(f"the rows of {case.case} on {case.model} lack {missing or 'probabilities and top5_ids'}")
    # Canonical order makes the intervals of two models paired, whatever order the blocks were committed in.
    found = found[found["position"] < case.n].sort_values("position", kind="stable")
    if "texture" in found and (found["texture"] == found["label"]).all():
        found = found.drop(columns="texture")  # as in photographs: both cues say the same, there is nothing to decide
    twice = found["id"][found["id"].duplicated()]
    if len(twice):
        raise StoreError(f"the rows of {case.case} on {case.model} hold sample {twice.iloc[0]!r} more than once")
    return found


def correctness(rows: pd.DataFrame) -> "pd.Series[float]":
    """1 where the prediction is right, and no attack made it wrong on the way, else 0, by sample id."""
    return pd.Series(right(rows), index=pd.Index(rows["id"], dtype=object))


def cells_of(group: Group, correct: Correct, reference: Reference | None) -> list[Cell]:
    """The members over the images that all of them, and the reference, share.

    Args:
        group: Cases; every member has an entry in ``correct``.
        correct: What is right.
        reference: Whose errors stand beside, if anything is compared with them.
    """
    errors = [reference.errors(case) if reference else nan for case in group.members]
    indexes = [correct[case].index for case in group.members]
    indexes += [found.index for found in errors if isinstance(found, pd.Series)]
    common = correct[group.last].index
    # As a rule all cases of a run have the same images, and looking up 50,000 names a cell would take seconds.
    if any(not common.equals(index) for index in indexes):
        for index in indexes:
            common = common[common.isin(index)]
    places = group.places or (nan,) * len(group.members)
    return [
        Cell(case, _values(correct[case], common), at, _values(found, common) if reference else np.empty(0))
        for case, at, found in zip(group.members, places, errors, strict=True)
    ]


def _values(values: "pd.Series[float] | float", ids: pd.Index) -> FloatArray:
    """Values by sample id, or one number for all, as an array of shape (N,)."""
    if isinstance(values, pd.Series):
        own = values if values.index is ids else values.reindex(ids)
        return np.asarray(own.to_numpy(), dtype=np.float64)
    return np.full(len(ids), values)
