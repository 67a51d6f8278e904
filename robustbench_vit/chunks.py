"""Fixed-shape chunks: transforms whose rounding depends on the shape see the same shape for every image."""

from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 8
"""Images transformed together, whatever the batch size (contract C2)."""


def in_chunks(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Apply a function to chunks of exactly `CHUNK` images, the last one padded with zeros.

    Args:
        function: Takes and returns a tensor whose first dimension is the image.
        images: N×….
    """
    parts = []
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        count = len(part)
        if count < CHUNK:
            part = torch.cat([part, part.new_zeros(CHUNK - count, *part.shape[1:])])
        parts.append(function(part)[:count])
    return torch.cat(parts)
