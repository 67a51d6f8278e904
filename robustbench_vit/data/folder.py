"""`folder`: any set of pictures sorted into one folder a class."""

from collections.abc import Sequence
from pathlib import Path

from robustbench_vit.data.files import (
    FileDataset,
    existing_folder,
    labelled_pictures,
    pictures,
    subfolders,
    with_masks,
)
from robustbench_vit.errors import DataError


def folder(path: str, masks: str | None = None, classes: Sequence[str | int] | str | int | None = None) -> FileDataset:
    """Open ``<path>/<class>/**/<picture>``; ids are relative POSIX paths without extension.

    Args:
        path: Folder of the class folders.
        masks: Folder with the object mask of each picture under the same relative path; extensions may differ.
        classes: Class folders to read, one or a list in the order of their labels; None reads all, sorted by name.

    Raises:
        DataError: If a folder is missing or empty, an id comes twice, or a picture has no mask.
    """
    root = existing_folder(path, "class folders, e.g. cat/001.png")
    names = _class_folders(root) if classes is None else _chosen(root, classes)
    samples = labelled_pictures(root, {name: label for label, name in enumerate(names)})
    if masks is not None:
        samples = with_masks(samples, existing_folder(masks, "masks"))
    return FileDataset(name="folder", samples=samples, classes=names, label_space=f"folder-{len(names)}")


def _class_folders(root: Path) -> list[str]:
    names = subfolders(root)
    if not names:
        loose = len(pictures(root))
        raise DataError(
            f"{root} holds no class folders (and {loose} loose pictures); "
            "sort the pictures into one folder a class, e.g. cat/001.png"
        )
    return names


def _chosen(root: Path, classes: Sequence[str | int] | str | int) -> list[str]:
    names = [str(name) for name in ([classes] if isinstance(classes, str | int) else classes)]
    if not names or len(set(names)) != len(names):
        raise DataError(f"classes={names} must name at least one class folder, and none twice")
    missing = [name for name in names if not (root / name).is_dir()]
    if missing:
        raise DataError(
            f"no class folder {missing[0]!r} in {root}; there are {', '.join(subfolders(root)) or 'none'} "
            '(names made of digits need quotes: classes=["007"])'
        )
    return names
