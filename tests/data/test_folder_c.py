"""`folder_c`: finding conditions, and what happens where pictures are missing."""

from pathlib import Path

import pytest
import torch

from robustbench_vit.data.cache import CachedDataset
from robustbench_vit.data.folder import folder
from robustbench_vit.data.folder_c import folder_c
from robustbench_vit.data.geometry import NONE
from robustbench_vit.data.stored_pictures import condition_folders
from robustbench_vit.errors import CaseError, DataError

CLASSES = {"cat": 4, "dog": 3}


@pytest.mark.parametrize("nested", [(), ("weather/fog/1", "weather/fog/2", "extra/spatter/0.5")])
def test_flat_or_nested(tmp_path: Path, fake_data: type, nested: tuple[str, ...]) -> None:
    """Groups of corruptions are looked through; severities are numbers."""
    conditions = nested or ("fog/1", "fog/2", "spatter/0.5")

    dataset = folder_c(str(fake_data.folder_c(tmp_path, CLASSES, conditions)))

    assert ["fog", "spatter"] == list(dataset.severities)
    assert ("cat", "dog") == dataset.classes
    for condition in conditions:
        corruption, severity = condition.split("/")[-2:]
        expected = folder(str(tmp_path / condition))
        expected.geometry = NONE
        view = dataset.view(corruption, next(s for s in dataset.severities[corruption] if float(s) == float(severity)))
        assert expected.ids == view.ids
        assert torch.equal(expected.batch(0, 7).images, view.batch(0, 7).images)


def test_paths_are_shared_by_conditions(tmp_path: Path, fake_data: type) -> None:
    """Endings may differ; where they do not, one list serves all conditions."""
    fake_data.folder_c(tmp_path, CLASSES, ("fog/1", "fog/2"))
    fake_data.folder_c(tmp_path, CLASSES, ("fog/3",), suffix=".JPEG")
    dataset = folder_c(str(tmp_path))
    views = [dataset.view("fog", severity) for severity in (1, 2, 3)]

    assert views[0]._samples.files is views[1]._samples.files
    assert {".JPEG"} == {sample.file.suffix for sample in views[2]._samples}
    assert 1 == len({view.ids for view in views})
    assert 3 == len({view.digest for view in views})


def test_a_missing_severity_names_what_there_is(tmp_path: Path, fake_data: type) -> None:
    """The condition cannot be had, the others can."""
    dataset = folder_c(str(fake_data.folder_c(tmp_path, CLASSES)))

    with pytest.raises(CaseError, match="folder_c holds no severity 3 of fog; it holds 1, 2"):
        dataset.view("fog", 3)
    with pytest.raises(CaseError, match="folder_c holds no corruption 'rain'; it holds fog, snow"):
        dataset.view("rain", 1)

    assert 7 == len(dataset.view("fog", 2))


def test_missing_pictures_are_counted_and_named(tmp_path: Path, fake_data: type) -> None:
    """In one condition alone; the others are whole."""
    fake_data.folder_c(tmp_path, CLASSES)
    for name in ("cat/cat-1.png", "dog/dog-0.png"):
        (tmp_path / "fog/2" / name).unlink()
    dataset = folder_c(str(tmp_path))

    with pytest.raises(DataError, match=r"fog/2 lacks 2 of 7 pictures, such as cat/cat-1, dog/dog-0; unpack this"):
        dataset.view("fog", 2)

    assert 7 == len(dataset.view("snow", 1))


def test_pictures_too_many_are_counted_and_named(tmp_path: Path, fake_data: type) -> None:
    """The first condition says which samples there are; if it is incomplete, the others say so."""
    fake_data.folder_c(tmp_path, CLASSES)
    (tmp_path / "fog/1/cat/cat-1.png").unlink()
    dataset = folder_c(str(tmp_path))

    with pytest.raises(
        DataError, match=r"snow/1 holds 1 pictures that belong to no sample of the set, such as cat/cat-1"
    ):
        dataset.view("snow", 1)


