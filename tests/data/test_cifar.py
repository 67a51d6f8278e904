"""`cifar10` and `cifar100`: layout, and pickles that may build nothing but arrays."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from robustbench_vit.data.cifar import cifar10, cifar100
from robustbench_vit.errors import DataError


def test_cifar10(tmp_path: Path, fake_data: type) -> None:
    """Rows are channels, then lines; ids follow the published order."""
    dataset = cifar10(str(fake_data.cifar(tmp_path, 10)))
    published = fake_data.pixels("test_batch", 20, 3072).reshape(20, 3, 32, 32)

    batch = dataset.batch(0, 20)

    places = [int(name.removeprefix("test/")) for name in batch.ids]
    assert np.array_equal(published[places], batch.images.numpy())
    assert [place % 10 for place in places] == batch.labels.tolist()
    assert ("cifar-10", "class 9") == (dataset.label_space, dataset.classes[9])


def test_cifar10_train(tmp_path: Path, fake_data: type) -> None:
    """The five training files follow one another."""
    dataset = cifar10(str(fake_data.cifar(tmp_path, 10)), "train")
    third = fake_data.pixels("data_batch_3", 20, 3072).reshape(20, 3, 32, 32)

    position = dataset.ids.index("train/00041")

    assert 100 == len(dataset)
    assert np.array_equal(third[1], dataset.batch(position, position + 1).images[0].numpy())


def test_cifar100(tmp_path: Path, fake_data: type) -> None:
    """The fine labels count, and the folder itself may be given."""
    fake_data.cifar(tmp_path, 100, n=100)

    dataset = cifar100(str(tmp_path / "cifar-100-python"))

    assert ("cifar-100", 100, 100) == (dataset.label_space, len(dataset.classes), len(set(dataset.labels.tolist())))
    assert dataset.digest == cifar100(str(tmp_path)).digest
    assert dataset.digest != cifar100(str(tmp_path), "train").digest


def test_missing(tmp_path: Path) -> None:
    """The way to get the files is named."""
    with pytest.raises(DataError, match=r"no folder cifar-10-batches-py in .*; fetch it with cifar10\(.*download=true"):
        cifar10(str(tmp_path))
    with pytest.raises(DataError, match=r"no folder cifar-100-python in .*; fetch it with cifar100\(.*download=true"):
        cifar100(str(tmp_path))


def test_incomplete(tmp_path: Path, fake_data: type) -> None:
    """A missing file is named."""
    (fake_data.cifar(tmp_path, 10) / "cifar-10-batches-py" / "data_batch_4").unlink()

    with pytest.raises(DataError, match=r"no such file: .*data_batch_4; the data set is incomplete"):
        cifar10(str(tmp_path), "train")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "EOFError"),
        (b"<html>not found</html>", "cannot read .*test_batch"),
        (pickle.dumps({"data": []}), "KeyError.'labels'"),
        (pickle.dumps({"data": np.zeros((2, 9), np.uint8), "labels": [0, 1]}, protocol=2), "holds no N×3072 bytes"),
        (pickle.dumps({"data": [1, 2], "labels": [0, 1]}), "holds no N×3072 bytes"),
        (pickle.dumps(Path.cwd), "which no CIFAR file does"),
        (pickle.dumps(eval), "builtins.eval, which no CIFAR file does"),
    ],
)
def test_damaged(tmp_path: Path, fake_data: type, content: bytes, match: str) -> None:
    """Damaged and hostile pickles are named and run no code."""
    (fake_data.cifar(tmp_path, 10) / "cifar-10-batches-py" / "test_batch").write_bytes(content)

    with pytest.raises(DataError, match=match):
        cifar10(str(tmp_path))
