"""Accuracy: is the true class the first, or among the first five?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.contributions import Contributions, FloatArray


def top1(rows: pd.DataFrame) -> Contributions:
    """Share of images whose largest logit is the true class.

    Args:
        rows: Columns ``label`` and ``pred``.
    """
    return Contributions(hits(rows), proportion=True)


def top5(rows: pd.DataFrame) -> Contributions:
    """Share of images whose true class is among the five largest logits.

    Args:
        rows: Column ``label``, and ``top5_ids`` or ``probabilities``.

    Raises:
        CaseError: If there are five classes or fewer, for then it is always 1.
    """
    best = stacked(rows, "top5_ids") if "top5_ids" in rows else _first_five(stacked(rows, "probabilities"))
    found = (best == rows["label"].to_numpy()[:, None]).any(axis=1)
    return Contributions(found.astype(np.float64), proportion=True)


def hits(rows: pd.DataFrame) -> FloatArray:
    """1 where the largest logit is the true class, else 0: shape (N,)."""
    return np.asarray(rows["label"] == rows["pred"], dtype=np.float64)


def stacked(rows: pd.DataFrame, column: str) -> FloatArray:
    """A column of lists of length K as one array of shape (N, K)."""
    return np.stack([np.asarray(item, dtype=np.float64) for item in rows[column]])


def _first_five(probabilities: FloatArray) -> NDArray[np.intp]:
    classes = probabilities.shape[1]
    if classes <= 5:
        raise CaseError(f"top5 needs more than 5 classes, the label space has {classes}")
    # A stable sort, so that a model that gives all classes the same probability scores 5/K and not 1.
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
