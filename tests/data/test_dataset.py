"""The base class: canonical order and what it refuses."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from robustbench_vit.data.dataset import Dataset, canonical_order
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import DataError


class Numbers(Dataset):
    """Sample i is a 1×1 picture of brightness i."""

    def __init__(self, **changes: Any) -> None:
        ids = changes.pop("ids", [f"s{index}" for index in range(7)])
        promised = {"labels": [0, 0, 0, 0, 1, 1, 2], "classes": ["a", "b", "c"], **changes}
        super().__init__(name="numbers", digest="0", ids=ids, label_space="numbers-3", **promised)

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Brightness is the index."""
        return torch.tensor(indices, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 1, 1), {}


def test_classes_take_turns() -> None:
    """The order deals one sample of each class at a time, as long as it has any."""
    assert [0, 1, 2, 0, 1, 0, 0] == Numbers().labels.tolist()


def test_order_depends_on_ids_only() -> None:
    """Listing the files in another order changes nothing."""
    ids = [f"cat/{index}" for index in range(50)]
    labels = np.arange(50) % 3
    shuffle = np.random.default_rng(0).permutation(50)

    expected = [ids[index] for index in canonical_order(ids, labels)]
    actual = [ids[shuffle[index]] for index in canonical_order([ids[k] for k in shuffle], labels[shuffle])]

    assert expected == actual
    assert expected != ids


def test_order_is_the_published_one() -> None:
    """Within a class, big-endian blake2b-64 of the id decides; results made elsewhere depend on it."""
    assert [2, 0, 1, 3] == canonical_order(["a", "b", "c", "d"], np.zeros(4, np.int64)).tolist()


def test_batch() -> None:
    """A batch holds the samples at its positions, and stops at the end."""
    dataset = Numbers()

    batch = dataset.batch(5, 99)

    assert dataset.ids[5:] == batch.ids
    assert [5, 6] == batch.positions.tolist()
    assert [f"s{value}" for value in batch.images[:, 0, 0, 0].tolist()] == list(batch.ids)


@pytest.mark.parametrize(("start", "stop"), [(7, 9), (3, 3), (-1, 2)])
def test_no_such_positions(start: int, stop: int) -> None:
    """A stretch without samples is refused."""
    with pytest.raises(DataError, match=r"numbers holds 7 samples; there are none at \["):
        Numbers().batch(start, stop)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"ids": [], "labels": []}, "holds no samples"),
        ({"ids": ["a", "b"]}, "2 ids but 7 labels"),
        ({"ids": ["a", "b", "a"], "labels": [0, 1, 2]}, "id 'a' comes twice"),
        ({"classes": ["a", "b"]}, "labels span 0–2, but there are 2 classes"),
        ({"labels": [0, 0, 0, 0, 1, 1, -1]}, "labels span -1–1"),
    ],
)
def test_refuses(changes: dict[str, Any], match: str) -> None:
    """What contradicts itself is refused."""
    with pytest.raises(DataError, match=match):
        Numbers(**changes)
