"""The random fields that the original corruption programs drew, under our names, to be put in the place of ours.

The originals draw from numpy's legacy generator in a fixed order (impulse noise from a `default_rng`), so a seed says
everything: see the notes beside the golden files.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.randomness import Keys

Arrays: TypeAlias = Mapping[str, np.ndarray]
Draws: TypeAlias = dict[str, np.ndarray | float | int]

AMOUNT = {False: (0.03, 0.06, 0.09, 0.17, 0.27), True: (0.01, 0.02, 0.03, 0.05, 0.07)}
GLASS = {False: ((1, 2), (2, 1), (2, 3), (3, 2), (4, 2)), True: ((1, 1), (1, 1), (1, 1), (1, 2), (1, 2))}
TEXTURES = ((600, 900), (315, 560), (315, 560), (350, 527), (495, 660))


@dataclass(frozen=True)
class OracleKeys(Keys):
    """Keys that give prepared fields instead of drawing, whatever distribution is asked for.

    Args:
        fields: N×… tensors by field name; a centre crop is given where a kernel asks for less than the original drew.
    """

    fields: Mapping[str, Tensor] = field(default_factory=dict)

    def _given(self, name: str, *shape: int, **_: float) -> Tensor:
        given = self.fields[name]
        for axis, length in enumerate(shape, start=1):
            given = given.narrow(axis, (given.shape[axis] - length) // 2, length)
        return given.expand(len(self), *given.shape[1:])  # the images that fill up a chunk get the same draws

    bits = halves = uniform = normal = coarse_normal = integers = small_integers = _given


def corrupt(name: str, image: np.ndarray, seed: int, setting: Setting) -> np.ndarray:
    """Our corruption of one H×W×3 uint8 image with the draws of the original under a seed."""
    fields = {key: torch.as_tensor(value)[None] for key, value in draws(name, image, seed, setting).items()}
    keys = OracleKeys(0, name, ("oracle",), fields=fields)
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    return PERTURBATIONS[name].load().uint8(pixels, keys, setting)[0].permute(1, 2, 0).numpy()


def draws(name: str, image: np.ndarray, seed: int, setting: Setting) -> dict[str, np.ndarray | float | int]:
    """What the original draws for one H×W×3 uint8 image, by our field names and in our units."""
    draw = _DRAWS.get(name)
    return draw(np.random.RandomState(max(seed, 0)), image, seed, setting) if draw else {}


def _noise(legacy, image, _seed, _setting):
    return {"z": legacy.normal(size=image.shape).transpose(2, 0, 1)}


def _impulses(_legacy, image, seed, setting):
    fresh = np.random.default_rng(seed)
    flipped = fresh.random(image.shape) <= AMOUNT[setting.variant == "cifar_c"][setting.severity - 1]
    salt = fresh.random(image.shape) <= 0.5
    return {"flip": np.where(flipped, 0, 0x7FFF).transpose(2, 0, 1) + (salt.transpose(2, 0, 1) << 15)}


def _glass(legacy, image, _seed, setting):
    """(iteration, row from the bottom, column from the right, (dx, dy)) in the original."""
    delta, iterations = GLASS[setting.variant == "cifar_c"][setting.severity - 1]
    steps = legacy.randint(-delta, delta, size=(iterations, *(side - 2 * delta for side in image.shape[:2]), 2))
    return {"steps": steps.transpose(0, 3, 1, 2)}


def _motion(legacy, _image, _seed, _setting):
    return {"angle": legacy.uniform(-45, 45)}


def _snow(legacy, image, _seed, _setting):
    return {"layer": legacy.normal(size=image.shape[:2]), "angle": legacy.uniform(-135, -45)}


def _fog(legacy, image, _seed, setting):
    smallest = {"imagenet_c": 256, "cifar_c": 32, "imagecorruptions": 1}[setting.variant]
    side = max(smallest, 1 << (max(image.shape[:2]) - 1).bit_length())
    return {"plasma": legacy.uniform(-1, 1, size=side**2 - 1)}


def _elastic(legacy, image, _seed, setting):
    anchors = {} if setting.variant == "imagecorruptions" else {"anchors": legacy.uniform(-1, 1, size=(3, 2))}
    return anchors | {axis: legacy.uniform(-1, 1, size=image.shape[:2]) for axis in ("dx", "dy")}


def _spatter(legacy, image, _seed, _setting):
    return {"liquid": legacy.normal(size=image.shape[:2])}


def _frost(legacy, image, _seed, setting):
    (height, width), index = image.shape[:2], legacy.randint(5)
    rows, columns = TEXTURES[index]
    if setting.variant == "cifar_c":
        rows, columns = round(rows * 0.2), round(columns * 0.2)
    if setting.variant == "imagecorruptions":
        scale = 1.1 * max(1, height / rows, width / columns)
        rows, columns = int(np.ceil(rows * scale)), int(np.ceil(columns * scale))
    places = {"row": rows - height, "column": columns - width}
    # Half a step into the cell of [0, 1) that means this place.
    return {"texture": index} | {key: (legacy.randint(0, span) + 0.5) / span for key, span in places.items()}


_DRAWS = {
    "gaussian_noise": _noise,
    "speckle_noise": _noise,
    "impulse_noise": _impulses,
    "glass_blur": _glass,
    "motion_blur": _motion,
    "snow": _snow,
    "frost": _frost,
    "fog": _fog,
    "elastic_transform": _elastic,
    "spatter": _spatter,
}


def photons(image: np.ndarray, seed: int, rate: int) -> np.ndarray:
    """The counts that the original's shot noise draws: they depend on the image, so no field can carry them."""
    return np.random.RandomState(seed).poisson(image / 255.0 * rate)


