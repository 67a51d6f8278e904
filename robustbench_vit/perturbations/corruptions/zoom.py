"""Zoom blur, and the enlarging of an image's middle that snow shares with it."""

import warnings
from functools import lru_cache
from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.backends import mkl

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption, truncated
from robustbench_vit.randomness import Keys

_LARGEST = 384 * 384  # pixels whose operator is kept in memory: 52 MB a severity
_ENTRIES = 1 << 20  # of an operator, sorted at a time
_LIFT = 1e-4  # more than the rounding of a sum of float32 products


@corruption(at_once=8, fixed_shape=True)
def zoom_blur(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """The mean of the image, twice, and of its middle enlarged by factors from 1 on.

    Differences: every axis is enlarged by its own length, so images need not be square; the original takes the height
    for both.
    """
    height, width = images.shape[-2:]
    kept = images.device.type == "cpu" and height * width <= _LARGEST
    if kept and not setting.exact and mkl.is_available():  # type: ignore[no-untyped-call]
        return _by_operator(images, _factors(setting))
    if images.device.type == "cpu":
        # One by one, for the memory's sake; black images, which stay black, mostly only fill up a chunk.
        return torch.stack([truncated(_by_layers(image, setting)) if image.any() else image for image in images])
    return _by_layers(images, setting)


def _factors(setting: Setting) -> tuple[float, ...]:
    """As numpy counts them: rounding lets the stop itself in at some severities."""
    stop, step = setting.pick(
        ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
        ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
    )
    return tuple(np.arange(1, stop, step).tolist())


def _by_layers(images: Tensor, setting: Setting) -> Tensor:
    """One layer after the other for …×H×W images; layers are added in float32, as in the original."""
    height, width = images.shape[-2:]
    factors = _factors(setting)
    clean = images.to(setting.dtype).div_(255).float()
    total = torch.zeros_like(clean)
    for factor in factors:
        part = clean[..., middle(height, factor), middle(width, factor)].to(setting.dtype)
        total += enlarged(part, height, width, factor)[..., :height, :width].float()
    return total.add_(clean).div_(len(factors) + 1).mul_(255)


def middle(length: int, factor: float) -> slice:
    """The part of an axis that fills it when enlarged."""
    part = ceil(length / factor)
    start = (length - part) // 2
    return slice(start, start + part)


def enlarged(part: Tensor, height: int, width: int, factor: float) -> Tensor:
    """Enlarge the middle part of H×W fields as ``scipy.ndimage.zoom`` of order 1 does: a few values more than H×W."""
    for dim, length in ((-2, height), (-1, width)):
        low, first, second = _axis(length, factor, part.dtype, part.device)
        shape = (-1, 1) if dim == -2 else (-1,)
        lower, upper = part.index_select(dim, low), part.index_select(dim, low + 1)
        part = lower.mul_(first.view(shape)).add_(upper.mul_(second.view(shape)))
    return part


@lru_cache(maxsize=128)
def _axis(length: int, factor: float, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Indices and weights along an axis: out[i] = first[i]·in[low[i]] + second[i]·in[low[i] + 1].

    Where rounding takes the last place beyond the last value scipy gives 0: a black line, which the original has too.
    """
    part = ceil(length / factor)
    count = round(part * factor)
    places = np.arange(count) * ((part - 1) / (count - 1))
    low = np.minimum(places.astype(np.int64), part - 2)
    inside = places <= part - 1
    first, second = (torch.from_numpy(weights * inside) for weights in (1 - (places - low), places - low))
    return torch.from_numpy(low).to(device), first.to(device, dtype), second.to(device, dtype)


@lru_cache
def _lifts(layers: int) -> Tensor:
    """256 float32: what keeps a flat area of each value, whose blur is a whole number, where the original has it."""
    clean = torch.arange(256).div(255)
    total = torch.zeros(256)
    for _ in range(layers):
        total += clean
    kept = ((total + clean) / (layers + 1) * 255).to(torch.uint8) == torch.arange(256)
    return torch.where(kept, _LIFT, -_LIFT)


def _by_operator(images: Tensor, factors: tuple[float, ...]) -> Tensor:
    operator, lifts = _operator(*images.shape[-2:], factors), _lifts(len(factors))
    count, channels, height, width = images.shape
    columns = images.reshape(-1, height * width).T.to(torch.float32, memory_format=torch.contiguous_format)
    blurred = operator @ columns
    blurred.add_(lifts.index_select(0, blurred.round().int().view(-1)).view_as(blurred))
    return truncated(blurred).view(height, width, count, channels).movedim((0, 1), (-2, -1))


@lru_cache(maxsize=5)
def _operator(height: int, width: int, factors: tuple[float, ...]) -> Tensor:
    """The whole blur as one sparse matrix, HW×HW float32, some 44 entries a row; built a few image rows at a time."""
    step = max(1, _ENTRIES // (4 * len(factors) * width))
    pieces = [_rows(range(top, min(top + step, height)), height, width, factors) for top in range(0, height, step)]
    counts = torch.cat([piece.indices()[0].bincount(minlength=piece.shape[0]) for piece in pieces])
    starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)]).int()
    columns = torch.cat([piece.indices()[1] for piece in pieces]).int()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        values = torch.cat([piece.values() for piece in pieces]).float()
        return torch.sparse_csr_tensor(starts, columns, values, (height * width,) * 2, check_invariants=False)


def _rows(rows: range, height: int, width: int, factors: tuple[float, ...]) -> Tensor:
    """The operator's part for some rows of the image, sparse float64."""
    places, weights = [], []
    for factor in factors:
        down, down_weights = (table[rows.start : rows.stop] for table in _taps(height, factor))
        right, right_weights = _taps(width, factor)
        places.append((down[:, None, :, None] * width + right[None, :, None, :]).view(len(rows) * width, 4))
        weights.append((down_weights[:, None, :, None] * right_weights[None, :, None, :]).view(-1, 4))
    clean = torch.arange(rows.start * width, rows.stop * width)[:, None]
    column, weight = torch.cat([clean, *places], 1), torch.cat([torch.ones_like(clean), *weights], 1)
    row = torch.arange(len(clean))[:, None].expand_as(column)
    size = (len(clean), height * width)
    summed = torch.sparse_coo_tensor(
        torch.stack([row.reshape(-1), column.view(-1)]), weight.view(-1), size, check_invariants=False
    )
    return summed.coalesce() / (len(factors) + 1)


def _taps(length: int, factor: float) -> tuple[Tensor, Tensor]:
    """length×2 each: the two places along an axis that every place of a layer sees, and their weights."""
    low, first, second = (table[:length] for table in _axis(length, factor, torch.float64, torch.device("cpu")))
    low = low + middle(length, factor).start
    return torch.stack([low, low + 1], 1), torch.stack([first, second], 1)
