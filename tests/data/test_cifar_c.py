"""`cifar10_c` and `cifar100_c`: rows of the published arrays, and what is wrong with a damaged one."""

from pathlib import Path

import numpy as np
import pytest

from robustbench_vit.data.cifar import cifar10
from robustbench_vit.data.cifar_c import cifar10_c, cifar100_c
from robustbench_vit.errors import CaseError, DataError


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_rows(tmp_path: Path, fake_data: type, severity: int) -> None:
    """Severity s is rows N(s−1) to N·s, in the published order; nothing else is known of them but ids."""
    published = fake_data.pixels("fog", 100, 32, 32, 3)
    dataset = cifar10_c(str(fake_data.cifar_c(tmp_path, 10)))

    batch = dataset.view("fog", severity).batch(0, 20)

    places = [int(name.removeprefix("test/")) for name in batch.ids]
    assert np.array_equal(published[20 * (severity - 1) :][places], batch.images.permute(0, 2, 3, 1).numpy())
    assert [place % 10 for place in places] == batch.labels.tolist()
    assert ("cifar-10", "truck") == (dataset.label_space, dataset.classes[9])


def test_ids_are_those_of_the_test_images(tmp_path: Path, fake_data: type) -> None:
    """Clean images and every condition pair sample by sample."""
    fake_data.cifar(tmp_path / "clean", 10)
    clean = cifar10(str(tmp_path / "clean"))

    dataset = cifar10_c(str(fake_data.cifar_c(tmp_path, 10)), clean=str(tmp_path / "clean"))

    assert clean.ids == dataset.ids == dataset.view("snow", 5).ids
    assert np.array_equal(clean.batch(0, 20).images, dataset.batch(0, 20).images)


def test_cifar100_c(tmp_path: Path, fake_data: type) -> None:
    """A hundred classes by name, and the folder itself may be given."""
    fake_data.cifar_c(tmp_path, 100, n=100)

    dataset = cifar100_c(str(tmp_path / "CIFAR-100-C"))

    assert ("cifar-100", 100) == (dataset.label_space, len(set(dataset.classes)))
    assert ["apple", "worm"] == sorted(dataset.classes)[::99]
    assert list(dataset.classes) == sorted(dataset.classes)


def test_arrays_are_not_read_whole(tmp_path: Path, fake_data: type) -> None:
    """Opening looks at labels alone, and a view maps its array."""
    fake_data.cifar_c(tmp_path, 10)
    (tmp_path / "CIFAR-10-C" / "snow.npy").write_bytes(b"")
    dataset = cifar10_c(str(tmp_path))

    pixels = dataset.view("fog", 1)._pixels

    assert isinstance(pixels, np.memmap)


def test_digests_are_of_one_severity(tmp_path: Path, fake_data: type) -> None:
    """A change at severity 5 leaves results at severity 1 alone."""
    folder = fake_data.cifar_c(tmp_path, 10) / "CIFAR-10-C"
    before = cifar10_c(str(tmp_path))
    before = [before.view("fog", severity).digest for severity in (1, 5)]
    pixels = np.load(folder / "fog.npy")
    pixels[-1] ^= 1
    np.save(folder / "fog.npy", pixels)
    after = cifar10_c(str(tmp_path))
    after = [after.view("fog", severity).digest for severity in (1, 5)]

    assert before[0] == after[0]
    assert before[1] != after[1]


def test_what_is_not_there(tmp_path: Path, fake_data: type) -> None:
    """Only the condition is concerned, and what there is is named."""
    dataset = cifar10_c(str(fake_data.cifar_c(tmp_path, 10)))

    with pytest.raises(CaseError, match="cifar10_c holds no corruption 'frost'; it holds fog, snow"):
        dataset.view("frost", 1)
    with pytest.raises(CaseError, match="cifar10_c holds no severity 6 of fog; it holds 1, 2, 3, 4, 5"):
        dataset.view("fog", 6)


