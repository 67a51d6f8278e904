"""`imagenet_c` and `tiny_imagenet_c`: the published pictures, nested in groups of corruptions or flat."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from robustbench_vit.data.files import FileDataset, Sample, existing_folder, labelled_pictures, pictures, subfolders
from robustbench_vit.data.geometry import NONE
from robustbench_vit.data.imagenet import imagenet, labels, sample_id
from robustbench_vit.data.stored import listed
from robustbench_vit.data.stored_pictures import StoredPictures, listed_pictures, reference
from robustbench_vit.errors import DataError
from robustbench_vit.labels import imagenet_classes

_EXPECTED = "corruptions, e.g. weather/fog/1/{0} or fog/1/{0}"
_TINY_CLASSES = 200
_ANNOTATIONS = "val_annotations.txt"


def imagenet_c(path: str, clean: str | None = None) -> StoredPictures:
    """Open ``<path>/[<group>/]<corruption>/<severity>/<wnid>/*.JPEG``, with the labels of ImageNet-1k.

    Ids are those of `imagenet`. The stored pictures, 224×224, are evaluated as they are.

    Args:
        path: Folder of the corruptions, or of the groups noise, blur, weather, digital and extra.
        clean: Path of `imagenet`, for the uncorrupted images (resize 256, crop 224, as the set was made).

    Raises:
        DataError: If there are no corruptions, a folder is no class, or the uncorrupted images do not fit.

    Source: Hendrycks & Dietterich, "Benchmarking Neural Network Robustness", ICLR 2019; Zenodo record 2235448.
    """
    root = existing_folder(path, _EXPECTED.format("n01440764"))
    first = reference(root)
    samples = labelled_pictures(first, labels(first))
    contents, places = listed_pictures("imagenet_c", samples, imagenet_classes()[1], "imagenet-1k", sample_id)
    return StoredPictures(root, contents, places, None if clean is None else imagenet(clean))


def tiny_imagenet_c(path: str, clean: str | None = None) -> StoredPictures:
    """Open ``<path>/<corruption>/<severity>/<wnid>/*.JPEG``, 64×64 pictures of 200 classes in the order of their wnids.

    Ids are ``<wnid>/<stem>``.

    Args:
        path: Folder of the corruptions.
        clean: Folder ``val`` of Tiny-ImageNet, as published (``images`` and ``val_annotations.txt``) or sorted into
            class folders.

    Raises:
        DataError: If there are no corruptions, not all 200 classes, or the uncorrupted images do not fit.

    Source: Hendrycks & Dietterich, "Benchmarking Neural Network Robustness", ICLR 2019; Zenodo record 2536630.
    """
    root = existing_folder(path, _EXPECTED.format("n01443537"))
    first = reference(root)
    wnids = subfolders(first)
    if len(wnids) != _TINY_CLASSES:
        raise DataError(
            f"{first} holds {len(wnids)} class folders, but Tiny-ImageNet has {_TINY_CLASSES}, and labels depend on "
            "all of them; unpack the set again, or open a part of it with folder_c(…)"
        )
    samples = labelled_pictures(first, {wnid: label for label, wnid in enumerate(wnids)})
    contents, places = listed_pictures("tiny_imagenet_c", samples, wnids, "tiny-imagenet-200", _tiny_id)
    return StoredPictures(root, contents, places, None if clean is None else _tiny_clean(clean, wnids))


def _tiny_id(place: str) -> str:
    parts = PurePosixPath(place).parts
    return f"{parts[0]}/{parts[-1]}"


def _tiny_clean(path: str, wnids: Sequence[str]) -> FileDataset:
    root = existing_folder(path, f"Tiny-ImageNet's val: images and {_ANNOTATIONS}, or class folders")
    samples = _annotated(root, wnids) if (root / _ANNOTATIONS).exists() else _sorted(root, wnids)
    return FileDataset(
        name="tiny_imagenet", samples=samples, classes=wnids, label_space="tiny-imagenet-200", geometry=NONE
    )


def _sorted(root: Path, wnids: Sequence[str]) -> list[Sample]:
    missing = sorted(set(wnids) - set(subfolders(root)))
    if missing:
        raise DataError(f"{root} lacks the class folders {listed(missing, 3)}, and has no {_ANNOTATIONS} either")
    samples = labelled_pictures(root, {wnid: label for label, wnid in enumerate(wnids)})
    return [Sample(_tiny_id(sample.id), sample.file, sample.label) for sample in samples]


def _annotated(root: Path, wnids: Sequence[str]) -> list[Sample]:
    """The published layout: all pictures in one folder, a line for each in the annotations (file, wnid, box)."""
    label = {wnid: index for index, wnid in enumerate(wnids)}
    files = pictures(root / "images")
    samples = []
    for line in (root / _ANNOTATIONS).read_text(encoding="utf-8").splitlines():
        name, wnid, *_ = [*line.split("\t"), ""]
        stem = PurePosixPath(name).stem
        if stem not in files or wnid not in label:
            raise DataError(f"{root / _ANNOTATIONS}: {name!r} is no picture in images, or {wnid!r} no class of the set")
        samples.append(Sample(f"{wnid}/{stem}", files[stem], label[wnid]))
    return samples