@dataclass(frozen=True)
class Golden:
    """What is stored of one output of an original program.

    Args:
        name: Corruption.
        setting: Severity and variant.
        image: H×W×3 uint8, clean.
        seed: Of the draws; negative if nothing is drawn.
        expected: h×w×3 uint8: the whole output or its central window; none if only the sums are stored.
        sums: Sums of the whole output over blocks of 16×16, H/16×W/16×3 int; none for the small images.
    """

    name: str
    setting: Setting
    image: np.ndarray
    seed: int
    expected: np.ndarray | None
    sums: np.ndarray | None

    def window(self, full: np.ndarray) -> np.ndarray:
        """The part of a whole output that is stored."""
        top, left = ((full.shape[axis] - self.expected.shape[axis]) // 2 for axis in (0, 1))
        return full[top : top + self.expected.shape[0], left : left + self.expected.shape[1]]

    def ours(self, *, exact: bool) -> np.ndarray:
        """Our whole output with the original's draws."""
        return corrupt(self.name, self.image, self.seed, Setting(self.setting.severity, self.setting.variant, exact))

    def difference(self, *, exact: bool) -> np.ndarray:
        """|ours − the original's| of every stored value, int."""
        return np.abs(self.window(self.ours(exact=exact)).astype(int) - self.expected.astype(int))


def goldens(folder: Path, name: str) -> Iterator[Golden]:
    """Outputs of a corruption that are stored at least in part, in the three variants."""
    return (golden for golden in goldens_and_sums(folder, name) if golden.expected is not None)


def goldens_and_sums(folder: Path, name: str) -> Iterator[Golden]:
    """All outputs of a corruption of which anything is stored, in the three variants."""
    for variant, file in (("cifar_c", "cifar"), ("imagenet_c", "imagenet"), ("imagecorruptions", "imagecorruptions")):
        with np.load(folder / f"corruptions_{file}.npz") as stored, _twin(folder, stored, name) as twin:
            row = list(stored["names"]).index(name)
            clean = [stored[f"x/{k}"] for k in range(4)] if "x/0" in stored else stored["x"]
            sums = stored["block_sum"][row].astype(int) if "block_sum" in stored else np.empty((5, 0))
            for level, k in np.ndindex(5, len(clean)):
                expected = _stored(stored, name, level + 1, k)
                if expected is None and k < 2:
                    expected = _stored(twin, name, level + 1, k)
                found = sums[level, k] if k < sums.shape[1] else None
                if expected is not None or found is not None:
                    seed = int(stored["seed"][row, level, k])
                    yield Golden(name, Setting(level + 1, variant), clean[k], seed, expected, found)


def _twin(folder: Path, stored: Arrays, name: str) -> AbstractContextManager[Arrays]:
    """The file that stands in: imagecorruptions' outputs that equal ImageNet-C's are stored with those."""
    shared = name in stored.get("same_as_imagenet", ())
    return np.load(folder / "corruptions_imagenet.npz") if shared else nullcontext({})


def _stored(stored: Arrays, name: str, severity: int, k: int) -> np.ndarray | None:
    if f"{name}/{severity}/{k}" in stored:
        return stored[f"{name}/{severity}/{k}"]
    return stored[f"{name}/{severity}"][k] if f"{name}/{severity}" in stored else None
