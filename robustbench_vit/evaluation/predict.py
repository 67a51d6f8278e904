"""From logits to the columns of a row, without waiting for the device."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.records import MAX_STORED_CLASSES
from robustbench_vit.types import Batch, Logits, Pixels

Columns = dict[str, Tensor]


def columns_of(logits: Logits, labels: Tensor) -> Columns:
    """Everything metrics may ask for, as tensors on the device.

    Args:
        logits: N×K, any float dtype; computed in float32.
        labels: N int64.

    Returns:
        The columns of `records.CORE_COLUMNS` that depend on the logits.
    """
    logits = logits.float()
    logsumexp = logits.logsumexp(1)
    log_probabilities = logits - logsumexp[:, None]
    probabilities = log_probabilities.exp()
    log_p = log_probabilities.gather(1, labels[:, None])[:, 0]
    columns = {
        "pred": logits.argmax(1).int(),
        "confidence": probabilities.amax(1),
        "nll": -log_p,
        "p_label": log_p.exp(),
        "p_squared": probabilities.square().sum(1),
        "logsumexp": logsumexp,
    }
    if logits.shape[1] <= MAX_STORED_CLASSES:
        return {**columns, "probabilities": probabilities}
    top, ids = probabilities.topk(5, dim=1)
    return {**columns, "top5_ids": ids.int(), "top5_probabilities": top}


_LOW, _HIGH = "lowest", "highest"


def value_range(images: Pixels) -> Columns:
    """Smallest and largest value of each image, checked by `rows` and not stored."""
    return {_LOW: images.amin(dim=(1, 2, 3)), _HIGH: images.amax(dim=(1, 2, 3))}


def rows(
    batch: Batch, parts: list[Columns], words: Mapping[str, Sequence[str]] | None = None, *, clipped: bool = True
) -> pa.Table:
    """Join the columns of a block's batches into rows; the only place that waits for the device.

    Args:
        batch: The block.
        parts: Columns of its batches, in order.
        words: For columns of integers, the words they stand for.
        clipped: Whether the perturbed images had to stay in [0,1].

    Raises:
        CaseError: If a logit is infinite or not a number, or an image left [0,1]; names the first sample.
    """
    names = parts[0]
    columns = {name: torch.cat([part[name] for part in parts]).detach().cpu().numpy() for name in names}
    low, high = columns.pop(_LOW, None), columns.pop(_HIGH, None)
    if clipped and low is not None and high is not None:
        outside = np.flatnonzero(~((low >= 0) & (high <= 1)))
        if len(outside):
            first = outside[0]
            raise CaseError(
                f"the perturbed images must stay in [0,1]; that of sample {batch.ids[first]!r} spans "
                f"[{low[first]:g}, {high[first]:g}]"
            )
    broken = np.flatnonzero(~(np.isfinite(columns["logsumexp"]) & np.isfinite(columns["nll"])))
    if len(broken):
        first = batch.ids[broken[0]]
        raise CaseError(f"NaN or infinite logits for {len(broken)} of {len(batch)} images, first for sample {first!r}")
    spoken = {name: np.array(said, dtype=object)[columns.pop(name)] for name, said in (words or {}).items()}
    return pa.table(
        {
            "id": pa.array(batch.ids, pa.string()),
            "position": batch.positions.numpy(),
            "label": batch.labels.numpy().astype(np.int32),
            **({"texture": batch.extra["texture"].numpy().astype(np.int32)} if "texture" in batch.extra else {}),
            **{name: _arrow(values) for name, values in columns.items()},
            **{name: pa.array(values, pa.string()) for name, values in spoken.items()},
        }
    )


def _arrow(values: np.ndarray) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    offsets = np.arange(0, values.size + 1, values.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, values.reshape(-1))