def test_nothing_there(tmp_path: Path) -> None:
    """Where the files come from is said."""
    with pytest.raises(DataError, match=r"no labels\.npy in .*; fetch CIFAR-10-C\.tar from Zenodo record 2535967 and"):
        cifar10_c(str(tmp_path))
    with pytest.raises(DataError, match=r"fetch CIFAR-100-C\.tar from Zenodo record 3555552 and unpack it in .*"):
        cifar100_c(str(tmp_path))
    with pytest.raises(DataError, match="nowhere does not exist; expected a folder of CIFAR-10-C"):
        cifar10_c(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.arange(99) % 10, r"holds int64 \(99,\); expected integers \(5·N,\)"),
        (np.zeros(100), r"holds float64 \(100,\); expected integers"),
        (np.zeros((5, 20), np.uint8), r"holds uint8 \(5, 20\); expected integers"),
        (np.zeros(0, np.uint8), r"holds uint8 \(0,\)"),
        (np.r_[np.zeros(60, int), np.ones(40, int)], "the labels of severity 4 differ from those of severity 1"),
        (np.full(100, 10), "labels span 10–10, but there are 10 classes"),
    ],
)
def test_labels_that_cannot_be(tmp_path: Path, fake_data: type, labels: np.ndarray, match: str) -> None:
    """Wrong number, type or content; severities that disagree are named."""
    fake_data.cifar_c(tmp_path, 10)
    np.save(tmp_path / "CIFAR-10-C" / "labels.npy", labels)

    with pytest.raises(DataError, match=match):
        cifar10_c(str(tmp_path))


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), r"cannot read .*fog\.npy \(307,327 bytes\): .*damaged"),
        (lambda file: file.write_bytes(b""), r"cannot read .*fog\.npy \(0 bytes\)"),
        (lambda file: file.write_bytes(b"<html>not found</html>"), r"cannot read .*fog\.npy \(22 bytes\)"),
        (lambda file: np.save(file, np.zeros((100, 32, 32, 3))), r"holds float64 \(100, 32, 32, 3\); expected uint8"),
        (
            lambda file: np.save(file, np.zeros((99, 32, 32, 3), np.uint8)),
            r"fog\.npy holds uint8 \(99, 32, 32, 3\); expected uint8 \(100, 32, 32, 3\)",
        ),
        (lambda file: np.save(file, np.zeros((100, 3, 32, 32), np.uint8)), r"expected uint8 \(100, 32, 32, 3\)"),
        (lambda file: np.save(file, np.zeros((100, 64, 64, 3), np.uint8)), r"expected uint8 \(100, 32, 32, 3\)"),
    ],
)
def test_damaged_arrays(tmp_path: Path, fake_data: type, damage, match: str) -> None:
    """The file, what was expected and what was found; other corruptions go on."""
    fake_data.cifar_c(tmp_path, 10)
    damage(tmp_path / "CIFAR-10-C" / "fog.npy")
    dataset = cifar10_c(str(tmp_path))

    with pytest.raises(DataError, match=match):
        dataset.view("fog", 1)

    assert 20 == len(dataset.view("snow", 1).batch(0, 20))


def test_clean_images_of_something_else(tmp_path: Path, fake_data: type) -> None:
    """All stored samples must be among them, under the same labels."""
    fake_data.cifar_c(tmp_path, 10, n=20)
    fake_data.cifar(tmp_path / "few", 10, n=18)
    fake_data.cifar(tmp_path / "many", 10, n=30)

    with pytest.raises(
        DataError, match=r"2 of 20 stored samples are not among the 18 .*such as test/00018, test/00019"
    ):
        cifar10_c(str(tmp_path), clean=str(tmp_path / "few"))

    assert 20 == len(cifar10_c(str(tmp_path), clean=str(tmp_path / "many")))
    np.save(tmp_path / "CIFAR-10-C" / "labels.npy", np.tile(np.roll(np.arange(20) % 10, 1), 5))
    with pytest.raises(
        DataError, match="20 labels differ from the stored ones, first that of 'test/00000': 0 clean, 9"
    ):
        cifar10_c(str(tmp_path), clean=str(tmp_path / "many"))
