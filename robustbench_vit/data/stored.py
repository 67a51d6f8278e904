"""Stored sets: images that were corrupted once and kept, a data set for each condition (corruption, severity)."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.catalog import digest
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.pictures import with_geometry
from robustbench_vit.errors import CaseError, DataError
from robustbench_vit.spec import format_value

Severity: TypeAlias = int | Fraction
"""Place on a corruption's axis: 1 to 5 in the published sets."""

CLEAN = "clean"
"""Folder or array of the uncorrupted images; the name of no corruption."""

_SHOWN = 3


@dataclass(frozen=True)
class Contents:
    """What all conditions of a stored set share.

    Args:
        name: Catalogue name.
        ids: N sample ids.
        labels: N class indices.
        classes: K class names.
        label_space: Name of the label space.
    """

    name: str
    ids: Sequence[str]
    labels: NDArray[np.int64]
    classes: Sequence[str]
    label_space: str

    def identity(self) -> Iterable[bytes]:
        """What a digest takes in."""
        return [self.name.encode(), *(name.encode() for name in self.ids), self.labels.tobytes()]


class StoredDataset(Dataset):
    """Samples whose conditions are data sets of their own: `view` gives one, with the same ids, labels and order.

    Stored images are evaluated as they are. The set itself is the uncorrupted images, where they are known: under the
    geometry the set was made with, so that clean and corrupted images have the same size and stand in one table.

    Args:
        contents: What all conditions share.
        severities: Severities by corruption.
        clean: The uncorrupted images, in its own geometry that with which the set was made; None if unknown.

    Raises:
        DataError: If stored samples are missing from the uncorrupted ones, or labels differ.
    """

    def __init__(
        self, contents: Contents, severities: Mapping[str, Iterable[Severity]], clean: Dataset | None = None
    ) -> None:
        self._clean, self._rows = clean, [] if clean is None else _rows(contents, clean)
        known = [] if clean is None else [clean.digest.encode(), str(clean.geometry).encode()]
        super().__init__(digest=digest([*contents.identity(), *known]), **vars(contents))
        self.contents = contents
        self.severities = {corruption: tuple(sorted(levels)) for corruption, levels in sorted(severities.items())}
        self._views: dict[tuple[str, Severity], Dataset] = {}

    def view(self, corruption: str, severity: Severity) -> Dataset:
        """The images of one condition; see `Dataset.view`.

        Raises:
            CaseError: If the set does not hold it.
            DataError: If its files are not what was promised.
        """
        self._check(corruption, severity)
        if (corruption, severity) not in self._views:
            view = self.open(corruption, severity)
            view.display, view.workers = self.display, self.workers
            self._views[corruption, severity] = view
        return self._views[corruption, severity]

    @abstractmethod
    def open(self, corruption: str, severity: Severity) -> Dataset:
        """The images of a condition that is there, as they are stored."""

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Decode uncorrupted images; see `Dataset.decode`.

        Raises:
            CaseError: If there are none.
        """
        if self._clean is None:
            raise CaseError(
                f"{self.name} holds corrupted images alone; for clean ones say where they are: "
                f"--data '{self.name}(PATH, clean=PATH)'"
            )
        self._clean.workers = self.workers
        images, extra = self._clean.decode([self._rows[index] for index in indices], self._clean.geometry)
        return with_geometry(images, extra, geometry)

    def _check(self, corruption: str, severity: Severity) -> None:
        if corruption not in self.severities:
            raise CaseError(
                f"{self.name} holds no corruption {corruption!r}; it holds {listed(self.severities) or 'none'}"
            )
        if severity not in self.severities[corruption]:
            there = listed(map(format_value, self.severities[corruption]))
            raise CaseError(
                f"{self.name} holds no severity {format_value(severity)} of {corruption}; it holds {there or 'none'}"
            )


def read_severity(text: str) -> Severity | None:
    """The number that a severity is written as in the name of a folder; None if it is no number."""
    try:
        number = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
    return int(number) if number.denominator == 1 else number


def listed(names: Iterable[str], shown: int = 30) -> str:
    """Names in a sentence, the rest counted."""
    names = list(names)
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def _rows(contents: Contents, clean: Dataset) -> list[int]:
    """Where each stored sample is among the uncorrupted ones, in the order these are decoded by."""
    place = {name: position for position, name in enumerate(clean.ids)}
    missing = [name for name in contents.ids if name not in place]
    if missing:
        raise DataError(
            f"clean images of {contents.name}: {len(missing)} of {len(contents.ids)} stored samples are not among the "
            f"{len(clean)} of {clean.display}, such as {listed(missing, _SHOWN)} (there: "
            f"{listed(clean.ids, _SHOWN)}); give the images that this set was made from"
        )
    positions = [place[name] for name in contents.ids]
    other = np.flatnonzero(clean.labels.numpy()[positions] != contents.labels)
    if len(other):
        first = int(other[0])
        raise DataError(
            f"clean images of {contents.name}: {len(other)} labels differ from the stored ones, first that of "
            f"{contents.ids[first]!r}: {int(clean.labels[positions[first]])} clean, {contents.labels[first]} stored; "
            "give the images that this set was made from"
        )
    return [int(clean.order[position]) for position in positions]
