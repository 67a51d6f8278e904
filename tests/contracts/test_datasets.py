"""What every row of the catalogue of data sets promises."""

import inspect
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch

from robustbench_vit.catalog import REQUIRED, Row
from robustbench_vit.data import DATASETS, load_dataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError
from robustbench_vit.spec import Spec, normalised

SMALL = Geometry(resize=8, crop=6)
"""Every data set can be given it, whatever the sizes of its pictures."""

Writer: TypeAlias = Callable[[Any, Path], dict[str, Any]]
"""Writes a small fake of a data set under a root and returns the arguments that open it."""


def _cifar(classes: int) -> Writer:
    return lambda fake, root: {"path": str(fake.cifar(root, classes, n=classes * 2))}


def _folder(fake: Any, root: Path) -> dict[str, Any]:
    fake.folder(root / "images", {"cat": 4, "dog": 3}, masks=root / "masks")
    return {"path": str(root / "images"), "masks": str(root / "masks")}


def _cifar_c(classes: int) -> Writer:
    def write(fake: Any, root: Path) -> dict[str, Any]:
        clean = fake.cifar(root / "clean", classes, n=classes * 2)
        return {"path": str(fake.cifar_c(root / "c", classes, n=classes * 2)), "clean": str(clean)}

    return write


def _folder_c(classes: dict[str, int], conditions: tuple[str, ...] = ("fog/2", "snow/1")) -> Writer:
    def write(fake: Any, root: Path) -> dict[str, Any]:
        clean = fake.folder(root / "clean", classes)
        return {"path": str(fake.folder_c(root / "c", classes, conditions)), "clean": str(clean)}

    return write


def _wnids(fake: Any, root: Path) -> dict[str, Any]:
    return {"path": str(fake.folder(root, {"n01498041": 4, "n02007558": 3}))}


def _cue_conflict(fake: Any, root: Path) -> dict[str, Any]:
    cues = [(shape, texture) for shape in ("bear", "truck") for texture in ("bear", "cat", "truck")]
    return {"path": str(fake.pictures(root, [f"{shape}/{shape}1-{texture}2" for shape, texture in cues]))}


def _categories(fake: Any, root: Path) -> dict[str, Any]:
    return {"path": str(fake.pictures(root, [f"{name}/{name}{n}" for name in ("bear", "truck") for n in (1, 2, 10)]))}


FAKES: dict[str, Writer] = {
    "cifar10": _cifar(10),
    "cifar100": _cifar(100),
    "cifar100_c": _cifar_c(100),
    "cifar10_c": _cifar_c(10),
    "cue_conflict": _cue_conflict,
    "edges": _categories,
    "fashion_mnist": lambda fake, root: {"path": str(fake.fashion_mnist(root))},
    "folder": _folder,
    "folder_c": _folder_c({"cat": 4, "dog": 3}),
    "imagenet": lambda fake, root: {"path": str(fake.folder(root, {"n01440764": 4, "n15075141": 3}, suffix=".png"))},
    "imagenet_a": _wnids,
    "imagenet_c": _folder_c({"n01440764": 4, "n15075141": 3}, ("weather/fog/2", "weather/fog/3")),
    "imagenet_r": _wnids,
    "imagenet_sketch": _wnids,
    "imagenet_v2": lambda fake, root: {"path": str(fake.folder(root, {"2": 2, "10": 2, "999": 3}))},
    "shapetex": lambda fake, root: {"split": "conflict", "n": 30},
    "silhouettes": _categories,
    "stylized_imagenet": _wnids,
    "tiny_imagenet_c": _folder_c({f"n{wnid:08d}": 1 for wnid in range(200)}, ("fog/2",)),
}
"""A writer for each row: whoever adds a row adds its fake."""

STORED = [row for row in DATASETS.builtin if row.name.endswith("_c")]
"""Their fakes hold fog at severity 2."""

