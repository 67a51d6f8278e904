"""`fashion_mnist`: 70,000 grey pictures of clothes, 28×28, in the IDX files they are published in."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from robustbench_vit.data.arrays import ArrayDataset
from robustbench_vit.data.download import download as fetch
from robustbench_vit.errors import DataError

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package ``dataset-fashion-mnist`` puts the files."""

_PREFIX = {"test": "t10k", "train": "train"}


def fashion_mnist(path: str | None = None, split: str = "test", *, download: bool = False) -> ArrayDataset:
    """Open Fashion-MNIST; its grey pictures become RGB.

    Args:
        path: Folder of the four IDX files, or a torchvision root that holds ``FashionMNIST/raw``; None is Debian's
            folder. The files may be gzipped or not.
        split: ``test`` (10,000) or ``train`` (60,000).
        download: Fetch the files into ``path`` through torchvision if they are not there.

    Raises:
        DataError: If the files are not there (the message says how to get them) or damaged.

    Source: Xiao, Rasul & Vollgraf, "Fashion-MNIST", 2017, arXiv:1708.07747, section 2.
    """
    if download:
        fetch("FashionMNIST", path)
    images = _read(_find(path, f"{_PREFIX[split]}-images-idx3-ubyte"), dimensions=3)
    labels = _read(_find(path, f"{_PREFIX[split]}-labels-idx1-ubyte"), dimensions=1)
    return ArrayDataset(
        name="fashion_mnist",
        split=split,
        images=torch.from_numpy(images)[:, None].expand(-1, 3, -1, -1),
        labels=labels.astype(np.int64),
        classes=CLASSES,
        label_space="fashion-mnist-10",
    )


def _find(path: str | None, name: str) -> Path:
    """The first place that has the file."""
    given = Path(path or "").expanduser()
    places = [given, given / "FashionMNIST" / "raw"] if path else [DEBIAN]
    for place in places:
        for file in (place / f"{name}.gz", place / name):
            if file.is_file():
                return file
    raise DataError(
        f"no {name}.gz in {' or '.join(map(str, places))}; install Debian's package dataset-fashion-mnist, or write "
        "fashion_mnist(path=ROOT, download=true)"
    )


def _read(file: Path, dimensions: int) -> NDArray[np.uint8]:
    """An array of bytes from an IDX file: 0, 0, type, number of dimensions, big-endian sizes, values."""
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {file}: {error}; fetch the file again") from error
    start = 4 + 4 * dimensions
    unsigned_bytes = 8
    if data[:4] != bytes([0, 0, unsigned_bytes, dimensions]) or len(data) < start:
        raise DataError(f"{file} is no IDX file of bytes in {dimensions} dimensions; fetch the file again")
    sizes = np.frombuffer(data[4:start], ">u4").tolist()
    values = np.frombuffer(data, np.uint8, offset=start)
    if len(values) != np.prod(sizes):
        raise DataError(f"{file} promises {sizes} values but holds {len(values)}; fetch the file again")
    return values.reshape(sizes).copy()
