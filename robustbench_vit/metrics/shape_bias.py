"""Shape or texture: what decides where the two cues of an image belong to different classes?"""

import numpy as np
import pandas as pd

from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.contributions import Contributions, FloatArray


def shape_bias(rows: pd.DataFrame) -> Contributions:
    """S / (S + T): decisions for the shape, of those for either cue; in [0, 1].

    Images without conflict (shape and texture of one class) are left out, decisions for a third class count as
    neither.

    Args:
        rows: Columns ``label`` (class of the shape), ``texture`` (class of the texture) and ``pred``; negative is no
            decision.

    Raises:
        CaseError: If no image has conflicting cues, or none was decided for either.

    Source:
        R. Geirhos et al., "ImageNet-trained CNNs are biased towards texture; increasing shape bias improves accuracy
        and robustness", ICLR 2019; `ShapeBias` in bethgelab/model-vs-human.
    """
    conflict, remark = _conflict(rows)
    return Contributions(_decisions(conflict), _bias, remark=remark, bounds=(0.0, 1.0))


def category_shape_bias(rows: pd.DataFrame) -> Contributions:
    """S / (S + T) of a few images, such as those of one category: with Wilson's interval among the S + T.

    The bootstrap of 0 of 40 decisions would be [0, 0].

    Args:
        rows: As for `shape_bias`.

    Raises:
        CaseError: As for `shape_bias`.
    """
    conflict, remark = _conflict(rows)
    return Contributions(_decisions(conflict), _bias, proportion=True, remark=remark)


def shape_bias_classmean(rows: pd.DataFrame) -> Contributions:
    """Mean over the classes of the shape of each class's own S / (S + T), in [0, 1].

    Args:
        rows: As for `shape_bias`. Classes without a decision for either cue are left out, and the remark says so.

    Raises:
        CaseError: As for `shape_bias`.
    """
    conflict, remark = _conflict(rows)
    decisions = _decisions(conflict)
    classes, own = np.unique(conflict["label"].to_numpy(), return_inverse=True)
    split = np.zeros((len(conflict), len(classes), 2))
    split[np.arange(len(conflict)), own] = decisions
    empty = int((split.sum(axis=(0, 2)) == 0).sum())
    if empty:
        remark += f"; {empty} of {len(classes)} categories without a decision for either cue left out"
    return Contributions(split.reshape(len(conflict), -1), _mean_bias, remark=remark, bounds=(0.0, 1.0))


def shape_decisions(rows: pd.DataFrame) -> Contributions:
    """Share of images with conflicting cues that are classified by their shape, in [0, 1].

    Args:
        rows: As for `shape_bias`.

    Raises:
        CaseError: If no image has conflicting cues.

    Differences:
        model-vs-human divides by all trials, those without conflict included.
    """
    conflict, remark = _conflict(rows)
    chosen = np.asarray(conflict["pred"] == conflict["label"], dtype=np.float64)
    return Contributions(chosen, proportion=True, remark=remark)


def texture_decisions(rows: pd.DataFrame) -> Contributions:
    """Share of images with conflicting cues that are classified by their texture, in [0, 1].

    Args:
        rows: As for `shape_bias`.

    Raises:
        CaseError: If no image has conflicting cues.

    Differences:
        As for `shape_decisions`.
    """
    conflict, remark = _conflict(rows)
    chosen = np.asarray(conflict["pred"] == conflict["texture"], dtype=np.float64)
    return Contributions(chosen, proportion=True, remark=remark)


def _conflict(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The images whose cues conflict, and how many those are in words."""
    conflict = rows[rows["label"] != rows["texture"]]
    if not len(conflict):
        raise CaseError("no image has a texture of another class than its shape")
    return conflict, f"{len(conflict):,} trials with conflict, {len(rows) - len(conflict):,} without left out"


def _decisions(conflict: pd.DataFrame) -> FloatArray:
    """Whether an image was classified by its shape, and by its texture: shape (N, 2)."""
    cues = [conflict["pred"] == conflict[cue] for cue in ("label", "texture")]
    decisions = np.stack([np.asarray(chosen, dtype=np.float64) for chosen in cues], axis=1)
    if not decisions.any():
        raise CaseError(f"none of {len(conflict):,} images with conflicting cues was classified by either")
    return decisions


def _bias(means: FloatArray) -> FloatArray:
    """S / (S + T): shape (..., 2) → (...); NaN where both are 0."""
    total = means.sum(axis=-1)
    bias: FloatArray = np.divide(means[..., 0], total, out=np.full_like(total, np.nan), where=total > 0)
    return bias


def _mean_bias(means: FloatArray) -> FloatArray:
    """Mean over C classes of S / (S + T), those that have any: shape (..., 2C) → (...)."""
    biases = _bias(means.reshape(*means.shape[:-1], -1, 2))
    count = np.isfinite(biases).sum(axis=-1)
    mean: FloatArray = np.nansum(biases, axis=-1) / np.where(count, count, np.nan)
    return mean
