"""Ranks that show ties as ties: all models of a column against one another, over the same images."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.detectable import LEVEL
from robustbench_vit.metrics.holm import holm

_Over = TypeVar("_Over", bound=Hashable)

_CHUNK = 2048  # images at a time: 500 models then take 8 MB

_NOTHING = 1e-9  # of two squared lengths: the rounding of a difference of equal models


class Over(NamedTuple):
    """What a number is over. Models are compared where both are equal.

    Args:
        cases: Its cases, whatever seed their draws have.
        images: Its images: equal for shares of the same images in the same order.
    """

    cases: Hashable
    images: Hashable


@dataclass(frozen=True)
class Candidate:
    """A model's number, as far as ranking needs it.

    Args:
        shares: Shape (N,), what each image contributes: `Contributions.linear`.
        over: The cases and images it is over.
        doubt: Why the number must not be ranked, such as its warning; else empty.
    """

    shares: NDArray[np.floating]
    over: Over
    doubt: str = ""


@dataclass(frozen=True)
class Standing:
    """Where a model stands.

    Args:
        rank: 1 + the number of models that are significantly better; None if it was not ranked.
        tied: Whether it is the best, or cannot be told from the best.
        reason: Why it was not ranked, else empty.
    """

    rank: int | None
    tied: bool
    reason: str = ""


def standings(candidates: Mapping[str, Candidate], higher_is_better: bool = True) -> dict[str, Standing]:
    """Rank the models of a column; a column without a better end has no ranks, so nobody should ask.

    Models are ranked over the same cases and images. Where they have run different cases or seen different images, what
    most of them have counts (of as many, what came first), and the others are not ranked: a mean over the easy half of
    a family would be first in it, and cutting everybody down to what all share would let one short run blur the column.

    Args:
        candidates: By the model's name or key.
        higher_is_better: Which end is good.

    Returns:
        In the order given.
    """
    most = usual(one.over for one in candidates.values() if not one.doubt)
    why = {name: _why_not(one, most) for name, one in candidates.items()}
    ranked = [name for name, reason in why.items() if not reason]
    places = iter(_standings([candidates[name].shares for name in ranked], higher_is_better)) if ranked else iter(())
    return {name: Standing(None, False, reason) if reason else next(places) for name, reason in why.items()}


def usual(found: Iterable[_Over]) -> _Over | None:
    """What most models are over; of as many, what came first. None if there is no model."""
    most = Counter(found).most_common(1)
    return most[0][0] if most else None


def _why_not(one: Candidate, most: Over | None) -> str:
    if one.doubt:
        return f"not ranked, for its number is in doubt: {one.doubt}"
    if most and one.over.cases != most.cases:
        return "not ranked, for it is not over the same cases as those of most models"
    if most and one.over.images != most.images:
        return "not ranked, for it is not over the same images as those of most models"
    return "" if len(one.shares) and np.isfinite(one.shares).all() else "not ranked, for it has no number"


def _standings(shares: Sequence[NDArray[np.floating]], higher_is_better: bool) -> Iterator[Standing]:
    better, best = beats(np.stack(shares, axis=1), higher_is_better)
    for rank, worse in zip(1 + better.sum(axis=0), better[best], strict=True):
        yield Standing(int(rank), not worse)


def beats(shares: NDArray[np.floating], higher_is_better: bool = True) -> tuple[NDArray[np.bool_], int]:
    """Which model is significantly better than which, all pairs tested together.

    For each pair with d the differences of the shares, z = (|Σ d| − c)₊ / √(Σ d²), with c the largest difference that a
    single image makes between any two models. Without c it is the normal form of the test that exchanges the two on
    each image, and of 0 and 1 it is McNemar's; c is its continuity correction (Edwards 1948), without which five images
    against none would differ significantly. p by the normal distribution, adjusted by Holm's method over all pairs.

    Args:
        shares: Shape (N, M), what each of N images contributes to the number of each of M models.
        higher_is_better: Which end is good.

    Returns:
        Shape (M, M): whether model i is significantly better than model j, at 0.05; and which model has the best value.

    Source:
        E. J. G. Pitman, "Significance tests which may be applied to samples from any populations", JRSS Supplement 4,
        1937; A. L. Edwards, "Note on the correction for continuity in testing the significance of the difference
        between correlated proportions", Psychometrika 13, 1948; S. Holm, see `holm`.
    """
    sums, squares, largest = _moments(shares)
    ahead = (sums[:, None] - sums[None, :]) * (1 if higher_is_better else -1)
    one, two = np.triu_indices(len(sums), 1)
    beyond = np.maximum(np.abs(ahead[one, two]) - largest, 0)
    z = np.divide(beyond, np.sqrt(squares[one, two]), out=np.zeros_like(beyond), where=squares[one, two] > 0)
    apart = np.zeros(ahead.shape, dtype=bool)
    apart[one, two] = np.array(holm([erfc(one_z / sqrt(2)) for one_z in z])) < LEVEL
    return (apart | apart.T) & (ahead > 0), int(np.argmax(sums if higher_is_better else -sums))


def _moments(shares: NDArray[np.floating]) -> tuple[FloatArray, FloatArray, float]:
    """Σ x of each model, Σ (xᵢ − xⱼ)² of each pair, and the largest |xᵢ − xⱼ| of any image."""
    models = shares.shape[1]
    sums, products, largest = np.zeros(models), np.zeros((models, models)), 0.0
    for start in range(0, len(shares), _CHUNK):
        part = np.asarray(shares[start : start + _CHUNK], dtype=np.float64)
        largest = max(largest, float(np.ptp(part, axis=1).max()))
        # What all models have in common drops out of the differences; without it less is lost to rounding.
        part = part - part.mean(axis=1, keepdims=True)
        sums += part.sum(axis=0)
        products += part.T @ part
    own = np.diag(products)
    both = own[:, None] + own[None, :]
    squares = both - 2 * products
    return sums, np.where(squares > _NOTHING * both, squares, 0.0), largest
