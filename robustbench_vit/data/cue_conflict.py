"""`cue_conflict`, `edges` and `silhouettes`: the stimuli of Geirhos et al., or sets of the same layout."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from robustbench_vit.catalog import digest
from robustbench_vit.data.files import FileDataset, Sample, class_labels, existing_folder, labelled_pictures
from robustbench_vit.data.geometry import NONE, Geometry
from robustbench_vit.errors import DataError
from robustbench_vit.labels import label_space

CATEGORIES = "imagenet-16"
"""Label space of the published stimuli: 16 entry-level categories."""

MANIFEST = "manifest.json"
"""May name the ``classes`` of a set in the order of their labels, as `make cue-conflict` writes it."""


class CueConflict(FileDataset):
    """Pictures whose label is the class of the shape; `textures` holds that of the texture, as do the extras.

    Args:
        samples: The pictures.
        textures: Class index of the texture of each.
        classes: K class names.
        label_space: Name of the label space.
    """

    def __init__(
        self, samples: Sequence[Sample], textures: Sequence[int], classes: Sequence[str], label_space: str
    ) -> None:
        super().__init__(name="cue_conflict", samples=samples, classes=classes, label_space=label_space, geometry=NONE)
        self._textures = torch.tensor(textures)
        self.textures = self._textures[torch.from_numpy(self.order)]
        self.digest = digest([self.digest.encode(), self.textures.numpy().tobytes()])

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Decode the files; see `Dataset.decode`."""
        images, extra = super().decode(indices, geometry)
        return images, {**extra, "texture": self._textures[list(indices)]}


def cue_conflict(path: str, classes: Sequence[str | int] | None = None) -> CueConflict:
    """Open ``<path>/<shape>/<shape><i>-<texture><j>.*``; the stem is the id, the folder's class the label.

    The published set has 1280 pictures of 224×224, evaluated as they are: five for each pair of 16 shapes and 16
    textures. Its label space is ``imagenet-16``, into which ImageNet-1k networks are read. 80 pictures have shape and
    texture of one class, so no conflict; metrics leave these out.

    Args:
        path: Folder of the class folders, or of ``style-transfer-preprocessed-512``.
        classes: Classes of a set of one's own, in the order of a network's labels; textures need no folder. None takes
            those that ``manifest.json`` names, else the published 16. Other classes than these are the label space
            ``cue-conflict-<K>``.

    Raises:
        DataError: If a folder is missing, empty or no class, or a file is not called after its folder and a texture.

    Source: R. Geirhos et al., "ImageNet-trained CNNs are biased towards texture; increasing shape bias improves
    accuracy and robustness", ICLR 2019; stimuli in rgeirhos/texture-vs-shape.
    """
    root = _stimuli(path, "style-transfer-preprocessed-512", "airplane/airplane1-bicycle2.png")
    names, space = _classes(root, classes)
    own = "for classes of your own name all of them, in the order of your network: cue_conflict(PATH, classes=[…])"
    labels = class_labels(root, names, f"the {len(names)} of cue_conflict", otherwise=own)
    samples, textures = labelled_pictures(root, labels), []
    for sample in samples:
        shape = names[sample.label]
        texture = _texture(sample.file.stem, shape, names)
        if texture is None:
            raise DataError(
                f"{sample.file} is not called {shape}<i>-<texture><j>, for example {shape}1-{names[-1]}2, with numbers "
                f"i and j and one of the textures {', '.join(names)}; rename it or move it elsewhere"
            )
        textures.append(names.index(texture))
    return CueConflict(_by_stem(samples), textures, names, space)


def edges(path: str) -> FileDataset:
    """Open ``<path>/<category>/<category><n>.png``, outlines of objects; the stem is the id.

    160 pictures of 224×224, ten a category, evaluated as they are.

    Args:
        path: Folder of the category folders, or of ``edges``.

    Raises:
        DataError: If a folder is missing, empty or no category, or a file is not called after its folder.

    Source: As for `cue_conflict`.
    """
    return _of_one_cue("edges", path, "edges")


def silhouettes(path: str) -> FileDataset:
    """Open ``<path>/<category>/<category><n>.png``, filled silhouettes of objects; the stem is the id.

    160 pictures of 224×224, ten a category, evaluated as they are.

    Args:
        path: Folder of the category folders, or of ``filled-silhouettes``.

    Raises:
        DataError: As for `edges`.

    Source: As for `cue_conflict`.
    """
    return _of_one_cue("silhouettes", path, "filled-silhouettes")


def _of_one_cue(name: str, path: str, inner: str) -> FileDataset:
    root = _stimuli(path, inner, "airplane/airplane1.png")
    names = label_space(CATEGORIES).classes
    samples = labelled_pictures(root, class_labels(root, names, f"the {len(names)} of {name}"))
    for sample in samples:
        category = names[sample.label]
        if not re.fullmatch(rf"{category}\d+", sample.file.stem):
            raise DataError(
                f"{sample.file} is not called {category}<n>, for example {category}1; rename it or move it elsewhere"
            )
    return FileDataset(name=name, samples=_by_stem(samples), classes=names, label_space=CATEGORIES, geometry=NONE)


def _stimuli(path: str, inner: str, example: str) -> Path:
    """The folder of the category folders: the given one, or the published folder inside it."""
    folder = existing_folder(path, f"category folders, e.g. {example}")
    return folder / inner if (folder / inner).is_dir() else folder


def _by_stem(samples: Sequence[Sample]) -> list[Sample]:
    return [Sample(sample.file.stem, sample.file, sample.label) for sample in samples]


def _classes(root: Path, given: Sequence[str | int] | None) -> tuple[tuple[str, ...], str]:
    """Class names and label space."""
    published = label_space(CATEGORIES).classes
    names = _named(root) if given is None else tuple(map(str, [given] if isinstance(given, str | int) else given))
    if names is None or names == published:
        return published, CATEGORIES
    if len(set(names)) != len(names) or not names:
        raise DataError(f"the classes of {root} must be named, and none twice; got {', '.join(names) or 'none'}")
    return names, f"cue-conflict-{len(names)}"


def _named(root: Path) -> tuple[str, ...] | None:
    """The classes that a manifest names, if there is one."""
    file = root / MANIFEST
    if not file.is_file():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot read {file}: {error}; remove it, and name the classes: cue_conflict(PATH, classes=[…])"
        ) from error
    # Other people's sets may have a manifest of their own.
    names = said.get("classes") if isinstance(said, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else None


def _texture(stem: str, shape: str, classes: Collection[str]) -> str | None:
    """The texture that a file is called after; None if there is none, or if it might be one of two."""
    numbered = re.fullmatch(rf"{re.escape(shape)}\d+-(.+)", stem)
    rest = numbered[1] if numbered else ""
    found = [rest[:end] for end in range(len(rest)) if rest[end:].isdecimal() and rest[:end] in classes]
    return found[0] if len(found) == 1 else None
