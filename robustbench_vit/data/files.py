"""Data sets kept as picture files, with or without an object mask beside each picture."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from robustbench_vit.catalog import digest
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import IMAGENET, Geometry
from robustbench_vit.data.pictures import open_mask, open_rgb, to_tensor
from robustbench_vit.errors import DataError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of picture files, in lower case; other files are left alone."""

_EDGE = 4096
_CHUNK = 4096


@dataclass(frozen=True)
class Sample:
    """One picture of a data set.

    Args:
        id: Sample id.
        file: The picture.
        label: Class index.
        mask: Picture of the object's mask, or None.
    """

    id: str
    file: Path
    label: int
    mask: Path | None = None


class FileDataset(Dataset):
    """Pictures decoded from files by `workers` threads.

    The digest takes in ids, labels, sizes of files and the first and last 4 KiB of each, in order of ids: it is the
    same under every root and order of listing, and no gigabytes are read. A file changed in its middle alone, at the
    same length, goes unnoticed.

    Args:
        name: Catalogue name.
        samples: The pictures; either all have a mask or none has.
        classes: K class names.
        label_space: Name of the label space.
        geometry: Geometry used when a case asks for none.

    Raises:
        DataError: If a file cannot be read, an id comes twice, or there are no samples.
    """

    def __init__(
        self,
        *,
        name: str,
        samples: Sequence[Sample],
        classes: Sequence[str],
        label_space: str,
        geometry: Geometry = IMAGENET,
    ) -> None:
        _check_ids(samples)
        super().__init__(
            name=name,
            digest=digest(_digested(samples)),
            ids=[sample.id for sample in samples],
            labels=[sample.label for sample in samples],
            classes=classes,
            label_space=label_space,
            geometry=geometry,
        )
        self._samples = samples
        self._sizes: dict[Geometry, tuple[int, ...]] = {}

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Decode the files; see `Dataset.decode`.

        Raises:
            DataError: If a file cannot be decoded, a mask does not fit its picture, or pictures differ in size.
        """
        samples = [self._samples[index] for index in indices]
        with ThreadPoolExecutor(self.workers) as pool:
            decoded = list(pool.map(lambda sample: _decode(sample, geometry), samples))
        if not geometry.fixes_size:
            for sample, (image, _) in zip(samples, decoded, strict=True):
                self._check_size(sample, tuple(image.shape[1:]), geometry)
        masks = [mask for _, mask in decoded if mask is not None]
        return torch.stack([image for image, _ in decoded]), {"mask": torch.stack(masks)} if masks else {}

    def _check_size(self, sample: Sample, size: tuple[int, ...], geometry: Geometry) -> None:
        """All pictures must have the size of the canonical order's first, so that batches agree with one another."""
        first = self._samples[self.order[0]]
        if geometry not in self._sizes:
            self._sizes[geometry] = tuple(_decode(first, geometry)[0].shape[1:])
        expected = self._sizes[geometry]
        if size != expected:
            raise DataError(
                f"pictures differ in size under geometry {geometry}: {first.file} is {_by(expected)}, {sample.file} is "
                f"{_by(size)} (height×width); give all one size, e.g. with --geometry 'geometry(resize=256, crop=224)'"
            )


