"""Stored sets of one array a corruption, as CIFAR-10-C is published: severities stacked, labels in ``labels.npy``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.catalog import digest
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.pictures import with_geometry
from robustbench_vit.data.stored import Contents, Severity, StoredDataset
from robustbench_vit.errors import DataError

_CHUNK = 256


class StoredArrays(StoredDataset):
    """One ``<corruption>.npy`` of L·N×H×W×3 uint8 each: N images of the lowest severity, then N of the next.

    Arrays are memory-mapped; a batch reads its own rows. The digest of a condition takes in all of its rows.

    Args:
        contents: What all conditions share.
        folder: Where the arrays are.
        severities: Severities by corruption.
        clean: The uncorrupted images, or None.
        size: Height and width that all arrays must have; None takes any.

    Raises:
        DataError: If the uncorrupted images do not fit.
    """

    def __init__(
        self,
        contents: Contents,
        folder: Path,
        severities: Mapping[str, Sequence[Severity]],
        clean: Dataset | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(contents, severities, clean)
        self._folder, self._size = folder, size

    def open(self, corruption: str, severity: Severity) -> Dataset:
        """Map the rows of one severity; see `StoredDataset.open`.

        Raises:
            DataError: If the array is damaged or has another shape or type.
        """
        levels, file = self.severities[corruption], self._folder / f"{corruption}.npy"
        array = mapped(file, rows=len(levels) * len(self), size=self._size)
        start = levels.index(severity) * len(self)
        return ArrayRows(self.contents, array[start : start + len(self)])


class ArrayRows(Dataset):
    """Pictures that are rows of a memory-mapped array.

    Args:
        contents: Ids, labels and classes, one a row.
        rows: N×H×W×3 uint8.
    """

    def __init__(self, contents: Contents, rows: NDArray[np.uint8]) -> None:
        chunks = (rows[start : start + _CHUNK].tobytes() for start in range(0, len(rows), _CHUNK))
        super().__init__(digest=digest([*contents.identity(), str(rows.shape).encode(), *chunks]), **vars(contents))
        self._pixels = rows

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Read rows; see `Dataset.decode`."""
        images = torch.from_numpy(np.array(self._pixels[list(indices)])).permute(0, 3, 1, 2).contiguous()
        return with_geometry(images, {}, geometry)


def mapped(file: Path, rows: int, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Map an array of pictures into memory.

    Args:
        file: A ``.npy`` file.
        rows: Number of pictures it must hold.
        size: Height and width they must have; None takes any.

    Raises:
        DataError: If the file is missing, truncated, or of another shape or type.
    """
    array = load(file, mmap=True)
    height, width = size or ("H", "W")
    fits = array.dtype == np.uint8 and array.ndim == 4 and array.shape[::3] == (rows, 3)
    if not fits or (size and array.shape[1:3] != size):
        raise DataError(
            f"{file} holds {array.dtype} {array.shape}; expected uint8 ({rows}, {height}, {width}, 3): all "
            "severities of all images, one behind the other"
        )
    return array


def load(file: Path, *, mmap: bool = False) -> NDArray[Any]:
    """Read or map a ``.npy`` file.

    Raises:
        DataError: If it is missing, truncated or no such file.
    """
    try:
        loaded: NDArray[Any] = np.load(file, mmap_mode="r" if mmap else None, allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(f"no such file: {file}; the stored set is incomplete") from error
    except (OSError, ValueError, EOFError) as error:
        size = file.stat().st_size if file.is_file() else 0
        raise DataError(f"cannot read {file} ({size:,} bytes): {error}; it is damaged, replace it") from error
    return loaded
