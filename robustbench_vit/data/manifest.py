"""The description that `robustbench-vit make corrupted` writes beside the images, so that they read back as they were.

::

    OUT/manifest.json     a `Manifest`
    OUT/ids.txt           N sample ids, one a line
    OUT/labels.npy        N labels; in the npy format repeated for each severity, as CIFAR-10-C has them
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from robustbench_vit.data.stored import Contents, Severity, read_severity
from robustbench_vit.data.stored_arrays import load
from robustbench_vit.errors import DataError

Format = Literal["png", "jpeg85", "npy"]

MANIFEST, IDS, LABELS = "manifest.json", "ids.txt", "labels.npy"


@dataclass(frozen=True)
class Manifest:
    """What a made set holds, and how it was made.

    Args:
        data: Display form of the data set it was made from.
        digest: Digest of that data set.
        n: Number of samples.
        label_space: Name of the label space.
        classes: K class names.
        folders: K names of class folders.
        geometry: Geometry the images were given before they were perturbed.
        size: Height and width of the images.
        format: ``png``, ``jpeg85`` or ``npy``.
        clean: Whether the unperturbed images are there.
        conditions: Canonical perturbation by corruption and severity, severities in increasing order.
        seed: Seed of all draws.
        device: ``cpu`` or ``cuda``: bits may differ between them.
        versions: Versions of perturbations and packages.
    """

    data: str
    digest: str
    n: int
    label_space: str
    classes: Sequence[str]
    folders: Sequence[str]
    geometry: str
    size: Sequence[int]
    format: Format
    clean: bool
    conditions: Mapping[str, Mapping[str, str]]
    seed: int
    device: str
    versions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, equal to what `read_manifest` reads back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @property
    def severities(self) -> dict[str, list[Severity]]:
        """Severities by corruption."""
        read = {corruption: map(read_severity, levels) for corruption, levels in self.conditions.items()}
        return {corruption: [level for level in levels if level is not None] for corruption, levels in read.items()}


def read_manifest(root: Path) -> Manifest | None:
    """The manifest of a set made by this package; None if the folder has none.

    Raises:
        DataError: If it cannot be read.
    """
    file = root / MANIFEST
    if not file.exists():
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {file}: {error}; remove it, or make the set again") from error
    names = {field.name for field in fields(Manifest)}
    # Other people's sets may have a manifest of their own.
    return Manifest(**values) if isinstance(values, dict) and set(values) == names else None


def made_contents(name: str, root: Path, manifest: Manifest) -> Contents:
    """Ids, labels and classes of a made set.

    Raises:
        DataError: If they are missing or contradict the manifest.
    """
    file = root / IDS
    try:
        ids = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; make the set again") from error
    labels = load(root / LABELS).astype(np.int64)
    if len(ids) != manifest.n or len(labels) % manifest.n:
        raise DataError(
            f"{root} holds {len(ids)} ids and {len(labels)} labels, but its manifest speaks of {manifest.n} samples; "
            "make the set again"
        )
    return Contents(name, ids, labels[: manifest.n], manifest.classes, manifest.label_space)


def places(contents: Contents, folders: Sequence[str]) -> list[str]:
    """Relative path without extension of each sample's picture: its id, below its class folder.

    An id that begins with the class folder is the path itself, so that ids of `folder` and `imagenet` stay theirs.

    Raises:
        DataError: If an id is no file name, or two samples would share a file.
    """
    found = [_place(name, folders[label]) for name, label in zip(contents.ids, contents.labels, strict=True)]
    first: dict[str, str] = {}
    for name, place in zip(contents.ids, found, strict=True):
        if first.setdefault(place, name) != name:
            raise DataError(f"samples {first[place]!r} and {name!r} of {contents.name} would both be {place}")
    return found


def _place(name: str, folder: str) -> str:
    parts = name.split("/")
    if not name.isprintable() or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        raise DataError(f"sample id {name!r} cannot be the name of a file")
    return name if len(parts) > 1 and parts[0] == folder else f"{folder}/{name}"
