"""`robustbench-vit make cue-conflict`: the shapes of some classes in the textures of the same classes, as published."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import lcm
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from robustbench_vit.data.files import FileDataset
from robustbench_vit.data.folder import folder
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import DataError, SpecError
from robustbench_vit.evaluation.block import exact_fp32
from robustbench_vit.evaluation.progress import Progress, Silence
from robustbench_vit.make.description import alone, begin, package_versions
from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.perturbation import to_float, to_uint8
from robustbench_vit.perturbations.stylize.texture import SMALLEST, transfer
from robustbench_vit.randomness import Keys
from robustbench_vit.store.files import write_atomically

_STREAM = "stylize"


@dataclass(frozen=True)
class CueConflictManifest:
    """What a set holds.

    Args:
        classes: Shapes and textures, in the order of their labels.
        files: Sample ids (``<class>/<picture>``) of the ``content`` and the ``texture`` of every file of the set.
        content: Digest of the content pictures.
        texture: Digest of the texture pictures.
        geometry: What both are given first.
        strength: How far the transfer goes.
        seed: Seed of all draws.
        versions: Versions of everything that bits may depend on.
    """

    classes: tuple[str, ...]
    files: Mapping[str, Mapping[str, str]]
    content: str
    texture: str
    geometry: str
    strength: float
    seed: int
    versions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def make_cue_conflict(
    content: Path,
    texture: Path,
    out: Path,
    *,
    strength: float = 1.0,
    seed: int = 0,
    size: int = 224,
    per_pair: int = 1,
    progress: Progress | None = None,
) -> CueConflictManifest:
    """Write ``<out>/<shape>/<shape><i>-<texture><j>.png`` for all pairs of classes, those of one class with itself too.

    What an earlier run of the same command wrote is left alone. The numbers i and j count the pictures of a class from
    1, by name; each class uses its pictures in turn.

    Args:
        content: Folder of class folders, the pictures that give shapes.
        texture: Folder of the same class folders, the pictures that give textures.
        out: Folder of the set; `cue_conflict` opens it.
        strength: How far the transfer goes, in [0,1].
        seed: Seed of all draws.
        size: Height and width of the images: the shorter side is resized to it, the centre is cut out.
        per_pair: Images of each pair of classes.
        progress: Told what happens.

    Returns:
        What the set holds.

    Raises:
        SpecError: If a number lies outside its range.
        DataError: If the folders hold no, too few or different classes, classes whose names cannot be told apart in a
            file name, or a picture that cannot be decoded; everything finished is kept.
        StoreError: If the folder holds something else, is in use, or cannot be written to; likewise.
    """
    _check_numbers(strength, size, per_pair)
    progress, geometry = progress or Silence(), Geometry(resize=size, crop=size)
    contents, textures = folder(str(content)), folder(str(texture))
    _check_classes(contents, textures, content, texture)
    files = _pairs(contents, textures, per_pair)
    manifest = CueConflictManifest(
        classes=contents.classes,
        files=files,
        content=contents.digest,
        texture=textures.digest,
        geometry=str(geometry),
        strength=strength,
        seed=seed,
        versions={**package_versions(), _STREAM: str(PERTURBATIONS.row(_STREAM).version)},
    )
    with alone(out):
        begin(out, manifest.to_json())
        missing = [name for name in files if not (out / name).exists()]
        progress.total(len(missing))
        for name in missing:
            shape = _picture(contents, files[name]["content"], geometry)
            style = _picture(textures, files[name]["texture"], geometry)
            image = _stylised(shape, style, strength, Keys(seed, _STREAM, (Path(name).stem,)))
            write_atomically(out / name, partial(image.save, format="PNG"))
            progress.advance(1, Path(name).stem)
    return manifest


def _check_numbers(strength: float, size: int, per_pair: int) -> None:
    if not 0 <= strength <= 1:
        raise SpecError(f"strength must lie in [0, 1], got {strength}")
    if size < SMALLEST:
        raise SpecError(f"size must be at least {SMALLEST} pixels, got {size}")
    if per_pair < 1:
        raise SpecError(f"there must be at least one image of each pair of classes, got {per_pair}")


def _check_classes(contents: FileDataset, textures: FileDataset, content: Path, texture: Path) -> None:
    shapes, others = set(contents.classes), set(textures.classes)
    if shapes != others:
        lacks = [
            f"{root} lacks {', '.join(sorted(missing))}"
            for root, missing in ((content, others - shapes), (texture, shapes - others))
            if missing
        ]
        raise DataError(
            f"content and texture pictures must be of the same classes, but {' and '.join(lacks)}; add the class "
            "folders, or remove their counterparts"
        )
    if len(shapes) < 2:
        raise DataError(f"cues conflict between two classes at least; {content} holds only {contents.classes[0]}")
    for name in contents.classes:
        for other in contents.classes:
            if name != other and name.startswith(other) and name.removeprefix(other).isdecimal():
                raise DataError(
                    f"a file of texture {name!r} could be one of {other!r} with a longer number; rename one of the "
                    "class folders so that they differ in more than digits at the end"
                )


def _pairs(contents: FileDataset, textures: FileDataset, per_pair: int) -> dict[str, dict[str, str]]:
    """Sample ids of content and texture by the name of the file made of them."""
    shapes, styles = _by_class(contents), _by_class(textures)
    files: dict[str, dict[str, str]] = {}
    stems: dict[str, str] = {}
    for row, (shape, of_shape) in enumerate(shapes.items()):
        for column, (style, of_style) in enumerate(styles.items()):
            together = len(of_shape) * len(of_style)
            if per_pair > together:
                raise DataError(
                    f"{per_pair} images of each pair of classes were asked for, but {len(of_shape)} content pictures "
                    f"of {shape} and {len(of_style)} textures of {style} make {together}; add pictures or ask for fewer"
                )
            turn = lcm(len(of_shape), len(of_style))
            for k in range(per_pair):
                i = (column * per_pair + k) % len(of_shape)
                # After a turn the same pictures would meet again; one further, they do not.
                j = (row * per_pair + k + k // turn) % len(of_style)
                stem = f"{shape}{i + 1}-{style}{j + 1}"
                name = f"{shape}/{stem}.png"
                if stems.setdefault(stem, name) != name:
                    raise DataError(f"{stems[stem]} and {name} would be called the same; rename a class folder")
                files[name] = {"content": of_shape[i], "texture": of_style[j]}
    return files


def _by_class(data: FileDataset) -> dict[str, list[str]]:
    """Sample ids of each class, sorted."""
    found: dict[str, list[str]] = {name: [] for name in data.classes}
    for label, name in sorted(zip(data.labels.tolist(), data.ids, strict=True)):
        found[data.classes[label]].append(name)
    return found


def _picture(data: FileDataset, name: str, geometry: Geometry) -> torch.Tensor:
    """1×3×H×W uint8."""
    position = data.ids.index(name)
    return data.batch(position, position + 1, geometry).images


def _stylised(shape: torch.Tensor, style: torch.Tensor, strength: float, keys: Keys) -> Image.Image:
    """The transfer between two 1×3×H×W uint8 pictures, as a picture."""
    with torch.no_grad(), exact_fp32():
        made = to_uint8(transfer(to_float(shape), to_float(style), strength, keys=keys))[0]
    return Image.fromarray(made.permute(1, 2, 0).contiguous().numpy())
