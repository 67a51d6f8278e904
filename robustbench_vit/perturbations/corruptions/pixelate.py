"""Pixelate: Pillow's box filter, down and up again."""

from functools import lru_cache
from math import ceil

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys

_BITS = 22  # of Pillow's fixed-point weights


@corruption()
def pixelate(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """Shrink to int(c·H)×int(c·W) by means over boxes, columns first, each pass rounded; enlarge by repetition.

    The package imagecorruptions enlarges with Pillow's filter ``NEAREST`` instead of ``BOX``. They differ only at sizes
    where the middle of a pixel falls between two boxes; 32 and 224 are not among them.

    Differences: newer Pillow may shrink the rows first, which rounds otherwise; the originals never did.
    """
    share = setting.pick((0.6, 0.5, 0.4, 0.3, 0.25), (0.95, 0.9, 0.85, 0.75, 0.65))
    height, width = images.shape[-2:]
    narrow = _shrunk(images.mT, int(width * share)).mT
    small = _shrunk(narrow, int(height * share))
    nearest = setting.variant == "imagecorruptions"
    rows, columns = (_repeats(int(side * share), side, nearest, images.device) for side in (height, width))
    return small.index_select(-1, columns).index_select(-2, rows)


def _shrunk(images: Tensor, boxes: int) -> Tensor:
    """Shrink the rows of N×3×L×M uint8 images to their means over boxes, in Pillow's fixed-point numbers."""
    *shape, length, across = images.shape
    padded = images.new_zeros(*shape, length + 1, across)
    padded[..., :length, :] = images
    taps, weights = _boxes(length, boxes, images.device)
    total = padded.index_select(-2, taps[0]).int()
    for tap in taps[1:]:
        total += padded.index_select(-2, tap)
    return total.mul_(weights).add_(1 << (_BITS - 1)).bitwise_right_shift_(_BITS).to(torch.uint8)


@lru_cache(maxsize=64)
def _boxes(length: int, boxes: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Which rows each box holds.

    Returns:
        T×boxes int64, the rows, and ``length`` where a box has fewer than T; boxes×1 int32, 2²² over their number.
    """
    scale = length / boxes
    centres = (torch.arange(boxes, dtype=torch.float64) + 0.5) * scale
    rows = (centres - scale / 2 + 0.5).floor() + torch.arange(ceil(scale) + 1)[:, None]
    offsets = (rows - centres + 0.5) * (1 / scale)
    inside = (offsets > -0.5) & (offsets <= 0.5) & (rows < length)
    taps = rows.where(inside, length)[inside.any(1)].long()
    weights = ((1 << _BITS) / inside.sum(0)).round().int()
    return taps.to(device), weights[:, None].to(device)


@lru_cache(maxsize=64)
def _repeats(boxes: int, length: int, nearest: bool, device: torch.device) -> Tensor:
    """The box that each of ``length`` rows is taken from; ``NEAREST`` adds up its steps, and their rounding."""
    if nearest:
        steps = torch.full((length,), boxes / length, dtype=torch.float64)
        steps[0] *= 0.5
        return steps.cumsum(0).long().to(device)
    return ((torch.arange(length, dtype=torch.float64) + 0.5) * (boxes / length)).long().to(device)