def test_clean_images(tmp_path: Path, fake_data: type) -> None:
    """Restricted to the stored samples, as they are, and in the order of the set."""
    fake_data.folder_c(tmp_path / "c", CLASSES)
    fake_data.folder(tmp_path / "clean", {"cat": 6, "dog": 3, "emu": 2})
    dataset = folder_c(str(tmp_path / "c"), clean=str(tmp_path / "clean"))
    expected = folder(str(tmp_path / "clean"), classes=("cat", "dog"))

    batch = dataset.batch(0, 7)

    assert (7, 3, 10, 12) == batch.images.shape
    for position, name in enumerate(batch.ids):
        place = expected.ids.index(name)
        assert torch.equal(expected.batch(place, place + 1, NONE).images[0], batch.images[position])


def test_clean_images_beside_the_others(tmp_path: Path, fake_data: type) -> None:
    """A folder ``clean`` is no corruption."""
    fake_data.folder_c(tmp_path, CLASSES)
    fake_data.folder(tmp_path / "clean", CLASSES)
    dataset = folder_c(str(tmp_path))

    assert ["fog", "snow"] == list(dataset.severities)
    assert torch.equal(folder(str(tmp_path / "clean")).batch(0, 7, NONE).images, dataset.batch(0, 7).images)


def test_clean_images_of_something_else(tmp_path: Path, fake_data: type) -> None:
    """How many are missing, and the first few."""
    fake_data.folder_c(tmp_path / "c", CLASSES)
    fake_data.folder(tmp_path / "clean", {"cat": 2, "dog": 3})

    with pytest.raises(
        DataError, match=r"2 of 7 stored samples are not among the 5 of folder, such as cat/cat-2, cat/c"
    ):
        folder_c(str(tmp_path / "c"), clean=str(tmp_path / "clean"))


def test_clean_images_decode_in_the_threads_of_the_set(tmp_path: Path, fake_data: type) -> None:
    """Set once, the number of workers is everybody's."""
    fake_data.folder_c(tmp_path, CLASSES)
    fake_data.folder(tmp_path / "clean", CLASSES)
    dataset = folder_c(str(tmp_path))
    dataset.workers = 5
    dataset.batch(0, 1)

    assert (5, 5) == (dataset._clean.workers, dataset.view("fog", 1).workers)


@pytest.mark.parametrize(
    ("conditions", "match"),
    [
        ((), "holds no corruptions, only nothing; expected folders such as fog/1/<class>/<picture>"),
        (("cat",), "holds no corruptions, only cat"),
        (("fog/1", "weather/fog/1"), "corruption fog comes twice: .*fog and .*weather/fog; remove one"),
    ],
)
def test_no_stored_sets(tmp_path: Path, fake_data: type, conditions: tuple[str, ...], match: str) -> None:
    """What is there is named."""
    for condition in conditions:
        fake_data.folder(tmp_path / condition, CLASSES)

    with pytest.raises(DataError, match=match):
        condition_folders(tmp_path)


def test_no_classes(tmp_path: Path, fake_data: type) -> None:
    """Pictures need a class folder."""
    (tmp_path / "fog" / "1").mkdir(parents=True)

    with pytest.raises(
        DataError, match=r"fog/1 holds no class folders; expected pictures such as .*fog/1/cat/001\.png"
    ):
        folder_c(str(tmp_path))


def test_through_the_cache(tmp_path: Path, fake_data: type) -> None:
    """Conditions are cached each by itself, and are the same object when asked for again."""
    fake_data.folder_c(tmp_path / "c", CLASSES)
    plain = folder_c(str(tmp_path / "c"))
    cached = CachedDataset(plain, tmp_path / "cache", block=4)

    for _ in range(2):
        for condition in (("fog", 1), ("snow", 1)):
            assert torch.equal(plain.view(*condition).batch(2, 6).images, cached.view(*condition).batch(2, 6).images)

    assert cached.view("fog", 1) is cached.view("fog", 1)
    assert 4 == len(list((tmp_path / "cache").rglob("*.npy")))
    with pytest.raises(CaseError, match="corrupted images alone"):
        cached.batch(0, 1)
