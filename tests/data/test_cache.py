"""The decode cache: the same batches, each file decoded once, no damage fatal."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from robustbench_vit.data import cache as module
from robustbench_vit.data.cache import CachedDataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import NONE, Geometry
from robustbench_vit.errors import DataError
from robustbench_vit.types import Batch


class Counted(Dataset):
    """Ten pictures with masks; counts how often each is decoded, and cannot decode `broken`."""

    def __init__(self, digest: str = "d1") -> None:
        super().__init__(
            name="counted",
            digest=digest,
            ids=[f"s{index}" for index in range(10)],
            labels=[index % 2 for index in range(10)],
            classes=["a", "b"],
            label_space="counted-2",
        )
        self.decoded: list[int] = []
        self.broken = -1

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Brightness is the index, the mask a tenth of it."""
        if self.broken in indices:
            raise DataError(f"cannot decode s{self.broken}")
        self.decoded += indices
        size = geometry.crop if isinstance(geometry.crop, int) else 4
        values = torch.tensor(indices)[:, None, None]
        mask = (values / 10).expand(-1, size, size).clone()
        return values[:, None].to(torch.uint8).repeat(1, 3, size, size), {"mask": mask}


def equal(first: Batch, second: Batch) -> bool:
    """Whether two batches agree in everything."""
    return (first.ids, set(first.extra)) == (second.ids, set(second.extra)) and all(
        torch.equal(a, b)
        for a, b in [
            (first.images, second.images),
            (first.labels, second.labels),
            (first.positions, second.positions),
            *((first.extra[name], second.extra[name]) for name in first.extra),
        ]
    )


def test_attributes(tmp_path: Path) -> None:
    """The cached data set is the data set, to all who ask."""
    plain = Counted()
    cached = CachedDataset(plain, tmp_path)

    for name in ("name", "digest", "ids", "classes", "label_space", "geometry"):
        assert getattr(plain, name) == getattr(cached, name)
    assert torch.equal(plain.labels, cached.labels)


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (0, 4), (3, 9), (8, 99), (5, 6)])
def test_same_batches(tmp_path: Path, start: int, stop: int) -> None:
    """Cold and warm, any stretch equals the uncached one, across blocks too."""
    expected = Counted().batch(start, stop)

    for _ in range(2):
        assert equal(expected, CachedDataset(Counted(), tmp_path, block=4).batch(start, stop))


def test_decodes_once(tmp_path: Path) -> None:
    """Any batch size and any further run read the blocks of the first."""
    first, second = Counted(), Counted()

    for start in range(0, 10, 3):
        CachedDataset(first, tmp_path, block=4).batch(start, start + 3)
    CachedDataset(second, tmp_path, block=4).batch(0, 10)

    assert list(range(10)) == sorted(first.decoded)
    assert [] == second.decoded


def test_keys(tmp_path: Path) -> None:
    """Another content or geometry is another cache."""
    CachedDataset(Counted(), tmp_path).batch(0, 10)
    other, cropped = Counted("d2"), Counted()

    assert (10, 3, 2, 2) == CachedDataset(cropped, tmp_path).batch(0, 10, Geometry(crop=2)).images.shape
    CachedDataset(other, tmp_path).batch(0, 10)

    assert (10, 10) == (len(cropped.decoded), len(other.decoded))


def test_batches_are_owned(tmp_path: Path) -> None:
    """Writing into a batch does not reach the cache."""
    cached = CachedDataset(Counted(), tmp_path)
    cached.batch(0, 10)
    cached.batch(0, 10).images.fill_(7)

    assert equal(Counted().batch(0, 10), cached.batch(0, 10))


def _flip(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "header only": lambda data: data[:40],
    "one bit": _flip,
    "text": lambda _: b"no space left on device",
    "another shape": lambda data: data.replace(b"(4,)", b"(3,)"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged(tmp_path: Path, damage: str) -> None:
    """A damaged file is made again."""
    CachedDataset(Counted(), tmp_path, block=4).batch(0, 4)
    (file,) = tmp_path.rglob("*.npy")
    intact = file.read_bytes()
    file.write_bytes(DAMAGES[damage](intact))
    again = Counted()

    assert equal(Counted().batch(0, 4), CachedDataset(again, tmp_path, block=4).batch(0, 4))
    assert 4 == len(again.decoded)
    assert intact == file.read_bytes()


def test_another_array(tmp_path: Path) -> None:
    """A file of another kind under the name of a block is made again."""
    CachedDataset(Counted(), tmp_path, block=4).batch(0, 4)
    (file,) = tmp_path.rglob("*.npy")
    np.save(file, np.zeros(4))

    assert equal(Counted().batch(0, 4), CachedDataset(Counted(), tmp_path, block=4).batch(0, 4))


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk brings one warning; no file stays behind; samples nobody asked for are not decoded."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "fsync", full)
    plain = Counted()
    cached = CachedDataset(plain, tmp_path, block=4)

    with pytest.warns(
        UserWarning, match="cannot write the cache .*No space left on device.; going on uncached"
    ) as caught:
        batches = [cached.batch(start, start + 2) for start in (0, 4, 6)]

    assert 1 == len(caught)
    assert all(equal(Counted().batch(2 * k, 2 * k + 2), batch) for k, batch in zip((0, 2, 3), batches, strict=True))
    assert 4 + 2 + 2 == len(plain.decoded)
    assert [] == [file for file in tmp_path.rglob("*") if file.is_file()]


def test_no_folder(tmp_path: Path) -> None:
    """A folder that cannot be made is like a full disk."""
    (tmp_path / "file").touch()

    with pytest.warns(UserWarning, match="cannot write the cache"):
        batch = CachedDataset(Counted(), tmp_path / "file").batch(0, 10)

    assert equal(Counted().batch(0, 10), batch)


def test_a_broken_picture_stops_only_who_asks(tmp_path: Path) -> None:
    """A broken picture later in the block spoils neither the samples before it nor the error."""
    plain = Counted()
    plain.broken = int(plain.ids[3].removeprefix("s"))
    cached = CachedDataset(plain, tmp_path, block=8)

    assert equal(Counted().batch(0, 3), cached.batch(0, 3))
    with pytest.raises(DataError, match=f"cannot decode s{plain.broken}"):
        cached.batch(2, 5)


def test_files(tmp_path: Path, fake_data: type) -> None:
    """Picture files go through the cache unchanged."""
    from robustbench_vit.data.folder import folder

    fake_data.folder(tmp_path / "images", {"cat": 3, "dog": 2}, masks=tmp_path / "masks")
    plain = folder(str(tmp_path / "images"), masks=str(tmp_path / "masks"))
    cached = CachedDataset(plain, tmp_path / "cache", block=2)

    for geometry in (None, NONE, Geometry(resize=7, crop=5), None):
        assert equal(plain.batch(0, 5, geometry), cached.batch(0, 5, geometry))