def existing_folder(path: str, what: str) -> Path:
    """The folder of a path given by the user.

    Raises:
        DataError: If there is no such folder.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        problem = "is a file" if folder.is_file() else "does not exist"
        raise DataError(f"{folder} {problem}; expected a folder of {what}")
    return folder


def subfolders(root: Path) -> list[str]:
    """Names of the folders directly in a folder, sorted; hidden ones are left out."""
    return sorted(child.name for child in root.iterdir() if child.is_dir() and not child.name.startswith("."))


def class_labels(
    root: Path, classes: Sequence[str], of: str, *, otherwise: str = "open other classes with folder(…)", sort: str = ""
) -> dict[str, int]:
    """Class index of each class folder that is there.

    Args:
        root: Folder of the class folders.
        classes: Names that they may have, in the order of their labels.
        of: What they are the classes of.
        otherwise: What to do with other classes.
        sort: What to do if there are no folders at all.

    Raises:
        DataError: If there is none, or one is no class.
    """
    label = {name: index for index, name in enumerate(classes)}
    found, such = subfolders(root), f"such as {classes[0]} and {classes[-1]}"
    unknown = [name for name in found if name not in label]
    if unknown:
        raise DataError(
            f"folder {root / unknown[0]} is no class of {of}; expected names {such}. Move it elsewhere, or {otherwise}"
        )
    if not found:
        loose = len(pictures(root))
        raise DataError(
            f"{root} holds no class folders (and {loose} loose pictures); {sort or f'expected some {such}'}"
        )
    return {name: label[name] for name in found}


def pictures(root: Path) -> dict[str, Path]:
    """All pictures under a folder by their relative POSIX path without extension, sorted.

    Raises:
        DataError: If two pictures differ in their extension only.
    """
    found: dict[str, Path] = {}
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for file in (Path(folder, name) for name in names):
            if file.suffix.lower() in SUFFIXES and not file.name.startswith("."):
                key = file.relative_to(root).with_suffix("").as_posix()
                if key in found:
                    raise DataError(_twice(key, found[key], file))
                found[key] = file
    return dict(sorted(found.items()))


def labelled_pictures(root: Path, labels: Mapping[str, int]) -> list[Sample]:
    """The pictures of class folders; ids are relative POSIX paths without extension.

    Args:
        root: Folder of the class folders.
        labels: Class index of each class folder to read.

    Raises:
        DataError: If a class folder holds no pictures, or two pictures of it differ in their extension only.
    """
    samples = []
    for name, label in labels.items():
        found = pictures(root / name)
        if not found:
            known = ", ".join(sorted(SUFFIXES))
            raise DataError(f"class folder {root / name} holds no pictures ({known}); fill it or remove it")
        samples += [Sample(f"{name}/{key}", file, label) for key, file in found.items()]
    return samples


def with_masks(samples: Sequence[Sample], root: Path) -> list[Sample]:
    """Give each sample the mask of the same relative path under another folder; extensions may differ.

    Raises:
        DataError: If a sample has no mask.
    """
    found = pictures(root)
    missing = [sample for sample in samples if sample.id not in found]
    if missing:
        raise DataError(
            f"no mask for {missing[0].file}: expected {root / missing[0].id}.png (or another ending); "
            f"{len(missing)} of {len(samples)} masks are missing"
        )
    return [replace(sample, mask=found[sample.id]) for sample in samples]


def _decode(sample: Sample, geometry: Geometry) -> tuple[Tensor, Tensor | None]:
    """3×H×W uint8, and the H×W float mask if the sample has one."""
    picture = open_rgb(sample.file)
    image = to_tensor(geometry.apply(picture))
    if sample.mask is None:
        return image, None
    mask = open_mask(sample.mask)
    if mask.size != picture.size:
        raise DataError(
            f"mask {sample.mask} is {_by(mask.size[::-1])}, but its picture {sample.file} is "
            f"{_by(picture.size[::-1])} (height×width); a mask needs the size of the stored picture"
        )
    return image, torch.from_numpy(np.array(geometry.apply_mask(mask), dtype=np.float32) / 255)


def _by(size: Sequence[int]) -> str:
    return "×".join(map(str, size))


def _check_ids(samples: Sequence[Sample]) -> None:
    """Name both files of an id that comes twice."""
    seen: dict[str, Path] = {}
    for sample in samples:
        if sample.id in seen:
            raise DataError(_twice(sample.id, seen[sample.id], sample.file))
        seen[sample.id] = sample.file


def _twice(name: str, first: Path, second: Path) -> str:
    return f"sample id {name!r} comes twice: {first} and {second}; rename or remove one of them"


def _digested(samples: Sequence[Sample]) -> Iterator[bytes]:
    """What the digest takes in, in order of ids; threads hide the latency of network disks."""
    ordered = sorted(samples, key=lambda sample: sample.id)
    with ThreadPoolExecutor(8) as pool:
        for start in range(0, len(ordered), _CHUNK):  # a future a file would need gigabytes for all of ImageNet
            chunk = ordered[start : start + _CHUNK]
            for sample, content in zip(chunk, pool.map(_content, chunk), strict=True):
                yield from (sample.id.encode(), str(sample.label).encode(), content)


def _content(sample: Sample) -> bytes:
    return b"".join(_ends(file) for file in (sample.file, sample.mask) if file is not None)


def _ends(file: Path) -> bytes:
    """Size, first and last 4 KiB of a file."""
    try:
        size = file.stat().st_size
        with file.open("rb", buffering=0) as stream:
            head = stream.read(_EDGE)
            stream.seek(max(0, size - _EDGE))
            return size.to_bytes(8, "little") + head + stream.read(_EDGE)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; replace the file or remove it") from error
