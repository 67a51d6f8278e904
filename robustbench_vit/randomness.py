"""Keyed random fields: what is drawn for an image depends on (seed, stream, sample id, position) only (contract C2).

The key is 64 bits of blake2b, kept as two int32 words. A counter-based mixer in wrapping int32 arithmetic turns (key,
counter) into 32 random bits, so integers are the same on every device and in every batch. Normals are sums of two
table look-ups, hence exact functions of these integers too: no logarithm whose rounding depends on vector length.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.special import ndtri

_BLOCK = 1 << 15  # Counters mixed at once: the int32 temporaries stay in the second-level cache.


@dataclass(frozen=True)
class Keys:
    """The random source of one perturbation for a batch of images.

    Args:
        seed: Seed of the run.
        stream: Name of the perturbation (or other consumer); parameters never enter, so severities share draws.
        ids: One sample id an image.
        device: Where fields are made.

    Example:
        >>> keys = Keys(0, "patchdrop", ("a", "b"))
        >>> bool((keys.bits("mask", 4)[1] == Keys(0, "patchdrop", ("b",)).bits("mask", 4)[0]).all())
        True
    """

    seed: int
    stream: str
    ids: tuple[str, ...]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: slice) -> "Keys":
        """The same source for some of the images."""
        return replace(self, ids=self.ids[chosen])

    def of(self, ids: Sequence[str]) -> "Keys":
        """The same source for other sample ids (one id a batch, where authors drew once a batch)."""
        return replace(self, ids=tuple(ids))

    def at(self, rows: Tensor) -> "Keys":
        """The same source for the images at these places: int64, shape (n,)."""
        return self.of([self.ids[row] for row in rows.tolist()])

    def under(self, stream: str) -> "Keys":
        """What another perturbation draws for the same images."""
        return replace(self, stream=stream)

    def words(self, name: str) -> Tensor:
        """N×2 int32: the 64-bit key of every image for the field ``name``."""
        prefix = f"{self.seed}\0{self.stream}\0{name}\0".encode()
        keys = b"".join(hashlib.blake2b(prefix + sample.encode(), digest_size=8).digest() for sample in self.ids)
        words = torch.frombuffer(bytearray(keys), dtype=torch.int32) if keys else torch.empty(0, dtype=torch.int32)
        return words.view(-1, 2).to(self.device)

    def bits(self, name: str, *shape: int) -> Tensor:
        """N×shape int32, uniform over all 2³² values."""
        words, count = self.words(name), prod(shape)
        if self.device.type == "cpu":
            return _mixed_by_numpy(words, count).view(len(self), *shape)
        counters = torch.arange(count, dtype=torch.int32, device=self.device)
        return _mixed(words, counters).view(len(self), *shape)

    def halves(self, name: str, *shape: int) -> Tensor:
        """N×shape int32, uniform in [0, 2¹⁶): two from each of `bits`, at half the price."""
        count = prod(shape)
        pairs = self.bits(name, (count + 1) // 2).view(torch.int16)[:, :count]
        return (pairs.int() & 0xFFFF).view(len(self), *shape)

    def uniform(self, name: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """N×shape float32 in [low, high), on a grid of 2⁻²⁴ of the range."""
        unit = ((self.bits(name, *shape) >> 8) & 0xFFFFFF).float().mul_(2.0**-24)
        return unit.mul_(high - low).add_(low)

    def coarse_normal(self, name: str, *shape: int) -> Tensor:
        """N×shape float32, standard normal on 65,536 values, for results that are rounded to 8 bit.

        One draw from the quantile table: excess kurtosis −8e-4, no value beyond 4.4, half the price of `normal`.
        """
        halves, table = self.halves(name, *shape), _quantiles(self.device, 1.0)
        return table.index_select(0, halves.view(-1)).view(halves.shape)

    def normal(self, name: str, *shape: int) -> Tensor:
        """N×shape float32, standard normal.

        The sum of two independent draws from a 65,536-entry quantile table, scaled to unit variance: excess kurtosis
        −4e-4, no value beyond 6.2, the same bits on every device.
        """
        bits, table = self.bits(name, *shape), _quantiles(self.device, 0.5)
        low = table.index_select(0, (bits & 0xFFFF).view(-1))
        return low.add_(table.index_select(0, ((bits >> 16) & 0xFFFF).view(-1))).view(bits.shape)

    def integers(self, name: str, *shape: int, low: int, high: int) -> Tensor:
        """N×shape int64 in [low, high); the bias is below (high − low)/2³²."""
        unsigned = self.bits(name, *shape).long() & 0xFFFFFFFF
        return ((unsigned * (high - low)) >> 32) + low

    def small_integers(self, name: str, *shape: int, low: int, high: int) -> Tensor:
        """N×shape int32 in [low, high); half as many bits as `integers`: the bias is below (high − low)/2¹⁶."""
        return ((self.halves(name, *shape) * (high - low)) >> 16) + low

    def order(self, name: str, count: int) -> Tensor:
        """N×count int64: one uniformly random permutation an image, first the earliest place."""
        return self.bits(name, count).argsort(dim=1, stable=True)

    def ranks(self, name: str, count: int) -> Tensor:
        """N×count int64: the place of every item in `order`."""
        return self.order(name, count).argsort(dim=1, stable=True)


def _mixed(words: Tensor, counters: Tensor) -> Tensor:
    """N×count int32 from N×2 keys: two rounds of a multiply–xorshift mixer, a key word before each.

    The round is the 32-bit finaliser of C. Wellons' hash prospector (shifts 16, 15, 16; bias 0.021). The second word
    enters by addition after the first round, so keys that share a word share no stretch of their streams.
    """
    state = counters ^ words[:, :1]
    state = _finalised(state)
    state += words[:, 1:]
    return _finalised(state)


def _finalised(state: Tensor) -> Tensor:
    state ^= (state >> 16) & 0xFFFF
    state *= 0x21F0AAAD
    state ^= (state >> 15) & 0x1FFFF
    state *= 0x735A2D97
    state ^= (state >> 15) & 0x1FFFF
    return state


def _mixed_by_numpy(words: Tensor, count: int) -> Tensor:
    """`_mixed` on the CPU: the same integers, more than twice as fast, because numpy shifts unsigned words in place."""
    out = torch.empty(len(words), count, dtype=torch.int32)
    states, keys = out.numpy().view(np.uint32), words.numpy().view(np.uint32)
    rows = max(1, _BLOCK // max(count, 1))
    for row in range(0, len(words), rows):
        key = keys[row : row + rows]
        for start in range(0, count, _BLOCK):
            state = states[row : row + rows, start : start + _BLOCK]
            counters = np.arange(start, start + state.shape[1], dtype=np.uint32)
            np.bitwise_xor(counters, key[:, :1], out=state)
            _finalise(state)
            state += key[:, 1:]
            _finalise(state)
    return out


def _finalise(state: NDArray[np.uint32]) -> None:
    shifted = np.right_shift(state, 16)
    state ^= shifted
    state *= np.uint32(0x21F0AAAD)
    state ^= np.right_shift(state, 15, out=shifted)
    state *= np.uint32(0x735A2D97)
    state ^= np.right_shift(state, 15, out=shifted)


@lru_cache
def _quantiles(device: torch.device, variance: float) -> Tensor:
    """Quantiles of a normal at the middle of 65,536 equal bins, scaled so that the table's variance is exact."""
    z = ndtri((torch.arange(1 << 16, dtype=torch.float64) + 0.5) / (1 << 16))
    scaled: Tensor = z / (z.square().mean() / variance).sqrt()
    return scaled.float().to(device)
