"""Proper scores of the predicted probabilities."""

import numpy as np
import pandas as pd

from robustbench_vit.metrics.contributions import Contributions


def negative_log_likelihood(rows: pd.DataFrame) -> Contributions:
    """Mean of −ln p(label), in nats.

    Args:
        rows: Column ``nll``, computed from logits, so finite even where p(label) rounds to 0.
    """
    return Contributions(rows["nll"].to_numpy(np.float64))


def brier_score(rows: pd.DataFrame) -> Contributions:
    """Mean of Σₖ (pₖ − yₖ)² with y one-hot, in [0, 2].

    Σₖ (pₖ − yₖ)² = Σₖ pₖ² − 2 p(label) + 1, so two stored numbers per image suffice for any number of classes.

    Args:
        rows: Columns ``p_squared`` and ``p_label``.

    Source:
        G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950.

    Differences:
        Some packages report half of it for two classes; this is the original for any number of classes.
    """
    squares, p_label = rows["p_squared"].to_numpy(np.float64), rows["p_label"].to_numpy(np.float64)
    return Contributions(squares - 2 * p_label + 1, bounds=(0.0, 2.0))
