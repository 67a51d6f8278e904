"""`cifar10_c` and `cifar100_c`: the published arrays of corrupted CIFAR test images, memory-mapped."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustbench_vit.data.cifar import cifar10, cifar100
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.files import existing_folder
from robustbench_vit.data.manifest import LABELS, Manifest, made_contents, read_manifest
from robustbench_vit.data.stored import CLEAN, Contents, Severity
from robustbench_vit.data.stored_arrays import ArrayRows, StoredArrays, load, mapped
from robustbench_vit.errors import DataError

SEVERITIES = (1, 2, 3, 4, 5)
"""Severities of the published arrays, in the order in which they are stacked."""

_SIZE = (32, 32)
_CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
_CIFAR100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""


def cifar10_c(path: str, clean: str | None = None) -> StoredArrays:
    """Open CIFAR-10-C: ``<path>/<corruption>.npy`` and ``<path>/labels.npy``.

    Ids are those of `cifar10`: ``test/00017`` at every severity.

    Args:
        path: Folder that holds ``CIFAR-10-C``, or that folder itself.
        clean: Path of `cifar10`, for the uncorrupted images.

    Raises:
        DataError: If labels are missing (the message says how to get them), damaged, or differ between severities.

    Source: Hendrycks & Dietterich, "Benchmarking Neural Network Robustness", ICLR 2019; Zenodo record 2535967.
    """
    folder = _find(path, "CIFAR-10-C", "2535967")
    return _open("cifar10_c", folder, _CIFAR10, "cifar-10", None if clean is None else cifar10(clean))


def cifar100_c(path: str, clean: str | None = None) -> StoredArrays:
    """Open CIFAR-100-C with its 100 fine labels: ``<path>/<corruption>.npy`` and ``<path>/labels.npy``.

    Ids are those of `cifar100`: ``test/00017`` at every severity.

    Args:
        path: Folder that holds ``CIFAR-100-C``, or that folder itself.
        clean: Path of `cifar100`, for the uncorrupted images.

    Raises:
        DataError: If labels are missing (the message says how to get them), damaged, or differ between severities.

    Source: Hendrycks & Dietterich, "Benchmarking Neural Network Robustness", ICLR 2019; Zenodo record 3555552.
    """
    folder = _find(path, "CIFAR-100-C", "3555552")
    return _open("cifar100_c", folder, _CIFAR100, "cifar-100", None if clean is None else cifar100(clean))


def made_arrays(contents: Contents, folder: Path, manifest: Manifest, clean: Dataset | None) -> StoredArrays:
    """Arrays that `make corrupted` wrote, with the uncorrupted images beside them."""
    height, width = manifest.size
    if clean is None and manifest.clean:
        clean = ArrayRows(contents, mapped(folder / f"{CLEAN}.npy", manifest.n, (height, width)))
    return StoredArrays(contents, folder, manifest.severities, clean, (height, width))


def _open(name: str, folder: Path, classes: str, label_space: str, clean: Dataset | None) -> StoredArrays:
    manifest = read_manifest(folder)
    if manifest is not None:
        if manifest.label_space != label_space:
            raise DataError(
                f"{folder} was made from {manifest.data} ({manifest.label_space}); open it with folder_c(…)"
            )
        return made_arrays(made_contents(name, folder, manifest), folder, manifest, clean)
    labels = _labels(folder / LABELS)
    contents = Contents(
        name, [f"test/{index:05d}" for index in range(len(labels))], labels, classes.split(), label_space
    )
    found = sorted(file.stem for file in folder.glob("*.npy"))
    severities: dict[str, tuple[Severity, ...]] = {
        corruption: SEVERITIES for corruption in found if corruption not in ("labels", CLEAN)
    }
    return StoredArrays(contents, folder, severities, clean, _SIZE)


def _find(path: str, name: str, record: str) -> Path:
    given = existing_folder(path, f"{name}: labels.npy and an array for each corruption")
    for folder in (given / name, given):
        if (folder / LABELS).exists():
            return folder
    raise DataError(
        f"no {LABELS} in {given / name} or {given}; fetch {name}.tar from Zenodo record {record} and unpack it in "
        f"{given}, so that {given / name} holds {LABELS} and arrays such as fog.npy"
    )


def _labels(file: Path) -> NDArray[np.int64]:
    """Labels of the images of one severity."""
    stacked = load(file)
    count = len(SEVERITIES)
    if stacked.ndim != 1 or not np.issubdtype(stacked.dtype, np.integer) or len(stacked) % count or not len(stacked):
        raise DataError(
            f"{file} holds {stacked.dtype} {stacked.shape}; expected integers (5·N,): the labels of N images, once for "
            "each of five severities"
        )
    by_severity: NDArray[np.int64] = stacked.reshape(count, -1).astype(np.int64)
    other = np.flatnonzero((by_severity != by_severity[0]).any(axis=1))
    if len(other):
        raise DataError(
            f"{file}: the labels of severity {other[0] + 1} differ from those of severity 1; expected the same labels "
            f"five times, {by_severity.shape[1]} each. Fetch the file again"
        )
    labels: NDArray[np.int64] = by_severity[0]
    return labels
