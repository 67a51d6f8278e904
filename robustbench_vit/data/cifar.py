"""`cifar10` and `cifar100`: 32×32 photographs, in the pickles of the published "python version"."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.data.arrays import ArrayDataset
from robustbench_vit.data.download import download as fetch
from robustbench_vit.errors import DataError

_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))


def cifar10(path: str, split: str = "test", *, download: bool = False) -> ArrayDataset:
    """Open CIFAR-10.

    Args:
        path: Folder that holds ``cifar-10-batches-py`` (a torchvision root), or that folder itself.
        split: ``test`` (10,000) or ``train`` (50,000).
        download: Fetch the files into ``path`` through torchvision if they are not there.

    Raises:
        DataError: If files are missing (the message says how to get them) or damaged.

    Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009, chapter 3.
    """
    if download:
        fetch("CIFAR10", path)
    folder = _find(path, "cifar-10-batches-py", "CIFAR10")
    files = [folder / name for name in (_TRAIN if split == "train" else ("test_batch",))]
    images, labels = _samples(files, "labels")
    (classes,) = _read(folder / "batches.meta", "label_names")
    return ArrayDataset(
        name="cifar10", split=split, images=images, labels=labels, classes=classes, label_space="cifar-10"
    )


def cifar100(path: str, split: str = "test", *, download: bool = False) -> ArrayDataset:
    """Open CIFAR-100 with its 100 fine labels.

    Args:
        path: Folder that holds ``cifar-100-python`` (a torchvision root), or that folder itself.
        split: ``test`` (10,000) or ``train`` (50,000).
        download: Fetch the files into ``path`` through torchvision if they are not there.

    Raises:
        DataError: If files are missing (the message says how to get them) or damaged.

    Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009, chapter 3.
    """
    if download:
        fetch("CIFAR100", path)
    folder = _find(path, "cifar-100-python", "CIFAR100")
    images, labels = _samples([folder / split], "fine_labels")
    (classes,) = _read(folder / "meta", "fine_label_names")
    return ArrayDataset(
        name="cifar100", split=split, images=images, labels=labels, classes=classes, label_space="cifar-100"
    )


def _find(path: str, name: str, torchvision_name: str) -> Path:
    given = Path(path).expanduser()
    for folder in (given / name, given):
        if folder.name == name and folder.is_dir():
            return folder
    raise DataError(f"no folder {name} in {given}; fetch it with {torchvision_name.lower()}({path}, download=true)")


def _samples(files: Sequence[Path], label_key: str) -> tuple[Tensor, NDArray[np.int64]]:
    """Images and labels of all files, in turn."""
    parts = [_read(file, "data", label_key) for file in files]
    images = np.concatenate([_pixels(file, data) for file, (data, _) in zip(files, parts, strict=True)])
    return torch.from_numpy(images), np.concatenate([np.asarray(labels, np.int64) for _, labels in parts])


def _pixels(file: Path, data: Any) -> Any:
    """N×3×32×32 uint8 of one file's rows: 1024 red values, 1024 green, 1024 blue."""
    if getattr(data, "dtype", None) != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        raise DataError(f"{file} holds no N×3072 bytes; fetch the data set again")
    return data.reshape(-1, 3, 32, 32)


def _read(file: Path, *keys: str) -> list[Any]:
    """The values of a pickled dictionary."""
    try:
        with file.open("rb") as stream:
            content = _Unpickler(stream, encoding="latin1").load()
        return [content[key] for key in keys]
    except FileNotFoundError as error:
        raise DataError(f"no such file: {file}; the data set is incomplete, fetch it again") from error
    except Exception as error:  # broken pickles raise nearly anything
        raise DataError(f"cannot read {file}: {error!r}; fetch the data set again") from error


class _Unpickler(pickle.Unpickler):
    """Builds arrays and plain values only: a pickle of unknown origin may otherwise run any code."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {
            # Files written by numpy 1 and 2 name the same function by two modules.
            ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _bytes,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR file does")
        return allowed[module, name]


def _bytes(text: str, encoding: str) -> bytes:
    """How pickles of protocol 2 spell bytes."""
    return text.encode(encoding)
