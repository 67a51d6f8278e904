"""Whether two tables of rows say the same about the images that both have (for merging)."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

TOLERANCE = 1e-3
"""How far figures may lie apart, absolute plus relative: what devices and versions of libraries make of one model."""

_EXACT = {"min_eps"}  # a decision, though a number


class Agreement(NamedTuple):
    """What two tables say about the images that both have.

    Args:
        conflicts: Sample ids about which they differ in what was decided, or in figures beyond the tolerance.
        example: What differs in the first of these, in words; empty if nothing does.
        close: Number of images whose figures differ within the tolerance.
    """

    conflicts: tuple[str, ...]
    example: str
    close: int


def agreement(one: pa.Table, two: pa.Table) -> Agreement:
    """Compare rows image by image.

    Labels, predictions, positions and every other integer, flag or word must be equal; of the five best classes,
    whether the label is among them. Figures (probabilities, losses, norms) may differ by `TOLERANCE`.

    Args:
        one: Rows of one case, each image once.
        two: Rows of the same case, with the same columns.
    """
    if one.equals(two):
        return Agreement((), "", 0)
    first, second = (table.to_pandas().set_index("id") for table in (one, two))
    common = first.index.intersection(second.index)
    first, second = first.loc[common], second.loc[common]
    wrong, close = np.zeros(len(common), bool), np.zeros(len(common), bool)
    example = ""
    for name in first.columns if len(common) else ():
        apart, near = _compared(name, first, second)
        if apart.any() and not wrong.any():
            place = int(apart.argmax())
            example = f"{common[place]}: {name} {_shown(first, name, place)} and {_shown(second, name, place)}"
        wrong, close = wrong | apart, close | near
    return Agreement(tuple(common[wrong]), example, int((close & ~wrong).sum()))


def _compared(name: str, one: pd.DataFrame, two: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each image, whether a column differs, and whether it differs within the tolerance."""
    if name == "top5_ids":
        apart = _found(one) != _found(two)
        return apart, np.zeros_like(apart)
    mine, other = _values(one[name]), _values(two[name])
    if name in _EXACT or not np.issubdtype(mine.dtype, np.floating):
        apart = np.asarray((mine != other) & ~(pd.isna(mine) & pd.isna(other)), bool)
        return _any(apart), np.zeros(len(one), bool)
    equal = np.isclose(mine, other, rtol=0, atol=0, equal_nan=True)
    near = np.isclose(mine, other, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return _any(~near), _any(~equal & near)


def _values(column: "pd.Series[Any]") -> NDArray[Any]:
    """Shape (N,), or (N, K) of a column of lists."""
    return np.stack(list(column)) if isinstance(column.iloc[0], np.ndarray) else column.to_numpy()


def _found(rows: pd.DataFrame) -> NDArray[np.bool_]:
    best = np.stack(list(rows["top5_ids"]))
    return np.asarray((best == rows["label"].to_numpy()[:, None]).any(axis=1))


def _any(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each image, over the entries of a list."""
    return np.asarray(cells.reshape(len(cells), -1).any(axis=1))


def _shown(rows: pd.DataFrame, name: str, place: int) -> str:
    return str(rows[name].iloc[place]).replace("\n", " ")
