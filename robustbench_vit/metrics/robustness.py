"""Accuracy that an attack leaves."""

import numpy as np
import pandas as pd

from robustbench_vit.metrics.accuracy import hits
from robustbench_vit.metrics.contributions import Contributions, FloatArray

UNBROKEN, WRONG = "none", "clean"
"""Words of the column ``broken_by`` beside the names of attacks: nothing broke the image; it was wrong without any."""


def robust_accuracy(rows: pd.DataFrame) -> Contributions:
    """Share of images that the attack left right, in [0, 1].

    Args:
        rows: Columns ``label``, ``pred`` and ``broken_by``.

    Differences:
        Programs that judge the last image alone count an image as robust that was misclassified on the way, and one
        that was misclassified before the attack and is right after it. Here neither is.
    """
    return Contributions(survivors(rows), proportion=True)


def survivors(rows: pd.DataFrame) -> FloatArray:
    """1 where the model is right before the attack, at each of its steps, and when judged; else 0: shape (N,)."""
    return hits(rows) * np.asarray(rows["broken_by"] == UNBROKEN, dtype=np.float64)


def right(rows: pd.DataFrame) -> FloatArray:
    """1 where the model is right, and under attack was never wrong; else 0: shape (N,)."""
    return survivors(rows) if "broken_by" in rows else hits(rows)
