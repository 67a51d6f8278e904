"""Storing images as one array a corruption, severities stacked, as CIFAR-10-C is published."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from robustbench_vit.make.conditions import Condition
from robustbench_vit.store.files import write_text, writing

_PROGRESS = ".progress.json"


class ArrayWriter:
    """Writes one ``<corruption>.npy`` of L·N×H×W×3 uint8 each, under a temporary name until all rows are there.

    Rows are written in place, so a block done twice changes nothing. After each block the rows are flushed, and then
    the number of finished positions is noted; a run that was killed goes on from there.

    Args:
        out: Folder of the set.
        severities: Severities by corruption, in increasing order.
        rows: Row of each sample within a severity, in canonical order.
        size: Height and width of the images.

    Raises:
        StoreError: If there is no room for the arrays.
    """

    def __init__(
        self, out: Path, severities: Mapping[str, Sequence[str]], rows: Sequence[int], size: tuple[int, int]
    ) -> None:
        self.out, self.severities, self.rows = out, severities, rows
        self._bytes = size[0] * size[1] * 3
        self._open, begun, noted = {}, True, _noted(out / _PROGRESS)
        for corruption in severities:
            if not self._final(corruption).exists():
                begun &= self._part(corruption).exists()
                self._open[corruption] = self._begin(corruption, size)
        self._done = noted if begun else 0

    def lacks(self, condition: Condition, start: int, stop: int) -> bool:
        """Whether an image of the canonical positions [start, stop) is not finished."""
        del start
        return condition.corruption in self._open and stop > self._done

    def write(self, condition: Condition, start: int, images: Tensor) -> None:
        """Write N×3×H×W uint8 images of the canonical positions from `start` on.

        Raises:
            StoreError: If the disk is full or the folder cannot be written to.
        """
        descriptor, first = self._open[condition.corruption]
        stacked = self.severities[condition.corruption].index(condition.severity) * len(self.rows)
        with writing(self._part(condition.corruption)):
            for image, row in zip(images.permute(0, 2, 3, 1).contiguous().numpy(), self.rows[start:], strict=False):
                os.pwrite(descriptor, image.tobytes(), first + (stacked + row) * self._bytes)

    def keep(self, stop: int) -> None:
        """Flush what was written and note that all positions below `stop` are finished."""
        for corruption, (descriptor, _) in self._open.items():
            with writing(self._part(corruption)):
                os.fsync(descriptor)
        write_text(self.out / _PROGRESS, json.dumps({"images": stop}))

    def finish(self) -> None:
        """Give the arrays their names."""
        for corruption, (descriptor, _) in self._open.items():
            os.close(descriptor)
            with writing(self._final(corruption)):
                self._part(corruption).replace(self._final(corruption))
        (self.out / _PROGRESS).unlink(missing_ok=True)

    def _begin(self, corruption: str, size: tuple[int, int]) -> tuple[int, int]:
        """File descriptor of an array, and where its first row begins; all of its room is taken at once."""
        shape = (len(self.severities[corruption]) * len(self.rows), *size, 3)
        with writing(self._part(corruption)):
            descriptor = os.open(self._part(corruption), os.O_RDWR | os.O_CREAT, 0o644)
            with os.fdopen(os.dup(descriptor), "wb") as stream:
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                first = stream.tell()
            _reserve(descriptor, first + shape[0] * self._bytes)
        return descriptor, first

    def _final(self, corruption: str) -> Path:
        return self.out / f"{corruption}.npy"

    def _part(self, corruption: str) -> Path:
        return self.out / f".{corruption}.npy.part"


def _reserve(descriptor: int, size: int) -> None:
    """Take the room a file will need, where the system can, so that a full disk is noticed at once."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)


def _noted(file: Path) -> int:
    return int(json.loads(file.read_text())["images"]) if file.exists() else 0
