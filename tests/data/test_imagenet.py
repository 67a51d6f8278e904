"""`imagenet`: folders named by WordNet id, and the labels of pretrained networks."""

import csv
from pathlib import Path

import pytest
from PIL import Image

from robustbench_vit.data import load_dataset
from robustbench_vit.data.geometry import IMAGENET
from robustbench_vit.data.imagenet import imagenet
from robustbench_vit.errors import DataError


def test_any_subset(tmp_path: Path, fake_data: type) -> None:
    """Labels are those of all 1000 classes; stems are ids if they are official names."""
    names = {"n15075141": "ILSVRC2012_val_00000007", "n01440764": "n01440764_190"}
    fake_data.folder(tmp_path, {"n15075141": 1, "n01440764": 2}, suffix=".JPEG")
    for wnid, name in names.items():
        (tmp_path / wnid / f"{wnid}-0.JPEG").rename(tmp_path / wnid / f"{name}.JPEG")

    dataset = imagenet(str(tmp_path))

    assert {"ILSVRC2012_val_00000007": 999, "n01440764_190": 0, "n01440764/n01440764-1": 0} == dict(
        zip(dataset.ids, dataset.labels.tolist(), strict=True)
    )
    assert ("imagenet-1k", 1000, IMAGENET) == (dataset.label_space, len(dataset.classes), dataset.geometry)
    assert ("tench, Tinca tinca", "goldfish, Carassius auratus") == dataset.classes[:2]


def test_inner_val(tmp_path: Path, fake_data: type) -> None:
    """The folder above ``val`` is the same data set, masks included."""
    masks = tmp_path / "masks"
    fake_data.folder(tmp_path / "set" / "val", {"n01440764": 2}, masks=masks / "val")
    (tmp_path / "set" / "train").mkdir()

    inner = imagenet(str(tmp_path / "set" / "val"), str(masks / "val"))
    outer = imagenet(str(tmp_path / "set"), str(masks))

    assert inner.digest == outer.digest
    assert (2, 224, 224) == outer.batch(0, 2).extra["mask"].shape


def test_unknown_class(tmp_path: Path, fake_data: type) -> None:
    """A folder that is no class is named."""
    fake_data.folder(tmp_path, {"n01440764": 1, "n00000001": 1})

    with pytest.raises(
        DataError, match=r"folder .*n00000001 is no class of ImageNet-1k; .*or open other classes with f"
    ):
        imagenet(str(tmp_path))


def test_flat(tmp_path: Path, fake_data: type) -> None:
    """Unsorted validation pictures come with the way to sort them."""
    fake_data.folder(tmp_path, {"val": 2})

    with pytest.raises(DataError, match=r"\(and 2 loose pictures\); sort .*\.parse_val_archive\(ROOT\)"):
        imagenet(str(tmp_path))


def test_one_official_name_twice(tmp_path: Path, fake_data: type) -> None:
    """A picture sorted into two classes is named; names of one's own may recur in other classes."""
    for wnid in ("n01440764", "n01443537"):
        (fake_data.folder(tmp_path, {wnid: 1}) / wnid / f"{wnid}-0.png").rename(tmp_path / wnid / "crane.png")
    assert {"n01440764/crane", "n01443537/crane"} == set(imagenet(str(tmp_path)).ids)
    for wnid in ("n01440764", "n01443537"):
        (tmp_path / wnid / "crane.png").rename(tmp_path / wnid / "ILSVRC2012_val_00000007.png")

    with pytest.raises(DataError, match=r"id 'ILSVRC2012_val_00000007' comes twice: .*/n01440764/.* and .*/n01443537/"):
        imagenet(str(tmp_path))


def test_real_pictures(shared_data: Path) -> None:
    """The labels of 1000 real pictures, one a class, are those of the published table."""
    folder = shared_data / "imagenet-samples"
    with (folder / "labels.csv").open(newline="") as table:
        expected = {row["file"].removesuffix(".JPEG"): int(row["index"]) for row in csv.DictReader(table)}

    dataset = load_dataset(f'imagenet("{folder}")')

    assert expected == dict(zip(dataset.ids, dataset.labels.tolist(), strict=True))
    assert (4, 3, 224, 224) == dataset.batch(0, 4).images.shape


def test_real_masks(shared_data: Path, tmp_path: Path) -> None:
    """Published masks cover the share of the picture that their table says."""
    folder = shared_data / "imagenet-masks"
    with (folder / "labels.csv").open(newline="") as table:
        rows = {Path(row["image"]).stem: row for row in csv.DictReader(table)}
    for row in rows.values():
        for kind in ("image", "mask"):
            link = tmp_path / kind / row["wnid"] / Path(row[kind]).name
            link.parent.mkdir(parents=True)
            link.symlink_to(folder / row[kind])

    dataset = imagenet(str(tmp_path / "image"), str(tmp_path / "mask"))

    batch = dataset.batch(0, 4)
    assert (4, 224, 224) == batch.extra["mask"].shape
    assert {0.0, 1.0} == set(batch.extra["mask"].unique().tolist())
    for position, (name, label) in enumerate(zip(batch.ids, batch.labels.tolist(), strict=True)):
        assert int(rows[Path(name).name]["index"]) == label
        with Image.open(folder / rows[Path(name).name]["mask"]) as stored:
            whole = sum(stored.convert("L").histogram()[128:]) / (stored.width * stored.height)
        assert pytest.approx(float(rows[Path(name).name]["foreground_fraction"]), abs=1e-4) == whole
        # The centre crop loses background at the sides only, and an object's edge at most.
        assert whole < batch.extra["mask"][position].mean() < 2 * whole
