"""`imagenet`: ImageNet-1k pictures in folders named by WordNet id, all classes or some."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from robustbench_vit.data.files import (
    FileDataset,
    existing_folder,
    labelled_pictures,
    pictures,
    subfolders,
    with_masks,
)
from robustbench_vit.errors import DataError

_OFFICIAL = re.compile(r"ILSVRC2012_(val|test)_\d{8}|n\d{8}_\d+")


def imagenet(path: str, masks: str | None = None) -> FileDataset:
    """Open ``<path>/<wnid>/*.JPEG`` or ``<path>/val/<wnid>/*.JPEG``, with the labels of ImageNet-1k.

    The official names (``ILSVRC2012_val_00000001``, ``n01440764_190``) are unique, so their stems are ids; any other
    picture's id is ``<wnid>/<stem>``, because names of one's own may recur (``crane`` is a bird and a machine).

    Args:
        path: Folder of the class folders, which may be any subset of the 1000.
        masks: Folder with the object mask of each picture under the same relative path; extensions may differ.

    Raises:
        DataError: If a folder is missing, empty or no class, an id comes twice, or a picture has no mask.

    Source: Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015. The order of the
    classes is that of timm's list of synsets, which is that of all pretrained networks.
    """
    root = _images(existing_folder(path, "class folders such as n01440764"))
    wnids, names = classes()
    samples = labelled_pictures(root, labels(root, wnids))
    if masks is not None:
        samples = with_masks(samples, _images(existing_folder(masks, "masks")))
    return FileDataset(
        name="imagenet",
        samples=[replace(sample, id=sample_id(sample.id)) for sample in samples],
        classes=names,
        label_space="imagenet-1k",
    )


def sample_id(place: str) -> str:
    """The id of a picture ``<wnid>/…/<stem>``: its stem if that is an official name, else the whole path."""
    stem = PurePosixPath(place).name
    return stem if _OFFICIAL.fullmatch(stem) else place


def _images(folder: Path) -> Path:
    inner = folder / "val"
    return inner if inner.is_dir() else folder


def classes() -> tuple[Sequence[str], Sequence[str]]:
    """WordNet ids and descriptions of the 1000 classes, in the order of their labels."""
    from timm.data.imagenet_info import ImageNetInfo  # importing timm takes seconds

    info: Any = ImageNetInfo()
    return info.label_names(), info.label_descriptions()


def labels(root: Path, wnids: Sequence[str]) -> dict[str, int]:
    """Class index of each folder that is there.

    Raises:
        DataError: If there is none, or one is no class.
    """
    label = {wnid: index for index, wnid in enumerate(wnids)}
    found = subfolders(root)
    unknown = [name for name in found if name not in label]
    if unknown:
        raise DataError(
            f"folder {root / unknown[0]} is no class of ImageNet-1k; expected WordNet ids such as n01440764. "
            "Move it elsewhere, or open other classes with folder(…)"
        )
    if not found:
        raise DataError(
            f"{root} holds no class folders (and {len(pictures(root))} loose pictures); sort validation pictures into "
            "folders named by WordNet id, as torchvision.datasets.imagenet.parse_val_archive(ROOT) does with the "
            "archives ILSVRC2012_img_val.tar and ILSVRC2012_devkit_t12.tar.gz in ROOT"
        )
    return {name: label[name] for name in found}
