"""`folder`: layout, ids, masks and every way to get it wrong."""

from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch
from PIL import Image

from robustbench_vit.data import load_dataset
from robustbench_vit.data.folder import folder
from robustbench_vit.data.geometry import IMAGENET, NONE, Geometry
from robustbench_vit.errors import DataError


def test_layout(tmp_path: Path, fake_data: type) -> None:
    """Classes are sorted folders; ids are relative paths without extension; hidden and other files are left alone."""
    fake_data.folder(tmp_path, {"dog": 1, "cat": 2, "cat/wild": 1, ".git": 1})
    (tmp_path / "cat" / "notes.txt").write_text("tabby")
    (tmp_path / "cat" / "._0.png").write_text("left by another system")
    (tmp_path / "readme.png").write_text("beside the classes")

    dataset = folder(str(tmp_path))

    assert ("cat", "dog") == dataset.classes
    assert {"cat/cat-0", "cat/cat-1", "cat/wild/cat/wild-0", "dog/dog-0"} == set(dataset.ids)
    assert ("folder-2", IMAGENET) == (dataset.label_space, dataset.geometry)
    assert [0, 1] == dataset.labels[:2].tolist()


def test_pixels(tmp_path: Path, fake_data: type) -> None:
    """Under no geometry the stored pixels come out."""
    dataset = folder(str(fake_data.folder(tmp_path, {"cat": 2})))

    batch = dataset.batch(0, 2, NONE)

    expected = [fake_data.pixels(name, 10, 12, 3).transpose(2, 0, 1) for name in batch.ids]
    assert np.array_equal(np.stack(expected), batch.images.numpy())
    assert {} == batch.extra


def test_chosen_classes(tmp_path: Path, fake_data: type) -> None:
    """Named classes give the labels in their order; others are not read, even if empty."""
    fake_data.folder(tmp_path, {"1": 1, "cat": 1, "dog": 1})
    (tmp_path / "empty").mkdir()

    dataset = load_dataset(f'folder("{tmp_path}", classes=[dog, 1])')

    assert ("dog", "1") == dataset.classes
    assert ("dog/dog-0", "1/1-0") == dataset.ids


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        (["cow"], r"no class folder 'cow' in .*; there are cat, dog \(names made of digits need quotes"),
        (["cat", "cat"], "none twice"),
        ([], "at least one class folder"),
        ("cow", "no class folder 'cow'"),
        (7, "no class folder '7'"),
    ],
)
def test_wrong_classes(tmp_path: Path, fake_data: type, classes: list[str] | str | int, match: str) -> None:
    """Classes that are not there are named."""
    fake_data.folder(tmp_path, {"cat": 1, "dog": 1})

    with pytest.raises(DataError, match=match):
        folder(str(tmp_path), classes=classes)


def test_missing_folder(tmp_path: Path) -> None:
    """A path that is no folder is named."""
    (tmp_path / "file").touch()

    with pytest.raises(DataError, match=r"nowhere does not exist; expected a folder of class folders"):
        folder(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"file is a file; expected a folder"):
        folder(str(tmp_path / "file"))


def test_no_classes(tmp_path: Path, fake_data: type) -> None:
    """Loose pictures need sorting."""
    fake_data.folder(tmp_path, {"cat": 2})

    with pytest.raises(DataError, match=r"holds no class folders \(and 2 loose pictures\); sort the pictures into"):
        folder(str(tmp_path / "cat"))


def test_empty_class(tmp_path: Path, fake_data: type) -> None:
    """A class folder without pictures is named."""
    fake_data.folder(tmp_path, {"cat": 2})
    (tmp_path / "dog").mkdir()

    with pytest.raises(DataError, match=r"class folder .*dog holds no pictures .*; fill it or remove it"):
        folder(str(tmp_path))


def test_duplicates(tmp_path: Path, fake_data: type) -> None:
    """Two files of one id are both named."""
    fake_data.folder(tmp_path, {"cat": 2})
    copyfile(tmp_path / "cat" / "cat-1.png", tmp_path / "cat" / "cat-1.jpg")

    with pytest.raises(
        DataError, match=r"cat-1' comes twice: .*cat-1\.(png and .*jpg|jpg and .*png); rename or remove"
    ):
        folder(str(tmp_path))


