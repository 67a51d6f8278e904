"""`cue_conflict`, `edges` and `silhouettes`: the published layout, sets of one's own, and names that do not fit."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.data.cache import CachedDataset
from robustbench_vit.data.cue_conflict import cue_conflict, edges, silhouettes
from robustbench_vit.data.geometry import NONE
from robustbench_vit.errors import DataError
from robustbench_vit.labels import ENTRY_LEVEL

PAIRS = ["cat/cat3-dog10", "cat/cat3-cat1", "dog/dog1-bear2"]


def cues(dataset):
    """Shape and texture in words, by id."""
    batch = dataset.batch(0, len(dataset))
    pairs = zip(batch.labels.tolist(), batch.extra["texture"].tolist(), strict=True)
    return {name: (dataset.classes[s], dataset.classes[t]) for name, (s, t) in zip(batch.ids, pairs, strict=True)}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_names_say_the_cues(tmp_path: Path, fake_data: type, suffix: str) -> None:
    """The folder is the shape's class, the text behind the hyphen the texture's; any picture format will do."""
    dataset = cue_conflict(str(fake_data.pictures(tmp_path, PAIRS, suffix)))

    assert {"cat3-dog10": ("cat", "dog"), "cat3-cat1": ("cat", "cat"), "dog1-bear2": ("dog", "bear")} == cues(dataset)
    assert ("imagenet-16", tuple(ENTRY_LEVEL), NONE) == (dataset.label_space, dataset.classes, dataset.geometry)
    assert (3, 3, 10, 12) == dataset.batch(0, 3).images.shape


def test_the_published_folder_is_found(tmp_path: Path, fake_data: type) -> None:
    """The folder of all stimuli holds it under its own name."""
    inner = fake_data.pictures(tmp_path / "style-transfer-preprocessed-512", PAIRS)

    assert cue_conflict(str(inner)).digest == cue_conflict(str(tmp_path)).digest


def test_classes_of_ones_own(tmp_path: Path, fake_data: type) -> None:
    """In the order they are given in; a texture needs no folder, names may hold digits and hyphens."""
    names = ["x-ray 2/x-ray 21-lung1", "x-ray 2/x-ray 22-x-ray 21", "lung/lung1-bone3"]
    dataset = load_dataset(f'cue_conflict("{fake_data.pictures(tmp_path, names)}", classes=[lung, "x-ray 2", bone])')

    assert {
        "x-ray 21-lung1": ("x-ray 2", "lung"),
        "x-ray 22-x-ray 21": ("x-ray 2", "x-ray 2"),
        "lung1-bone3": ("lung", "bone"),
    } == cues(dataset)
    assert ("cue-conflict-3", ("lung", "x-ray 2", "bone")) == (dataset.label_space, dataset.classes)


def test_a_manifest_names_the_classes(tmp_path: Path, fake_data: type) -> None:
    """What the set was made with; the argument goes first, other people's manifests say nothing."""
    root = fake_data.pictures(tmp_path, ["cat/cat1-dog1", "dog/dog1-cat1"])
    manifest = root / "manifest.json"
    found = {}
    for said in ({"classes": ["dog", "cat"]}, {"classes": list(ENTRY_LEVEL)}, {"files": 2}, ["x"]):
        manifest.write_text(json.dumps(said))
        found[str(said)[:20]] = cue_conflict(str(root)).label_space

    assert ["cue-conflict-2", "imagenet-16", "imagenet-16", "imagenet-16"] == list(found.values())
    manifest.write_text('{"classes": ["dog", "cat"]}')
    assert ("dog", "cat") == cue_conflict(str(root)).classes
    assert ("cat", "dog") == cue_conflict(str(root), classes=["cat", "dog"]).classes
    assert 2 == len({cue_conflict(str(root)).digest, cue_conflict(str(root), classes=["cat", "dog"]).digest})
    manifest.write_text("{")
    with pytest.raises(DataError, match=r"cannot read .*manifest\.json: .*name the classes: cue_conflict"):
        cue_conflict(str(root))


@pytest.mark.parametrize(
    "name",
    ["cat/cat1", "cat/cat-dog1", "cat/cat1-dog", "cat/cat1-zebra1", "cat/dog1-cat1", "cat/cat1-dog1x", "cat/cat1_dog1"],
)
def test_names_without_cues(tmp_path: Path, fake_data: type, name: str) -> None:
    """No texture, no number, an unknown texture, another folder's shape: file and expected form are named."""
    root = fake_data.pictures(tmp_path, [*PAIRS, name])

    with pytest.raises(
        DataError, match=rf"{name}\.png is not called cat<i>-<texture><j>, for example cat1-truck2, .* airplane, bear,"
    ):
        cue_conflict(str(root))


