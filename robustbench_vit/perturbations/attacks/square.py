"""Square attack: random squares that are kept where they make the margin smaller; needs logits only."""

from dataclasses import dataclass, fields
from fractions import Fraction
from functools import lru_cache
from math import sqrt
from typing import TypeAlias

import torch
from torch import Tensor

from robustbench_vit.perturbations.attacks.ball import Ball, Norm
from robustbench_vit.perturbations.attacks.losses import margin
from robustbench_vit.perturbations.attacks.search import Rows, Search
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Perturbed, Pixels

_SHARE = 0.8
"""p: share of the image that the first squares cover."""
_HALVED_AT = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Of 10,000 queries, those after which p is halved."""
_TOGETHER = 128
"""Queries drawn at once: enough to make draws cheap, few enough that samples broken early cost little."""
_TINY = 1e-12

Window: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
"""Index of one square an image, the same in all channels: takes n×3×side×side from n×3×H×W."""


def square(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    eps: int | Fraction,
    norm: Norm = "linf",
    queries: int = 5000,
    schedule: int | None = None,
) -> Perturbed:
    """Show the model one changed square after the other; an image is attacked until the model is wrong.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: One key an image: what the q-th query of an image draws depends on nothing else, and its place and size
            on the schedule.
        context: ``model`` (pixels → logits, of which no gradient is asked) and ``labels``.
        eps: Largest distance, pixels in [0,1].
        norm: ``linf``: a square is changed by eps up or down, a sign for each channel. ``l2``: change is moved from one
            square to another, where it is shaped as two peaks of opposite sign.
        queries: Images shown to the model at most, the clean one not counted.
        schedule: Number of queries over which squares get smaller; None is ``queries``. AutoAttack has 10,000 for its
            5,000 queries.

    Returns:
        Images and the columns of every attack, see `robustbench_vit.perturbations.attacks.fgsm`; ``zero_gradient`` is
        NaN, because no gradient is known.

    Raises:
        CaseError: If a label is none of the model's classes.

    Source:
        Andriushchenko, Croce, Flammarion & Hein, "Square Attack: a query-efficient black-box adversarial attack via
        random search", ECCV 2020 (arXiv:1912.00049), algorithms 1 (search), 2 (L∞) and 3 (L2), with the loss
        f_y − max over k ≠ y of f_k. As the authors' program does: p is halved after query 500 of 10,000, too, and
        sides in L2 are odd and at least 3.

    Differences:
        The draws: here each image has squares of its own.
    """
    search = Search(images, context, Ball(norm, eps), "square")
    search.clean_logits()
    walk = _Walk.of(search, keys)
    sides = [_side(query / (schedule or queries), norm, *images.shape[-2:]) for query in range(queries)]
    for query in range(1, queries):
        if not len(walk.rows):
            break
        number, place = divmod(query - 1, _TOGETHER)
        if place == 0:
            walk.draws = _draws(keys.at(walk.rows), number)
        first, second, colours = walk.squares(place, sides[query])
        if norm == "linf":
            candidates = _recoloured(walk, first, colours, search.ball)
        else:
            candidates = _moved(walk, first, second, colours, search.ball)
        walk.show(search, candidates)
    return search.result()


@dataclass
class _Walk:
    """Where each of n samples stands: one entry a sample in every tensor.

    Args:
        rows: Places in the batch.
        clean: Clean images.
        images: Images of smallest margin among those that were shown, the clean one left aside.
        margin: Their margins.
        draws: What `_draws` gave for the next queries.
    """

    rows: Rows
    clean: Pixels
    images: Pixels
    margin: Tensor
    draws: Tensor

    @classmethod
    def of(cls, search: Search, keys: Keys) -> "_Walk":
        """The first query: stripes, or a grid of tiles."""
        rows = search.left()
        clean, own = search.clean[rows], keys.at(rows)
        nothing = rows.new_zeros((len(rows), 0, 5))
        walk = cls(rows, clean, clean, torch.full_like(rows, torch.inf, dtype=clean.dtype), nothing)
        if len(rows):
            walk.show(search, (_stripes if search.ball.norm == "linf" else _tiles)(clean, own, search.ball))
        return walk

    def show(self, search: Search, candidates: Pixels) -> None:
        """One query: keep what makes the margin smaller, and drop samples that the model is wrong about."""
        logits, broken = search.logits(candidates, self.rows)
        margins = margin(logits, search.labels[self.rows]).to(self.margin.dtype)
        better = margins < self.margin
        self.margin = torch.where(better, margins, self.margin)
        self.images = torch.where(better.view(-1, 1, 1, 1), candidates, self.images)
        if bool(broken.any()):
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[~broken])

    def squares(self, place: int, side: int) -> tuple[Window, Window, Tensor]:
        """Two squares of a query, and its colours."""
        height, width = self.clean.shape[-2:]
        spans = self.draws.new_tensor([height, width, height, width]) - side + 1
        *corners, colours = self.draws[:, place].unbind(1)
        first, second, third, fourth = ((corner * span) >> 32 for corner, span in zip(corners, spans, strict=True))
        return _window(first, second, side), _window(third, fourth, side), colours


def _draws(keys: Keys, number: int) -> Tensor:
    """n×queries×5 int64 in [0, 2³²) for the ``number``-th lot of queries: corners of two squares, and colours."""
    names = ("top", "left", "other_top", "other_left", "colours")
    return torch.stack([keys.bits(f"{name}/{number}", _TOGETHER) for name in names], 2).long() & 0xFFFFFFFF


def _side(progress: float, norm: Norm, height: int, width: int) -> int:
    """Side of the squares when so much of the search is over, in [0,1)."""
    share = _SHARE / 2 ** sum(progress * 10_000 > at for at in _HALVED_AT)
    side = sqrt(share * height * width)
    # In L2 an even number is made odd.
    whole = max(round(side), 1) if norm == "linf" else max(round(side) // 2 * 2 + 1, 3)
    return min(whole, height, width)


def _window(top: Tensor, left: Tensor, side: int) -> Window:
    """Index of the squares with these corners, shape (n,) each."""
    along = torch.arange(side, device=top.device)
    sample, channel = torch.arange(len(top), device=top.device), torch.arange(3, device=top.device)
    rows, columns = (corner[:, None] + along for corner in (top, left))
    return sample[:, None, None, None], channel[:, None, None], rows[:, None, :, None], columns[:, None, None, :]


def _signs(bits: Tensor) -> Tensor:
    """Shape (n,…) → n×3×…, ±1: the three lowest bits, one for each channel."""
    shifts = torch.arange(3, device=bits.device).view(1, 3, *[1] * (bits.ndim - 1))
    return 1.0 - 2.0 * ((bits[:, None] >> shifts) & 1)


def _turned(bits: Tensor) -> Tensor:
    """Whether peaks lie side by side instead of one above the other: the fourth bit."""
    return (bits >> 3) & 1


def _stripes(clean: Pixels, keys: Keys, ball: Ball) -> Pixels:
    """Each column of each channel brightened or darkened by eps."""
    signs = _signs(keys.bits("stripes", clean.shape[-1]))[:, :, None, :]
    return ball.project(clean + float(ball.eps) * signs, clean)


def _recoloured(walk: _Walk, at: Window, colours: Tensor, ball: Ball) -> Pixels:
    """Algorithm 2: the square eps above or below the clean image, whatever was there before."""
    candidates = walk.images.clone()
    signs = _signs(colours)[:, :, None, None]
    # What is 2·eps above any point of the ball is cut back to eps above the clean image.
    candidates[at] = (walk.clean[at] + float(ball.eps) * signs).clamp_(0, 1)
    return candidates


def _tiles(clean: Pixels, keys: Keys, ball: Ball) -> Pixels:
    """A grid of 5×5 pairs of peaks, of length eps together."""
    height, width = clean.shape[-2:]
    side = max(min(height, width) // 5, 1)
    rows, columns = height // side, width // side
    bits = keys.bits("tiles", rows, columns)
    tiles = _peaks(side, clean)[_turned(bits)][:, None] * _signs(bits)[..., None, None]
    change = torch.zeros_like(clean)
    top, left = (height - rows * side) // 2, (width - columns * side) // 2
    joined = tiles.transpose(3, 4).reshape(len(clean), 3, rows * side, columns * side)
    change[:, :, top : top + rows * side, left : left + columns * side] = joined
    return ball.project(clean + float(ball.eps) * ball.steepest(change), clean)


def _moved(walk: _Walk, to: Window, source: Window, colours: Tensor, ball: Ball) -> Pixels:
    """Algorithm 3: the change in two squares goes to one of them, with all that is left of eps."""
    change = walk.images - walk.clean
    total = _energy(change)
    unused = (float(ball.eps) ** 2 - total.sum(1, keepdim=True)).clamp_min(0)
    old = change[to]
    change[source], change[to] = 0, 0
    available = (total - _energy(change)).clamp_min(0) + unused / 3
    new = _peaks(old.shape[-1], old)[_turned(colours)][:, None] * _signs(colours)[:, :, None, None]
    new += old / (_energy(old).sqrt() + _TINY)[..., None, None]
    change[to] = new * (available / (_energy(new) + _TINY)).sqrt()[..., None, None]
    return ball.project(walk.clean + change, walk.clean)


def _energy(change: Tensor) -> Tensor:
    """n×3: sum of squares in each channel."""
    return change.square().sum((2, 3))


def _peaks(side: int, like: Tensor) -> Tensor:
    """2×side×side of length 1 each: a peak above its negative (equation 2 of the paper), and the transpose."""
    return _pairs(side, like.device, like.dtype)


@lru_cache(maxsize=64)
def _pairs(side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    halves = [_peak(height, side) for height in (side // 2, side - side // 2) if height]
    up, *down = [half / half.square().sum().sqrt() for half in halves]  # of equal weight, though one may be a row wider
    pair = torch.cat([up, *(-half for half in down)])
    pair = pair / pair.square().sum().sqrt()
    return torch.stack([pair, pair.T]).to(device, dtype)


def _peak(height: int, width: int) -> Tensor:
    """height×width: Σ over k = 0 … M of 1/(n + 1 − k)², rectangles that grow around the middle.

    n is half of the longer side, and M = n − the larger of the distances from the middle along rows and columns.
    """
    rows, columns = torch.arange(height) - height // 2, torch.arange(width) - width // 2
    distance = torch.maximum(rows.abs()[:, None], columns.abs()[None, :])
    n = max(height, width) // 2
    steps = (1 / torch.arange(n + 1, 0, -1, dtype=torch.float64).square()).cumsum(0)
    return steps[n - distance]
