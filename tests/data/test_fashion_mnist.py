"""`fashion_mnist`: places, layout and damage."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from robustbench_vit.data import fashion_mnist as module, load_dataset
from robustbench_vit.data.fashion_mnist import DEBIAN, fashion_mnist
from robustbench_vit.errors import DataError


def test_grey_becomes_rgb(tmp_path: Path, fake_data: type) -> None:
    """Images, labels and ids follow the published order."""
    dataset = fashion_mnist(str(fake_data.fashion_mnist(tmp_path)))
    published = fake_data.pixels("t10k", 20, 28, 28)

    batch = dataset.batch(0, 20)

    for name, label, image in zip(batch.ids, batch.labels.tolist(), batch.images.numpy(), strict=True):
        split, index = name.split("/")
        assert "test" == split
        assert int(index) % 10 == label
        assert np.array_equal(np.broadcast_to(published[int(index)], (3, 28, 28)), image)
    assert batch.images.is_contiguous()


def test_splits_differ(tmp_path: Path, fake_data: type) -> None:
    """The training split has other pictures, ids and digest."""
    path = str(fake_data.fashion_mnist(tmp_path))
    test, train = fashion_mnist(path), fashion_mnist(path, "train")

    assert test.digest != train.digest
    assert "train/00000" in train.ids


def test_torchvision_root_and_unzipped_files(tmp_path: Path, fake_data: type) -> None:
    """A torchvision root is searched too, and gzip is optional."""
    folder = fake_data.fashion_mnist(tmp_path / "FashionMNIST" / "raw")
    expected = fashion_mnist(str(folder)).digest
    for file in folder.glob("*.gz"):
        file.with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
        file.unlink()

    assert expected == fashion_mnist(str(tmp_path)).digest


def test_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without files, every way to get them is named."""
    monkeypatch.setattr(module, "DEBIAN", tmp_path)

    with pytest.raises(DataError, match=r"package dataset-fashion-mnist.*fashion_mnist\(path=ROOT, download=true\)"):
        fashion_mnist()
    with pytest.raises(DataError, match=r"no t10k-images-idx3-ubyte\.gz in /nowhere or"):
        fashion_mnist("/nowhere")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is no IDX file of bytes in 3 dimensions"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x01\x05"), "is no IDX file of bytes in 3 dimensions"),
        (gzip.compress(b"\0\0\x08\x03" + np.array([2, 28, 28], ">u4").tobytes() + bytes(9)), "but holds 9"),
        (gzip.compress(bytes(999))[:-12], "cannot read"),
        (b"<html>not found</html>", "cannot read"),
    ],
)
def test_damaged(tmp_path: Path, fake_data: type, content: bytes, match: str) -> None:
    """A damaged file is named."""
    file = fake_data.fashion_mnist(tmp_path) / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(content)

    with pytest.raises(DataError, match=rf"t10k-images.*{match}|{match}.*t10k-images"):
        fashion_mnist(str(tmp_path))


def test_images_without_labels(tmp_path: Path, fake_data: type) -> None:
    """Files of different downloads do not fit."""
    labels = (fake_data.fashion_mnist(tmp_path / "other", n=10) / "t10k-labels-idx1-ubyte.gz").read_bytes()
    (fake_data.fashion_mnist(tmp_path) / "t10k-labels-idx1-ubyte.gz").write_bytes(labels)

    with pytest.raises(DataError, match="20 ids but 10 labels"):
        fashion_mnist(str(tmp_path))


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_real_one() -> None:
    """Debian's package is found without a path: 10,000 pictures, the first an ankle boot."""
    dataset = load_dataset("fashion_mnist")

    first = dataset.ids.index("test/00000")

    assert torch.bincount(dataset.labels).tolist() == [1000] * 10
    assert "Ankle boot" == dataset.classes[dataset.labels[first]]
    assert (10, 3, 28, 28) == dataset.batch(0, 10).images.shape
