"""The one door to images: a `Dataset` knows its samples in canonical order and decodes any stretch of them."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.data.geometry import NONE, Geometry
from robustbench_vit.errors import CaseError, DataError
from robustbench_vit.types import Batch


class Dataset(ABC):
    """Labelled images in a fixed canonical order: classes round-robin, within a class by hash of the id (contract C8).

    A prefix of the order is thus a balanced, random-looking sample, and ``--limit 1000`` is a prefix of
    ``--limit 5000``. Pictures that are files are decoded by `workers` threads; set the attribute for more than two.

    Args:
        name: Catalogue name.
        digest: Identity of content and labels, independent of root and path.
        ids: Sample ids, independent of root, extension and order.
        labels: One class index a sample, in [0, K).
        classes: K class names.
        label_space: Name of the label space, e.g. ``imagenet-1k``.
        geometry: Geometry used when a case asks for none.

    Raises:
        DataError: If it is empty, an id comes twice, or a label lies outside the classes.
    """

    workers: int = 2

    def __init__(
        self,
        *,
        name: str,
        digest: str,
        ids: Sequence[str],
        labels: Sequence[int] | NDArray[np.integer],
        classes: Sequence[str],
        label_space: str,
        geometry: Geometry = NONE,
    ) -> None:
        self.name, self.digest, self.label_space, self.geometry = name, digest, label_space, geometry
        self.classes = tuple(classes)
        self.display = name
        numbers = np.asarray(labels, dtype=np.int64)
        _check(name, ids, numbers, len(self.classes))
        self.order = canonical_order(ids, numbers)
        self.ids = tuple(ids[index] for index in self.order)
        self.labels = torch.from_numpy(numbers[self.order])

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, start: int, stop: int, geometry: Geometry | None = None) -> Batch:
        """Decode the samples at canonical positions [start, stop).

        Raises:
            DataError: If there are no such positions, a file cannot be decoded or images differ in size.
        """
        stop = min(stop, len(self))
        if not 0 <= start < stop:
            raise DataError(f"data set {self.name} holds {len(self)} samples; there are none at [{start}, {stop})")
        images, extra = self.decode(self.order[start:stop].tolist(), geometry or self.geometry)
        positions = torch.arange(start, stop)
        return Batch(images, self.labels[start:stop], self.ids[start:stop], positions, extra)

    def view(self, corruption: str, severity: int | Fraction) -> "Dataset":
        """The stored images of a condition: a data set with the same ids, labels and order, and a digest of its own.

        Raises:
            CaseError: If the set does not hold it; only stored sets hold any.
        """
        raise CaseError(
            f"data set {self.name} holds no stored images such as {corruption} {severity}; give --data a stored set, "
            "e.g. 'imagenet_c(PATH)' or 'folder_c(PATH)', or run a suite that perturbs images on the fly"
        )

    @abstractmethod
    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Decode samples by their index in the order given to the constructor.

        Returns:
            N×3×H×W uint8 images, and named per-sample extras (``mask``: N×H×W float; ``texture``: N int64, stored as a
            column of the rows).
        """


def canonical_order(ids: Sequence[str], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices in canonical order: classes round-robin, within a class by blake2b of the id."""
    hashed = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in ids)
    hashes = np.frombuffer(hashed, ">u8")
    by_class = np.lexsort((hashes, labels))
    _, starts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    turn = np.arange(len(by_class)) - np.repeat(starts, counts)  # the how-manieth of its class
    return by_class[np.lexsort((labels[by_class], turn))]


def _check(name: str, ids: Sequence[str], labels: NDArray[np.int64], classes: int) -> None:
    if not len(ids):
        raise DataError(f"data set {name} holds no samples")
    if len(ids) != len(labels):
        raise DataError(f"data set {name} has {len(ids)} ids but {len(labels)} labels")
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        twice = next(i for i in ids if i in seen or seen.add(i))  # type: ignore[func-returns-value]
        raise DataError(f"data set {name}: sample id {twice!r} comes twice; ids must be unique")
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(f"data set {name}: labels span {labels.min()}–{labels.max()}, but there are {classes} classes")
