"""`folder_c`: any stored set in the published layout of pictures, and whatever `make corrupted` wrote."""

from collections.abc import Sequence
from pathlib import Path

from robustbench_vit.data.cifar_c import made_arrays
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.files import existing_folder, labelled_pictures, subfolders
from robustbench_vit.data.folder import folder
from robustbench_vit.data.geometry import NONE, Geometry
from robustbench_vit.data.manifest import Manifest, made_contents, places, read_manifest
from robustbench_vit.data.stored import StoredDataset
from robustbench_vit.data.stored_pictures import StoredPictures, listed_pictures, reference
from robustbench_vit.errors import DataError


def folder_c(path: str, clean: str | None = None) -> StoredDataset:
    """Open ``<path>/[<group>/]<corruption>/<severity>/<class>/**/<picture>``, or a set that `make corrupted` wrote.

    Ids are relative POSIX paths below the severity, without extension; those of a made set are the ids of the data it
    was made from. Clean images beside the corruptions, in ``<path>/clean``, are found by themselves.

    Args:
        path: Folder of the corruptions.
        clean: Path of `folder`, for the uncorrupted images; of a made set they take the geometry it was made with.

    Raises:
        DataError: If there are no corruptions or classes, or the uncorrupted images do not fit.
    """
    root = existing_folder(path, "corruptions, e.g. fog/1/cat/001.png")
    manifest = read_manifest(root)
    if manifest is not None:
        return _made(root, manifest, clean)
    first = reference(root)
    names = subfolders(first)
    if not names:
        raise DataError(f"{first} holds no class folders; expected pictures such as {first / 'cat' / '001.png'}")
    samples = labelled_pictures(first, {name: label for label, name in enumerate(names)})
    contents, where = listed_pictures("folder_c", samples, names, f"folder-{len(names)}")
    return StoredPictures(root, contents, where, _clean(clean, names, NONE))


def _made(root: Path, manifest: Manifest, clean: str | None) -> StoredDataset:
    contents = made_contents("folder_c", root, manifest)
    given = _clean(clean, manifest.folders, Geometry.parse(manifest.geometry))
    if manifest.format == "npy":
        return made_arrays(contents, root, manifest, given)
    return StoredPictures(root, contents, places(contents, manifest.folders), given)


def _clean(path: str | None, names: Sequence[str], geometry: Geometry) -> Dataset | None:
    """The uncorrupted pictures, under the geometry with which the set was made."""
    if path is None:
        return None
    dataset = folder(path, classes=tuple(names))
    dataset.geometry = geometry
    return dataset