rows = pytest.mark.parametrize("row", DATASETS.builtin, ids=lambda row: row.name)
sets = pytest.mark.parametrize(
    ("row", "condition"),
    [(row, None) for row in DATASETS.builtin] + [(row, ("fog", 2)) for row in STORED],
    ids=lambda value: value.name if isinstance(value, Row) else "fog" if value else "",
)
on_files = pytest.mark.parametrize(
    "row", [row for row in DATASETS.builtin if any(p.kind == "path" for p in row.parameters)], ids=lambda row: row.name
)


def spec_of(row: Row, fake: Any, root: Path) -> Spec:
    """The spec of a row's fake, written under a root."""
    root.mkdir(parents=True)
    return Spec(row.name, FAKES[row.name](fake, root))


@pytest.fixture
def dataset(row: Row, condition: tuple[str, int] | None, fake_data: Any, tmp_path: Path) -> Dataset:
    """The fake of a row, opened as users do, or a condition of it."""
    opened = load_dataset(str(spec_of(row, fake_data, tmp_path / "root")))
    return opened.view(*condition) if condition else opened


def test_every_row_has_a_fake() -> None:
    """No row escapes these tests, and no fake outlives its row."""
    assert {row.name for row in DATASETS.builtin} == set(FAKES)


@rows
def test_parameters_are_the_signature(row: Row) -> None:
    """Names and defaults of the row are those of the code."""
    signature = inspect.signature(row.load()).parameters

    promised = {parameter.name: parameter.default for parameter in row.parameters}

    assert promised == {
        name: REQUIRED if parameter.default is inspect.Parameter.empty else normalised(parameter.default)
        for name, parameter in signature.items()
    }


@sets
def test_batches(dataset: Dataset) -> None:
    """Images are N×3×H×W uint8 with labels, ids, positions and extras of the same N."""
    batch = dataset.batch(0, 5, SMALL)

    assert ((5, 3, 6, 6), torch.uint8) == (batch.images.shape, batch.images.dtype)
    assert batch.images.is_contiguous()
    assert torch.equal(dataset.labels[:5], batch.labels)
    assert dataset.ids[:5] == batch.ids
    assert [0, 1, 2, 3, 4] == batch.positions.tolist()
    for name, values in batch.extra.items():
        shape, dtype, highest = {
            "mask": ((5, 6, 6), torch.float32, 1),
            "texture": ((5,), torch.int64, len(dataset.classes) - 1),
        }[name]
        assert (shape, dtype) == (values.shape, values.dtype)
        assert 0 <= values.min() <= values.max() <= highest


@sets
def test_default_geometry(dataset: Dataset) -> None:
    """Without a word about geometry, the data set's own applies."""
    assert torch.equal(dataset.batch(0, 3, dataset.geometry).images, dataset.batch(0, 3).images)


@sets
def test_labels_and_ids(dataset: Dataset) -> None:
    """Labels are classes, ids are unique relative paths without extension."""
    assert torch.int64 == dataset.labels.dtype
    assert 0 <= dataset.labels.min() <= dataset.labels.max() < len(dataset.classes)
    assert len(dataset) == len(set(dataset.ids)) == len(dataset.labels)
    assert not any(name.startswith("/") or "\\" in name or Path(name).suffix for name in dataset.ids)
    assert dataset.label_space


@sets
def test_prefixes_are_balanced(dataset: Dataset) -> None:
    """Canonical order: after any number of samples no class is ahead of another that still has some."""
    total = torch.bincount(dataset.labels, minlength=len(dataset.classes))
    for n in range(1, len(dataset) + 1):
        seen = torch.bincount(dataset.labels[:n], minlength=len(dataset.classes))
        waiting = seen[seen < total]
        assert not len(waiting) or seen.max() - waiting.min() <= 1


