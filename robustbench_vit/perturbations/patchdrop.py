"""PatchDrop: random, salient and background occlusion (Naseer et al., NeurIPS 2021, section 3.1)."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import Literal

import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.grid import batch_keys, fitting_grid, to_cells, to_pixels
from robustbench_vit.randomness import Keys
from robustbench_vit.spec import Value, exact
from robustbench_vit.types import Context, Perturbed, Pixels


def patchdrop(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    region: Literal["random", "salient", "background"] = "random",
    ratio: float | Fraction,
    grid: int | Sequence[int] | None = None,
    fill: float | Fraction = 0.0,
    offset: int = 0,
    by: Literal["area", "mass"] = "area",
    saliency: Value = None,
    compat: Literal["naseer"] | None = None,
) -> Perturbed:
    """Fill whole cells of a grid, chosen for every image by itself.

    ``by="area"`` drops ⌊ratio·cells⌋ cells, so that the three regions lose the same area. ``by="mass"`` is the
    published rule for the saliency regions: with the cells in ascending order of saliency and c the running share of
    its sum, the cells with c > 1 − λ hold the top λ of the mass; ``salient`` drops those of λ = ratio, ``background``
    drops all but those of λ = 1 − ratio. Ties are broken by the random order, and the order does not depend on the
    ratio, so larger ratios drop supersets.

    Args:
        images: N×3×H×W float in [0,1].
        keys: One key an image.
        context: ``saliency`` (N×H×W) for the salient and background regions; ``positions`` for ``compat``.
        region: Which cells go first.
        ratio: Share dropped, in [0,1]; decimals are taken exactly.
        grid: Cells a side or (rows, columns); None picks 14×14, 8×8 or 7×7 by image size.
        fill: Value of dropped pixels, in [0,1].
        offset: Pixels by which the mask moves down and right; the rows and columns it leaves stay visible.
        by: Whether ratio counts area or saliency mass.
        saliency: Name of the provider; the engine has put its map into the context.
        compat: ``naseer`` draws one random mask for 256 consecutive samples.

    Returns:
        Images, with the realised ``area`` and (where there is saliency) ``mass`` dropped as columns.

    Raises:
        CaseError: If the grid does not divide the image, saliency is missing, or ``by="mass"`` has no saliency.

    Source:
        Section 3.1 and the released evaluation script.

    Differences:
        The script draws one mask a batch (``compat="naseer"``) and its background parameter counts the mass kept.
    """
    del saliency
    height, width = images.shape[-2:]
    shape = fitting_grid(grid, height, width)
    cells = shape[0] * shape[1]
    if offset >= min(height, width):
        raise CaseError(f"patchdrop: an offset of {offset} pixels moves the mask out of {height}×{width} images")
    order = batch_keys(keys, context.positions, compat).order("cells", cells)
    if region == "random":
        if by == "mass":
            raise CaseError("patchdrop: by=mass needs region=salient or background; a random region has no mass")
        dropped = _first(order, floor(exact(ratio) * cells))
    else:
        if context.saliency is None:
            raise CaseError(f"patchdrop: region={region} needs a saliency map in the context")
        mass = to_cells(context.saliency[:, None], shape).sum(dim=(2, 3, 4), dtype=torch.float64)
        dropped = _by_saliency(mass, order, region, exact(ratio), by)

    covered = _shifted(to_pixels(dropped, shape, height, width), offset)
    columns = {"area": covered.double().mean(dim=(1, 2))}
    if region != "random" and context.saliency is not None:
        weight = context.saliency.double()
        total = weight.sum(dim=(1, 2))
        share = (weight * covered).sum(dim=(1, 2)) / total
        columns["mass"] = torch.where(total > 0, share, columns["area"])
    return Perturbed(images.masked_fill(covered[:, None], float(fill)), columns)


def _first(order: Tensor, count: int) -> Tensor:
    """N×cells bool: the first ``count`` cells of each order."""
    return torch.zeros_like(order, dtype=torch.bool).scatter_(1, order[:, :count], value=True)


def _by_saliency(mass: Tensor, order: Tensor, region: str, ratio: Fraction, by: str) -> Tensor:
    """N×cells bool: cells dropped, from N×cells mass and a random order that breaks ties."""
    # A map without any mass says nothing: every cell counts the same.
    mass = torch.where(mass.sum(1, keepdim=True) > 0, mass, torch.ones_like(mass))
    ascending = order.gather(1, mass.gather(1, order).argsort(dim=1, stable=True))
    if by == "area":
        count = floor(ratio * mass.shape[1])
        return _first(ascending.flip(1) if region == "salient" else ascending, count)
    if ratio == 0:  # by the rule, background drops even then the cells without any mass
        return torch.zeros_like(order, dtype=torch.bool)
    top = _top_mass(mass, ascending, ratio if region == "salient" else 1 - ratio)
    return top if region == "salient" else ~top


def _top_mass(mass: Tensor, ascending: Tensor, share: Fraction) -> Tensor:
    """N×cells bool: F(share), the cells that hold the top share of the mass."""
    running = mass.gather(1, ascending).cumsum(1)
    in_top = running > float(1 - share) * running[:, -1:]
    return torch.zeros_like(in_top).scatter_(1, ascending, in_top)


def _shifted(covered: Tensor, offset: int) -> Tensor:
    """A mask moved down and right; what it leaves is uncovered."""
    if not offset:
        return covered
    moved = torch.zeros_like(covered)
    moved[:, offset:, offset:] = covered[:, :-offset, :-offset]
    return moved
