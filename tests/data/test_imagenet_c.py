"""`imagenet_c` and `tiny_imagenet_c`: labels, ids and clean images of the published layouts."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from robustbench_vit.data.geometry import IMAGENET, NONE
from robustbench_vit.data.imagenet import imagenet
from robustbench_vit.data.imagenet_c import imagenet_c, tiny_imagenet_c
from robustbench_vit.errors import DataError

WNIDS = {"n01440764": 2, "n15075141": 1}
TINY = {f"n{number:08d}": 1 for number in range(200)}


def picture(file: Path, of: type, size: int) -> None:
    """A square picture whose pixels depend on its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(of.pixels(file.name, size, size, 3)).save(file, "PNG")


@pytest.mark.parametrize("group", ["", "weather/"])
def test_labels_and_ids(tmp_path: Path, fake_data: type, group: str) -> None:
    """Labels are those of ImageNet-1k; official names are ids, others keep their class folder."""
    picture(tmp_path / f"{group}fog/1/n15075141/ILSVRC2012_val_00000007.JPEG", fake_data, 8)
    picture(tmp_path / f"{group}fog/1/n01440764/mine.JPEG", fake_data, 8)

    dataset = imagenet_c(str(tmp_path))

    assert {"ILSVRC2012_val_00000007": 999, "n01440764/mine": 0} == dict(
        zip(dataset.ids, dataset.labels.tolist(), strict=True)
    )
    assert ("imagenet-1k", 1000) == (dataset.label_space, len(dataset.classes))


def test_clean_images_have_the_geometry_of_the_set(tmp_path: Path, fake_data: type) -> None:
    """Resize 256, crop 224, whatever the files' sizes; stored pictures stay as they are. Both say geometry none."""
    for name, size in (("n01440764/a", 300), ("n01440764/b", 280), ("n15075141/c", 400)):
        picture(tmp_path / f"c/fog/1/{name}.JPEG", fake_data, 224)
        picture(tmp_path / f"val/{name}.JPEG", fake_data, size)
    dataset = imagenet_c(str(tmp_path / "c"), clean=str(tmp_path / "val"))

    assert NONE == dataset.geometry == dataset.view("fog", 1).geometry
    assert torch.equal(imagenet(str(tmp_path / "val")).batch(0, 3, IMAGENET).images, dataset.batch(0, 3).images)
    assert (3, 3, 224, 224) == dataset.view("fog", 1).batch(0, 3).images.shape


def test_no_class(tmp_path: Path, fake_data: type) -> None:
    """A folder that is no WordNet id is named."""
    fake_data.folder_c(tmp_path, {"cat": 1})

    with pytest.raises(DataError, match=r"fog/1/cat is no class of ImageNet-1k"):
        imagenet_c(str(tmp_path))


@pytest.mark.parametrize("layout", ["annotated", "sorted", "nested"])
def test_tiny(tmp_path: Path, fake_data: type, layout: str) -> None:
    """Two hundred classes in the order of their wnids; clean images as published or sorted."""
    lines = []
    for label, wnid in enumerate(TINY):
        picture(tmp_path / f"c/fog/1/{wnid}/val_{label}.JPEG", fake_data, 8)
        inner = {"annotated": "images", "sorted": wnid, "nested": f"{wnid}/images"}[layout]
        picture(tmp_path / f"val/{inner}/val_{label}.JPEG", fake_data, 8)
        lines.append(f"val_{label}.JPEG\t{wnid}\t0\t0\t7\t7\n")
    if layout == "annotated":
        (tmp_path / "val" / "val_annotations.txt").write_text("".join(lines))
    dataset = tiny_imagenet_c(str(tmp_path / "c"), clean=str(tmp_path / "val"))

    assert ("tiny-imagenet-200", tuple(TINY)) == (dataset.label_space, dataset.classes)
    assert [f"{dataset.classes[label]}/val_{label}" for label in dataset.labels] == list(dataset.ids)
    assert torch.equal(dataset.view("fog", 1).batch(0, 9).images, dataset.batch(0, 9).images)


def test_tiny_needs_all_its_classes(tmp_path: Path, fake_data: type) -> None:
    """Labels depend on all of them."""
    fake_data.folder_c(tmp_path, WNIDS)

    with pytest.raises(DataError, match=r"fog/1 holds 2 class folders, but Tiny-ImageNet has 200"):
        tiny_imagenet_c(str(tmp_path))


def test_tiny_annotations_that_do_not_fit(tmp_path: Path, fake_data: type) -> None:
    """The line is named."""
    fake_data.folder_c(tmp_path / "c", TINY)
    (tmp_path / "val" / "images").mkdir(parents=True)
    (tmp_path / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn00000000\t0\n")

    with pytest.raises(DataError, match=r"val_annotations\.txt: 'val_0\.JPEG' is no picture in images"):
        tiny_imagenet_c(str(tmp_path / "c"), clean=str(tmp_path / "val"))
    with pytest.raises(DataError, match=r"lacks the class folders .*, and has no val_annotations\.txt either"):
        tiny_imagenet_c(str(tmp_path / "c"), clean=str(tmp_path / "c"))
