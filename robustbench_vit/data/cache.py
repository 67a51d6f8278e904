"""A cache of decoded pictures on disk, so that further models and cases decode no file twice.

A block of consecutive samples is one ``.npy`` file of records: the image, each extra, and a checksum. Files are
memory-mapped, so a batch reads its own records only. They appear under their name complete or not at all.
"""

import os
import socket
import warnings
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.catalog import digest
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import DataError
from robustbench_vit.types import Batch

VERSION = 1
"""Grows when the same file decodes to other pixels, or when records change."""


class CachedDataset(Dataset):
    """A data set whose decoded blocks are kept on disk under (digest, geometry).

    A block is decoded whole, whatever stretch is asked for, so that every batch size and limit shares it. Damaged files
    are made again. A disk that cannot be written to brings one warning, and decoding goes on uncached.

    Args:
        dataset: What to decode.
        folder: Where blocks are kept; may be shared by data sets and processes.
        block: Samples a file.
    """

    def __init__(self, dataset: Dataset, folder: str | Path, block: int = 256) -> None:
        # The canonical order of a canonical order is itself, so indices are positions here.
        super().__init__(
            name=dataset.name,
            digest=dataset.digest,
            ids=dataset.ids,
            labels=dataset.labels.numpy(),
            classes=dataset.classes,
            label_space=dataset.label_space,
            geometry=dataset.geometry,
        )
        self.display = dataset.display
        self.dataset, self.folder, self.block = dataset, Path(folder).expanduser(), block
        self._writable = True
        self._views: dict[Dataset, CachedDataset] = {}

    def view(self, corruption: str, severity: int | Fraction) -> "CachedDataset":
        """The condition, cached as well; see `Dataset.view`."""
        view = self.dataset.view(corruption, severity)
        if view not in self._views:
            self._views[view] = CachedDataset(view, self.folder, self.block)
        return self._views[view]

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Read blocks, decoding those that are not there; see `Dataset.decode`."""
        parts = []
        for number, positions in groupby(indices, key=lambda position: position // self.block):
            parts.append(self._part(number * self.block, list(positions), geometry))
        fields = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return fields.pop("images"), fields

    def _part(self, start: int, positions: list[int], geometry: Geometry) -> dict[str, Tensor]:
        """The records of some positions of the block that begins at `start`."""
        stop = min(start + self.block, len(self))
        rows = [position - start for position in positions]
        file = self._file(start, stop, geometry)
        fields = _read(file, stop - start, rows)
        if fields is not None:
            return fields
        if self._writable:
            # A broken picture elsewhere in the block must not stop a run that never asked for it.
            with suppress(DataError):
                batch = self.dataset.batch(start, stop, geometry)
                self._keep(file, batch)
                return _fields(batch, positions)
        return _fields(self.dataset.batch(min(positions), max(positions) + 1, geometry), positions)

    def _file(self, start: int, stop: int, geometry: Geometry) -> Path:
        # Decoders differ between versions of PIL by a bit here and there.
        how = digest([str(geometry).encode(), PIL.__version__.encode(), str(VERSION).encode()])
        return self.folder / self.digest / how[:12] / f"{start:08d}-{stop:08d}.npy"

    def _keep(self, file: Path, batch: Batch) -> None:
        try:
            _write(file, _records(batch))
        except OSError as error:
            self._writable = False
            warnings.warn(
                f"cannot write the cache {self.folder} ({error.strerror or error}); going on uncached", stacklevel=2
            )


def _fields(batch: Batch, positions: Sequence[int]) -> dict[str, Tensor]:
    rows = torch.tensor(positions) - batch.positions[0]
    return {name: values[rows] for name, values in {"images": batch.images, **batch.extra}.items()}


def _records(batch: Batch) -> NDArray[Any]:
    """One record a sample: every field, and a checksum over them."""
    fields = {name: values.numpy() for name, values in {"images": batch.images, **batch.extra}.items()}
    layout: list[Any] = [(name, values.dtype, values.shape[1:]) for name, values in fields.items()]
    records = np.zeros(len(batch), [*layout, ("checksum", np.uint32)])
    for name, values in fields.items():
        records[name] = values
    records["checksum"] = _checksums(records)
    return records


def _checksums(records: NDArray[Any]) -> list[int]:
    """CRC-32 of each record without its last four bytes, the checksum itself."""
    return [zlib.crc32(record.tobytes()[:-4]) for record in records]


def _read(file: Path, size: int, rows: list[int]) -> dict[str, Tensor] | None:
    """Fields of some records; None if the file is missing or damaged."""
    try:
        block = np.load(file, mmap_mode="r", allow_pickle=False)
        if block.shape != (size,):
            return None
        records = np.array(block[rows])
        if records["checksum"].tolist() != _checksums(records):
            return None
        names = [name for name in records.dtype.names or () if name != "checksum"]
        return {name: torch.from_numpy(records[name].copy()) for name in names}
    except (OSError, ValueError, EOFError, IndexError, SyntaxError, TypeError):
        return None


def _write(file: Path, records: NDArray[Any]) -> None:
    """Write under a temporary name of this process, then rename."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{socket.gethostname()}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            np.save(stream, records, allow_pickle=False)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
