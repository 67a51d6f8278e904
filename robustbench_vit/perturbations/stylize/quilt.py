"""Image quilting: a field of texture without the style's own shape (Efros & Freeman, SIGGRAPH 2001).

Square blocks of the style are laid in rows with an overlap; each is the best of some drawn candidates, by how it fits
its neighbours and the content's layout of light; a cut of least error goes through every overlap. Candidates come from
the most evenly busy places of the style, so that texture is transplanted rather than sky.

Differences from the paper: candidates are drawn instead of searched for exhaustively; one pass; cuts are softened by a
pixel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from robustbench_vit.perturbations.stylize.filters import blurred, luminance

CANDIDATES = 80
BUSY = 0.4
"""Share of the style's places that blocks may come from, busiest first."""
LAYOUT = 0.5
"""Weight of the squared error of light against the content, where fitting a neighbour weighs 1."""


@dataclass(frozen=True)
class Plan:
    """How many blocks cover an H×W image; a block is 2/7 of the shorter side (64 at 224), the overlap a third of it."""

    height: int
    width: int

    @property
    def block(self) -> int:
        """Side of a block, pixels."""
        return round(min(self.height, self.width) * 2 / 7)

    @property
    def overlap(self) -> int:
        """Overlap of neighbours, pixels."""
        return self.block // 3

    @property
    def rows(self) -> int:
        """Blocks in a column."""
        return -(-(self.height - self.overlap) // (self.block - self.overlap))

    @property
    def columns(self) -> int:
        """Blocks in a row."""
        return -(-(self.width - self.overlap) // (self.block - self.overlap))


def quilted(style: Tensor, layout: Tensor, draws: Tensor) -> Tensor:
    """Lay blocks of a style.

    Args:
        style: 3×H×W in [0,1].
        layout: H×W luminance of the content, in the style's range.
        draws: blocks × `CANDIDATES`, uniform in [0,1): which places are candidates.

    Returns:
        3×H×W.
    """
    height, width = layout.shape
    plan = Plan(height, width)
    block, overlap, step = plan.block, plan.overlap, plan.block - plan.overlap
    down, right = (count * step + overlap for count in (plan.rows, plan.columns))
    light = luminance(style)
    sigma = height / 75  # 3 pixels at 224: the layout of light, without texture
    wanted = functional.pad(blurred(layout, sigma)[None, None], (0, right - width, 0, down - height), mode="replicate")
    places = _busy_places(light, block)
    tops, lefts = places // (width - block + 1), places % (width - block + 1)
    blocks, smooth = (_windows(image, block) for image in (style, blurred(light, sigma)[None]))
    field = style.new_zeros(3, down, right)
    chosen = (draws * len(places)).long().clamp_max(len(places) - 1)
    for index in range(plan.rows * plan.columns):
        y, x = index // plan.columns * step, index % plan.columns * step
        top, left = tops[chosen[index]], lefts[chosen[index]]
        candidates = blocks[:, top, left].transpose(0, 1)
        laid, goal = field[:, y : y + block, x : x + block], wanted[0, 0, y : y + block, x : x + block]
        cost = LAYOUT * (smooth[0, top, left] - goal).square().mean((1, 2))
        if y:
            cost = cost + (candidates[:, :, :overlap] - laid[:, :overlap]).square().mean((1, 2, 3))
        if x:
            cost = cost + (candidates[:, :, :, :overlap] - laid[:, :, :overlap]).square().mean((1, 2, 3))
        new = candidates[cost.argmin()]
        field[:, y : y + block, x : x + block] = laid.lerp(new, _seam(laid, new, overlap, above=y > 0, before=x > 0))
    return field[:, :height, :width]


def _windows(image: Tensor, side: int) -> Tensor:
    """C×Y×X×side×side view: every square window."""
    return image.unfold(1, side, 1).unfold(2, side, 1)


def _busy_places(light: Tensor, block: int) -> Tensor:
    """Flat indices of the top left corners of the busiest blocks, busiest first.

    Busy is the local mean of the log of fine contrast, so that even texture wins over one strong contour.
    """
    fine = light - blurred(light, max(1.0, min(light.shape) / 56))
    busy = blurred((fine.abs() + 0.01).log(), block / 4)
    height, width = (side - block + 1 for side in light.shape)
    centres = busy[block // 2 : block // 2 + height, block // 2 : block // 2 + width]
    count = max(1, round(BUSY * centres.numel()))
    return centres.flatten().argsort(descending=True, stable=True)[:count]


def _seam(laid: Tensor, new: Tensor, overlap: int, *, above: bool, before: bool) -> Tensor:
    """block×block weights of the new block: one beside the cuts through the overlaps, softened by a pixel."""
    error = (new - laid).square().sum(0)
    taken = torch.ones_like(error)
    if before:
        taken[:, :overlap] *= _cut(error[:, :overlap])
    if above:
        taken[:overlap] *= _cut(error[:overlap].T).T
    return functional.avg_pool2d(taken[None, None], 3, 1, 1, count_include_pad=False)[0, 0]


def _cut(error: Tensor) -> Tensor:
    """length×overlap weights, one right of the path of least summed error from end to end (dynamic programming)."""
    rows = error.tolist()
    cost = [rows[0]]
    for row in rows[1:]:
        last = [float("inf"), *cost[-1], float("inf")]
        cost.append([here + min(last[i : i + 3]) for i, here in enumerate(row)])
    taken = torch.zeros_like(error)
    at = min(range(len(rows[0])), key=cost[-1].__getitem__)
    for index in range(len(rows) - 1, -1, -1):
        taken[index, at:] = 1
        if index:
            near = range(max(0, at - 1), min(len(rows[0]), at + 2))
            at = min(near, key=cost[index - 1].__getitem__)
    return taken
