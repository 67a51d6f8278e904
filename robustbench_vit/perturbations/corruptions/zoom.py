"""Zoom blur, and the enlarging of an image's middle that snow shares with it."""

import warnings
from collections.abc import Iterator
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys

_LARGEST = 384 * 384  # pixels whose operator is kept in memory: 52 MB a severity
_ENTRIES = 1 << 20  # of an operator, sorted at a time
_LIFT = 2e-4  # takes flat areas over their whole number, as the original's float32 mostly does


class Axis(NamedTuple):
    """Linear interpolation along one axis: out[i] = first[i]·in[low[i]] + second[i]·in[low[i] + 1]."""

    low: Tensor
    first: Tensor
    second: Tensor


@corruption(at_once=8, fixed_shape=True)
def zoom_blur(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """The mean of the image, and of its middle enlarged by factors from 1 on.

    Differences: factors are enlarged along either axis by its own length, so images need not be square; the original
    takes the height for both.
    """
    height, width = images.shape[-2:]
    quick = images.device.type == "cpu" and height * width <= _LARGEST and torch.backends.mkl.is_available()
    if setting.exact or not quick:
        return _by_layers(images, setting)
    values = images.movedim((-2, -1), (0, 1)).reshape(height * width, -1).float()
    blurred = _operator(height, width, setting) @ values
    return blurred.add_(_LIFT).view(height, width, *images.shape[:2]).movedim((0, 1), (-2, -1))


def middle(length: int, factor: float) -> slice:
    """The part of an axis that fills it when enlarged."""
    part = ceil(length / factor)
    start = (length - part) // 2
    return slice(start, start + part)


def enlarged(fields: Tensor, length: int, width: int, factor: float) -> Tensor:
    return fields


def enlarging(length: int, factor: float) -> Axis:
    """How ``scipy.ndimage.zoom`` (order 1) enlarges the middle of an axis; the result may have one value too many.

    Where rounding takes the last coordinate beyond the last value, scipy gives 0: a black line, in the original too.
    """
    part = ceil(length / factor)
    count = round(part * factor)
    places = np.arange(count) * ((part - 1) / (count - 1))
    low = np.minimum(places.astype(np.int64), part - 2)
    second = places - low
    inside = places <= part - 1
    return Axis(*(torch.from_numpy(array) for array in (low, (1 - second) * inside, second * inside)))