def test_unequal_sizes(tmp_path: Path, fake_data: type) -> None:
    """Pictures of another size are named with the flag, also when they are in another batch."""
    dataset = folder(str(fake_data.folder(tmp_path, {"cat": 3})))
    name = dataset.ids[2]
    Image.new("RGB", (9, 10)).save(tmp_path / f"{name}.png")

    for start in (0, 2):
        with pytest.raises(
            DataError, match=rf"{dataset.ids[0]}.png is 10×12, .*{name}.png is 10×9.*--geometry 'geometry"
        ):
            dataset.batch(start, 3, NONE)
    assert (3, 3, 8, 8) == dataset.batch(0, 3, Geometry(resize=(8, 8))).images.shape


def test_workers(tmp_path: Path, fake_data: type) -> None:
    """The number of threads changes nothing."""
    dataset = folder(str(fake_data.folder(tmp_path, {"cat": 9})))
    expected = dataset.batch(0, 9).images
    dataset.workers = 5

    assert torch.equal(expected, dataset.batch(0, 9).images)


def test_masks(tmp_path: Path, fake_data: type) -> None:
    """Masks are found by relative path, whatever their ending, and take the picture's geometry."""
    fake_data.folder(tmp_path / "images", {"cat": 2}, suffix=".jpg", masks=tmp_path / "masks")
    dataset = load_dataset(f'folder("{tmp_path / "images"}", masks="{tmp_path / "masks"}")')

    plain = dataset.batch(0, 2, NONE).extra["mask"]
    cropped = dataset.batch(0, 2, Geometry(resize=20, crop=(4, 8))).extra["mask"]

    assert torch.equal(torch.tensor([1.0] * 6 + [0.0] * 6).expand(2, 10, 12), plain)
    assert torch.equal(torch.tensor([1.0] * 4 + [0.0] * 4).expand(2, 4, 8), cropped)
    assert torch.float32 == plain.dtype


def test_missing_mask(tmp_path: Path, fake_data: type) -> None:
    """A picture without a mask is named."""
    fake_data.folder(tmp_path / "images", {"cat": 3}, masks=tmp_path / "masks")
    (tmp_path / "masks" / "cat" / "cat-1.png").unlink()

    with pytest.raises(DataError, match=r"no mask for .*images/cat/cat-1.png: expected .*masks/cat/cat-1.png .*1 of 3"):
        folder(str(tmp_path / "images"), masks=str(tmp_path / "masks"))
    with pytest.raises(DataError, match=r"nowhere does not exist; expected a folder of masks"):
        folder(str(tmp_path / "images"), masks=str(tmp_path / "nowhere"))


def test_mask_of_another_size(tmp_path: Path, fake_data: type) -> None:
    """A mask must have the size of its picture."""
    fake_data.folder(tmp_path / "images", {"cat": 1}, masks=tmp_path / "masks")
    Image.new("1", (12, 11)).save(tmp_path / "masks" / "cat" / "cat-0.png")
    dataset = folder(str(tmp_path / "images"), masks=str(tmp_path / "masks"))

    with pytest.raises(DataError, match=r"mask .*cat-0.png is 11×12, but its picture .* is 10×12 \(height×width\)"):
        dataset.batch(0, 1)


def test_digest_of_masks(tmp_path: Path, fake_data: type) -> None:
    """Masks are part of the content."""
    images = str(fake_data.folder(tmp_path / "images", {"cat": 1}, masks=tmp_path / "masks"))
    without, with_them = folder(images), folder(images, masks=str(tmp_path / "masks"))
    Image.new("1", (12, 10)).save(tmp_path / "masks" / "cat" / "cat-0.png")

    assert 3 == len({without.digest, with_them.digest, folder(images, masks=str(tmp_path / "masks")).digest})


def test_real_pictures(shared_data: Path) -> None:
    """160 published silhouettes in 16 classes open as they are."""
    dataset = folder(str(shared_data / "filled-silhouettes"))

    batch = dataset.batch(0, 16, NONE)

    assert (160, 16) == (len(dataset), len(dataset.classes))
    assert list(range(16)) == batch.labels.tolist()
    assert (16, 3, 224, 224) == batch.images.shape
