"""Patch shuffling (Naseer et al., NeurIPS 2021, section 3.3)."""

from collections.abc import Sequence
from typing import Literal

from robustbench_vit.perturbations.grid import batch_keys, fitting_grid, from_cells, to_cells
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Pixels


def shuffle(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    grid: int | Sequence[int],
    compat: Literal["naseer"] | None = None,
) -> Pixels:
    """Permute the cells of a grid, by one uniformly random permutation an image.

    Args:
        images: N×3×H×W float in [0,1].
        keys: One key an image.
        context: ``positions`` for ``compat``.
        grid: Cells a side or (rows, columns); must divide the image.
        compat: ``naseer`` draws one permutation for 256 consecutive samples.

    Returns:
        N×3×H×W float: the same values in other places. The identity is not excluded.

    Raises:
        CaseError: If the grid does not divide the image.

    Differences:
        The released script draws one permutation a batch (``compat="naseer"``).
    """
    shape = fitting_grid(grid, *images.shape[-2:])
    cells = to_cells(images, shape)
    order = batch_keys(keys, context.positions, compat).order("cells", cells.shape[1])
    places = order.view(*order.shape, 1, 1, 1).expand_as(cells)
    return from_cells(cells.gather(1, places), shape)