@sets
def test_alone_as_in_a_batch(dataset: Dataset) -> None:
    """A sample decodes to the same pixels alone, in a batch and again."""
    together = dataset.batch(0, 6, SMALL)
    for position in range(6):
        alone = dataset.batch(position, position + 1, SMALL)
        assert torch.equal(together.images[position], alone.images[0])
        for name, values in together.extra.items():
            assert torch.equal(values[position], alone.extra[name][0])


@sets
def test_batches_are_owned(dataset: Dataset) -> None:
    """Writing into a batch changes no later one, and leaves the data set as it was."""
    for geometry in (None, SMALL):
        expected = dataset.batch(0, 3, geometry)
        kept = expected.images.clone()
        expected.images.fill_(1)
        assert torch.equal(kept, dataset.batch(0, 3, geometry).images)


@rows
def test_opens_alike_everywhere(row: Row, fake_data: Any, tmp_path: Path) -> None:
    """Ids, labels and digest depend neither on the root nor on the order in which files were made."""
    first = spec_of(row, fake_data, tmp_path / "first")
    datasets = [load_dataset(first), load_dataset(spec_of(row, fake_data, tmp_path / "a longer" / "second"))]

    assert 1 == len({(dataset.digest, dataset.ids, tuple(dataset.labels.tolist())) for dataset in datasets})
    assert 32 == len(datasets[0].digest)


@on_files
def test_a_changed_file_changes_the_digest(
    row: Row, fake_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content counts: the same spec over other bytes is other data."""
    before = load_dataset(spec_of(row, fake_data, tmp_path / "root"))
    shutil.rmtree(tmp_path / "root")
    pixels = fake_data.pixels

    monkeypatch.setattr(fake_data, "pixels", staticmethod(lambda name, *shape: pixels(f"other {name}", *shape)))
    after = load_dataset(spec_of(row, fake_data, tmp_path / "root"))

    assert before.ids == after.ids
    assert before.digest != after.digest


@pytest.mark.parametrize("row", STORED, ids=lambda row: row.name)
def test_conditions_are_the_set_in_other_pixels(row: Row, fake_data: Any, tmp_path: Path) -> None:
    """Ids, labels, classes, order and name are those of the set, with or without clean images; pixels are not."""
    spec = spec_of(row, fake_data, tmp_path / "root")
    dataset, alone = load_dataset(spec), load_dataset(Spec(row.name, {"path": spec.args["path"]}))
    fog = dataset.view("fog", 2)

    assert fog is dataset.view("fog", 2)
    assert (dataset.ids, dataset.classes, dataset.label_space) == (fog.ids, fog.classes, fog.label_space)
    assert torch.equal(dataset.labels, fog.labels)
    assert dataset.display == fog.display
    assert not torch.equal(dataset.batch(0, 5, SMALL).images, fog.batch(0, 5, SMALL).images)
    assert (dataset.ids, fog.digest) == (alone.ids, alone.view("fog", 2).digest)
    assert dataset.digest != fog.digest
    with pytest.raises(CaseError, match=rf"{row.name} holds corrupted images alone; .*{row.name}\(PATH, clean=PATH\)"):
        alone.batch(0, 1)


@pytest.mark.parametrize("row", [row for row in DATASETS.builtin if row not in STORED], ids=lambda row: row.name)
def test_other_sets_have_no_conditions(row: Row, fake_data: Any, tmp_path: Path) -> None:
    """The way to sets that have some is named."""
    with pytest.raises(CaseError, match=f"data set {row.name} holds no stored images such as fog 2; give --data"):
        load_dataset(spec_of(row, fake_data, tmp_path / "root")).view("fog", 2)


def test_ids_do_not_depend_on_the_extension(fake_data: Any, tmp_path: Path) -> None:
    """The same names with other endings are the same samples."""
    datasets = [
        load_dataset(Spec("folder", {"path": str(fake_data.folder(tmp_path / suffix[1:], {"cat": 3}, suffix=suffix))}))
        for suffix in (".png", ".JPEG")
    ]

    assert datasets[0].ids == datasets[1].ids