def test_names_that_may_mean_two_textures(tmp_path: Path, fake_data: type) -> None:
    """Nobody guesses whether ``a11`` is the eleventh of a or the first of a1."""
    root = fake_data.pictures(tmp_path, ["b/b1-a11", "b/b1-a1"])

    with pytest.raises(DataError, match=r"b1-a11\.png is not called b<i>-<texture><j>"):
        cue_conflict(str(root), classes=["a", "a1", "b"])


def test_unknown_categories(tmp_path: Path, fake_data: type) -> None:
    """Classes of one's own must be said to be such."""
    root = fake_data.pictures(tmp_path, [*PAIRS, "zebra/zebra1-cat1"])

    with pytest.raises(
        DataError, match=r"zebra is no class of the 16 of cue_conflict; .* airplane and truck\. .*classes=\[…\]"
    ):
        cue_conflict(str(root))
    with pytest.raises(DataError, match="zebra is no class of the 16 of edges"):
        edges(str(root))


@pytest.mark.parametrize("classes", [["cat", "cat"], []])
def test_classes_are_named_once(tmp_path: Path, fake_data: type, classes: list[str]) -> None:
    """A label is one class."""
    with pytest.raises(DataError, match="must be named, and none twice; got"):
        cue_conflict(str(fake_data.pictures(tmp_path, PAIRS)), classes=classes)


@pytest.mark.parametrize("opened", [cue_conflict, edges, silhouettes])
def test_wrong_folders(tmp_path: Path, fake_data: type, opened: object) -> None:
    """None, or one without folders."""
    with pytest.raises(DataError, match=r"nowhere does not exist; expected a folder of category folders, e\.g\. airpl"):
        opened(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"no class folders \(and 1 loose pictures\); expected some such as airplane"):
        opened(str(fake_data.pictures(tmp_path, ["cat1-dog1"])))


@pytest.mark.parametrize(("opened", "inner"), [(edges, "edges"), (silhouettes, "filled-silhouettes")])
def test_pictures_of_one_cue(tmp_path: Path, fake_data: type, opened: object, inner: str) -> None:
    """Ids are stems; the published folder or the one above."""
    root = fake_data.pictures(tmp_path / inner, ["cat/cat1", "cat/cat10", "truck/truck2"])
    dataset = opened(str(root))

    assert {"cat1": 7, "cat10": 7, "truck2": 15} == dict(zip(dataset.ids, dataset.labels.tolist(), strict=True))
    assert "imagenet-16" == dataset.label_space
    assert dataset.digest == opened(str(tmp_path)).digest
    assert {} == dataset.batch(0, 1).extra
    with pytest.raises(DataError, match=r"cat/dog1\.png is not called cat<n>, for example cat1"):
        opened(str(fake_data.pictures(root, ["cat/dog1"])))


def test_textures_pass_the_cache(tmp_path: Path, fake_data: type) -> None:
    """Written and read back."""
    dataset = cue_conflict(str(fake_data.pictures(tmp_path / "set", PAIRS)))
    plain = dataset.batch(0, 3).extra["texture"]

    for _ in ("written", "read"):
        assert torch.equal(plain, CachedDataset(dataset, tmp_path / "cache").batch(0, 3).extra["texture"])


def test_the_published_stimuli(shared_data: Path) -> None:
    """1280 pictures, five for each pair, 80 without conflict; every cue is that of the manifest."""
    folder = shared_data / "cue-conflict"
    with (folder / "manifest.csv").open(newline="") as table:
        expected = {Path(row["file"]).stem: (row["shape"], row["texture"]) for row in csv.DictReader(table)}

    dataset = load_dataset(f'cue_conflict("{folder}")')
    labels, textures = dataset.labels, dataset.textures

    assert 1280 == len(dataset)
    assert expected == {
        name: (dataset.classes[shape], dataset.classes[texture])
        for name, shape, texture in zip(dataset.ids, labels.tolist(), textures.tolist(), strict=True)
    }
    assert {5} == set(Counter(expected.values()).values())
    assert 80 == int((labels == textures).sum())
    assert (2, 3, 224, 224) == dataset.batch(0, 2).images.shape


@pytest.mark.parametrize(("name", "folder"), [("edges", "edges"), ("silhouettes", "filled-silhouettes")])
def test_the_published_pictures_of_one_cue(shared_data: Path, name: str, folder: str) -> None:
    """Ten a category, 224×224."""
    dataset = load_dataset(f'{name}("{shared_data / folder}")')

    assert {10} == set(torch.bincount(dataset.labels, minlength=16).tolist())
    assert (2, 3, 224, 224) == dataset.batch(0, 2).images.shape
