"""`imagenet`: ImageNet-1k pictures in folders named by WordNet id, all classes or some."""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from robustbench_vit.data.files import FileDataset, class_labels, existing_folder, labelled_pictures, with_masks
from robustbench_vit.data.geometry import IMAGENET, Geometry
from robustbench_vit.labels import imagenet_classes

_OFFICIAL = re.compile(r"ILSVRC2012_(val|test)_\d{8}|n\d{8}_\d+")

_SORT = (
    "sort validation pictures into folders named by WordNet id, as "
    "torchvision.datasets.imagenet.parse_val_archive(ROOT) does with the archives ILSVRC2012_img_val.tar and "
    "ILSVRC2012_devkit_t12.tar.gz in ROOT"
)


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
    return by_wnid("imagenet", path, masks)


def by_wnid(name: str, path: str, masks: str | None = None, geometry: Geometry = IMAGENET) -> FileDataset:
    """Pictures in folders named by WordNet id, with the labels of ImageNet-1k; see `imagenet`."""
    root = _images(existing_folder(path, "class folders such as n01440764"))
    samples = labelled_pictures(root, labels(root))
    if masks is not None:
        samples = with_masks(samples, _images(existing_folder(masks, "masks")))
    return FileDataset(
        name=name,
        samples=[replace(sample, id=sample_id(sample.id)) for sample in samples],
        classes=imagenet_classes()[1],
        label_space="imagenet-1k",
        geometry=geometry,
    )


def sample_id(place: str) -> str:
    """The id of a picture ``<wnid>/…/<stem>``: its stem if that is an official name, else the whole path."""
    stem = PurePosixPath(place).name
    return stem if _OFFICIAL.fullmatch(stem) else place


def _images(folder: Path) -> Path:
    inner = folder / "val"
    return inner if inner.is_dir() else folder


def labels(root: Path) -> dict[str, int]:
    """Class index of each folder that is there.

    Raises:
        DataError: If there is none, or one is no class.
    """
    return class_labels(root, imagenet_classes()[0], "ImageNet-1k", sort=_SORT)
