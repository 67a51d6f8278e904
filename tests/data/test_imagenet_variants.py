"""Sets of the classes of ImageNet-1k, or of 200 of them: labels, ids, geometry, and folders that do not fit."""

from pathlib import Path

import pytest

from robustbench_vit.data import load_dataset
from robustbench_vit.data.geometry import IMAGENET, NONE
from robustbench_vit.data.imagenet_variants import (
    imagenet_a,
    imagenet_r,
    imagenet_sketch,
    imagenet_v2,
    stylized_imagenet,
)
from robustbench_vit.errors import DataError
from robustbench_vit.labels import imagenet_classes, label_space


def labels(dataset):
    """Class index by id."""
    return dict(zip(dataset.ids, dataset.labels.tolist(), strict=True))


@pytest.mark.parametrize(("opened", "space"), [(imagenet_a, "imagenet-a"), (imagenet_r, "imagenet-r")])
def test_labels_of_200_classes(tmp_path: Path, fake_data: type, opened: object, space: str) -> None:
    """An index among the 200, whichever folders are there; names may hold dots and blanks."""
    wnid, odd = "n02007558", "0.006_american egret _ flamingo_0.9"
    fake_data.pictures(tmp_path, [f"{wnid}/art_0"])
    (tmp_path / wnid / "art_0.png").rename(tmp_path / wnid / f"{odd}.jpg")
    index = label_space(space).members.index((imagenet_classes()[0].index(wnid),))

    dataset = opened(str(tmp_path))

    assert {f"{wnid}/{odd}": index} == labels(dataset)
    assert (space, 200, IMAGENET) == (dataset.label_space, len(dataset.classes), dataset.geometry)
    assert "flamingo" == dataset.classes[index]


@pytest.mark.parametrize("opened", [imagenet_a, imagenet_r])
def test_other_classes_of_imagenet_are_refused(tmp_path: Path, fake_data: type, opened: object) -> None:
    """The tench is in neither set."""
    with pytest.raises(
        DataError, match=r"n01440764 is no class of the 200 of imagenet_[ar]; expected names such as n0"
    ):
        opened(str(fake_data.folder(tmp_path, {"n01440764": 1})))


def test_folders_named_by_index_are_indices(tmp_path: Path, fake_data: type) -> None:
    """Not places in the order of names, in which 10 comes before 2."""
    dataset = imagenet_v2(str(fake_data.folder(tmp_path, {"2": 1, "10": 1, "999": 1})))

    assert {"2/2-0": 2, "10/10-0": 10, "999/999-0": 999} == labels(dataset)
    assert ("imagenet-1k", 1000, IMAGENET) == (dataset.label_space, len(dataset.classes), dataset.geometry)


@pytest.mark.parametrize("name", ["1000", "007", "-1", "n01440764"])
def test_folders_that_are_no_index(tmp_path: Path, fake_data: type, name: str) -> None:
    """Each is named, with what was expected."""
    with pytest.raises(DataError, match=rf"{name} is no class of ImageNet-V2 \(class indices\); .* such as 0 and 999"):
        imagenet_v2(str(fake_data.folder(tmp_path, {name: 1})))


@pytest.mark.parametrize(("opened", "geometry"), [(imagenet_sketch, IMAGENET), (stylized_imagenet, NONE)])
def test_all_1000_classes(tmp_path: Path, fake_data: type, opened: object, geometry: object) -> None:
    """Labels and ids of `imagenet`, so that draws are those of the photographs; stylised ones stay as made."""
    stems = ["n15075141/ILSVRC2012_val_00000007", "n01440764/sketch_0"]
    dataset = opened(str(fake_data.pictures(tmp_path / "val", stems)))

    assert {"ILSVRC2012_val_00000007": 999, "n01440764/sketch_0": 0} == labels(dataset)
    assert ("imagenet-1k", geometry) == (dataset.label_space, dataset.geometry)
    assert dataset.digest == opened(str(tmp_path)).digest


def test_real_pictures(shared_data: Path, tmp_path: Path) -> None:
    """Photographs of the 200 classes, linked from a folder of all 1000."""
    source = shared_data / "imagenet-samples"
    for (index,) in label_space("imagenet-r").members:
        wnid = imagenet_classes()[0][index]
        (tmp_path / wnid).symlink_to(source / wnid)

    dataset = load_dataset(f'imagenet_r("{tmp_path}")')

    assert sorted(dataset.labels.tolist()) == list(range(200))
    assert (2, 3, 224, 224) == dataset.batch(0, 2).images.shape
