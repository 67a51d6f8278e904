"""Grids of equal cells over an image, shared by PatchDrop, shuffling and the saliency rules."""

from collections.abc import Sequence

from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.randomness import Keys

Grid = tuple[int, int]

_PREFERRED = (14, 8, 7)
_SMALLEST_CELL = 4

NASEER_BATCH = 256
"""Naseer et al. draw once for a batch of 256; here, 256 consecutive samples of the canonical order (contract C2)."""


def fitting_grid(grid: int | Sequence[int] | None, height: int, width: int) -> Grid:
    """Rows and columns of a grid that divides an image.

    Args:
        grid: Cells a side, (rows, columns), or None for the first of 14, 8 and 7 that divides both sides into cells
            of 4 pixels or more: the published 14×14 at 224, 8×8 at 32 and 64, 7×7 at 28.
        height: Of the image.
        width: Of the image.

    Raises:
        CaseError: If the grid does not divide the image; names the sides that would.
    """
    if grid is None:
        for side in _PREFERRED:
            if _divides(side, height, width) and min(height, width) // side >= _SMALLEST_CELL:
                return side, side
        raise CaseError(f"no default grid divides {height}×{width} images; give grid=, e.g. {_divisors(height, width)}")
    rows, columns = (grid, grid) if isinstance(grid, int) else grid
    if height % rows or width % columns:
        known = _divisors(height, width)
        raise CaseError(f"a {rows}×{columns} grid does not divide {height}×{width} images; sides that do: {known}")
    return rows, columns


def to_cells(images: Tensor, grid: Grid) -> Tensor:
    """N×C×H×W → N×cells×C×h×w, cells in row-major order."""
    n, channels, height, width = images.shape
    rows, columns = grid
    cells = images.view(n, channels, rows, height // rows, columns, width // columns)
    return cells.permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, channels, height // rows, width // columns)


def from_cells(cells: Tensor, grid: Grid) -> Tensor:
    """The inverse of `to_cells`."""
    n, _, channels, height, width = cells.shape
    rows, columns = grid
    image = cells.view(n, rows, columns, channels, height, width).permute(0, 3, 1, 4, 2, 5)
    return image.reshape(n, channels, rows * height, columns * width)


def to_pixels(values: Tensor, grid: Grid, height: int, width: int) -> Tensor:
    """N×cells → N×H×W, every pixel the value of its cell."""
    rows, columns = grid
    maps = values.view(-1, rows, columns)
    return maps.repeat_interleave(height // rows, 1).repeat_interleave(width // columns, 2)


def batch_keys(keys: Keys, positions: Tensor | None, compat: str | None) -> Keys:
    """The keys themselves, or under ``compat="naseer"`` one key for each 256 consecutive canonical positions."""
    if compat is None:
        return keys
    if positions is None:
        raise CaseError("compat=naseer needs the samples' positions in the canonical order")
    return keys.of([f"batch {position // NASEER_BATCH}" for position in positions.tolist()])


def _divides(side: int, height: int, width: int) -> bool:
    return height % side == 0 and width % side == 0


def _divisors(height: int, width: int) -> str:
    return ", ".join(str(side) for side in range(2, min(height, width) + 1) if _divides(side, height, width)) or "none"
