"""Storing images as picture files: ``<corruption>/<severity>/<class>/<picture>``."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from robustbench_vit.data.stored import CLEAN
from robustbench_vit.make.conditions import Condition
from robustbench_vit.store.files import writing

_SAVED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "png": (".png", {"format": "PNG"}),
    # As ImageNet-C was saved: hendrycks/robustness, ImageNet-C/create_c/make_imagenet_c.py.
    "jpeg85": (".JPEG", {"format": "JPEG", "quality": 85, "optimize": True}),
}
"""Ending and settings of PIL by format."""


class PictureWriter:
    """Writes one picture file an image; a file that is there under its name is finished.

    Args:
        out: Folder of the set.
        places: Relative path without extension of each sample, in canonical order.
        form: ``png`` or ``jpeg85``; clean images are PNG in any case, they are what others are compared with.
        workers: Threads that encode.
    """

    def __init__(self, out: Path, places: Sequence[str], form: str, workers: int) -> None:
        self.out, self.places, self.workers = out, places, workers
        self.form = form

    def lacks(self, condition: Condition, start: int, stop: int) -> bool:
        """Whether an image of the canonical positions [start, stop) is not finished."""
        return not all(_finished(self._file(condition, position)) for position in range(start, stop))

    def write(self, condition: Condition, start: int, images: Tensor) -> None:
        """Write N×3×H×W uint8 images of the canonical positions from `start` on.

        Raises:
            StoreError: If the disk is full or the folder cannot be written to.
        """
        pixels = images.permute(0, 2, 3, 1).numpy()
        _, settings = self._saved(condition)

        def save(index: int) -> None:
            file = self._file(condition, start + index)
            if not _finished(file):
                _write(file, lambda temporary: Image.fromarray(pixels[index]).save(temporary, **settings))

        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(save, range(len(pixels))))

    def keep(self, stop: int) -> None:
        """Everything is on its way to the disk already."""

    def finish(self) -> None:
        """Every file has its name already."""

    def _file(self, condition: Condition, position: int) -> Path:
        suffix, _ = self._saved(condition)
        return self.out / condition.corruption / condition.severity / f"{self.places[position]}{suffix}"

    def _saved(self, condition: Condition) -> tuple[str, Mapping[str, Any]]:
        return _SAVED["png" if condition.corruption == CLEAN else self.form]


def _finished(file: Path) -> bool:
    """Whether a file is there. An empty one is what a power failure may leave of a file that was not flushed."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _write(file: Path, write: Callable[[Path], object]) -> None:
    """Write under a temporary name, then rename; unlike results, millions of pictures are not flushed one by one."""
    temporary = file.with_name(f".{file.name}.tmp")
    with writing(file):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            temporary.replace(file)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
