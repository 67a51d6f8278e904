"""Stored sets of picture files, as ImageNet-C is published: ``[<group>/]<corruption>/<severity>/<class>/<picture>``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.files import FileDataset, Sample, pictures, subfolders
from robustbench_vit.data.geometry import NONE
from robustbench_vit.data.stored import CLEAN, Contents, Severity, StoredDataset, listed, read_severity
from robustbench_vit.errors import DataError

Folders = Mapping[str, Mapping[Severity, Path]]
"""Folder of each condition, by corruption and severity."""

_SHOWN = 3


class StoredPictures(StoredDataset):
    """One folder a condition; all conditions hold the same pictures, whatever their endings.

    Args:
        root: Folder of the corruptions.
        contents: What all conditions share.
        places: N relative POSIX paths without extension, one a sample.
        clean: The uncorrupted images; None takes those in ``<root>/clean``, if there are any.

    Raises:
        DataError: If there are no corruptions, or the uncorrupted images do not fit.
    """

    def __init__(self, root: Path, contents: Contents, places: Sequence[str], clean: Dataset | None = None) -> None:
        if clean is None and (root / CLEAN).is_dir():
            clean = opened(contents, root / CLEAN, _files(root / CLEAN, places))
        self._places, self._folders = places, condition_folders(root)
        super().__init__(contents, self._folders, clean)
        self._files: list[str] = []

    def open(self, corruption: str, severity: Severity) -> Dataset:
        """List the pictures of one condition; see `StoredDataset.open`.

        Raises:
            DataError: If it lacks pictures, or holds some that no sample has.
        """
        folder = self._folders[corruption][severity]
        files = _files(folder, self._places)
        # As a rule all endings are alike, and a list for each condition of ImageNet-C would take gigabytes.
        self._files = self._files if self._files == files else files
        return opened(self.contents, folder, self._files)


def listed_pictures(
    name: str,
    samples: Sequence[Sample],
    classes: Sequence[str],
    label_space: str,
    sample_id: Callable[[str], str] = str,
) -> tuple[Contents, list[str]]:
    """Contents and places of a set whose samples are those of its `reference` condition.

    Args:
        name: Catalogue name.
        samples: Its pictures, with their places as ids.
        classes: K class names.
        label_space: Name of the label space.
        sample_id: From place to sample id.
    """
    labels = np.array([sample.label for sample in samples], np.int64)
    where = [sample.id for sample in samples]
    return Contents(name, [sample_id(place) for place in where], labels, classes, label_space), where


def opened(contents: Contents, folder: Path, files: Sequence[str]) -> FileDataset:
    """The pictures of one folder as they are; ``files`` are relative paths, one a sample."""
    return FileDataset(
        name=contents.name,
        samples=_Samples(contents, folder, files),
        classes=contents.classes,
        label_space=contents.label_space,
        geometry=NONE,
    )


def condition_folders(root: Path) -> dict[str, dict[Severity, Path]]:
    """Find the conditions below a folder, directly or grouped (noise, blur, weather, digital, extra).

    A corruption is a folder that holds folders named by numbers.

    Raises:
        DataError: If there is none, or a corruption comes twice.
    """
    found: dict[str, dict[Severity, Path]] = {}
    for folder in _corruptions(root):
        if folder.name in found:
            first = next(iter(found[folder.name].values())).parent
            raise DataError(f"corruption {folder.name} comes twice: {first} and {folder}; remove one of them")
        found[folder.name] = _severities(folder)
    if not found:
        raise DataError(
            f"{root} holds no corruptions, only {listed(subfolders(root)) or 'nothing'}; expected folders such as "
            "fog/1/<class>/<picture>, or weather/fog/1/<class>/<picture>"
        )
    return dict(sorted(found.items()))


def reference(root: Path) -> Path:
    """The condition that says which samples a set has: the first corruption's lowest severity.

    Raises:
        DataError: If there is none.
    """
    severities = next(iter(condition_folders(root).values()))
    return severities[min(severities)]


def _corruptions(root: Path) -> Iterator[Path]:
    for name in subfolders(root):
        if name == CLEAN:
            continue
        if _severities(root / name):
            yield root / name
        else:
            yield from (root / name / inner for inner in subfolders(root / name) if _severities(root / name / inner))


def _severities(folder: Path) -> dict[Severity, Path]:
    numbers = {read_severity(name): folder / name for name in subfolders(folder)}
    return {number: path for number, path in numbers.items() if number is not None}


def _files(folder: Path, places: Sequence[str]) -> list[str]:
    """Relative path of each sample's picture."""
    found = pictures(folder)
    missing = [place for place in places if place not in found]
    if missing:
        raise DataError(
            f"{folder} lacks {len(missing)} of {len(places)} pictures, such as {listed(missing, _SHOWN)}; unpack this "
            "condition again (or, if you made the set, run the same `make corrupted` command again)"
        )
    if len(found) > len(places):
        known = set(places)
        extra = [place for place in found if place not in known]
        raise DataError(
            f"{folder} holds {len(extra)} pictures that belong to no sample of the set, such as "
            f"{listed(extra, _SHOWN)}; the set's samples are those of its first corruption's lowest severity (or "
            "of ids.txt), which may be incomplete: unpack that again, or remove these pictures"
        )
    return [place + found[place].suffix for place in places]


class _Samples(Sequence[Sample]):
    """The samples of one condition; paths are put together when asked for, because ImageNet-C has millions."""

    def __init__(self, contents: Contents, folder: Path, files: Sequence[str]) -> None:
        self.contents, self.folder, self.files = contents, folder, files

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return Sample(self.contents.ids[index], self.folder / self.files[index], int(self.contents.labels[index]))
