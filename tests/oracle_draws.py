"""The random fields that the original corruption programs drew, under our names, to be put in the place of ours.

The originals draw from numpy's legacy generator in a fixed order (impulse noise from a `default_rng`), so a seed says
everything: see the notes beside the golden files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.randomness import Keys

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
    height, width = image.shape[:2]
    legacy = np.random.RandomState(max(seed, 0))
    cifar, level = setting.variant == "cifar_c", setting.severity - 1
    if name in ("gaussian_noise", "speckle_noise"):
        return {"z": legacy.normal(size=image.shape).transpose(2, 0, 1)}
    if name == "impulse_noise":
        fresh = np.random.default_rng(seed)
        flipped = fresh.random(image.shape) <= AMOUNT[cifar][level]
        salt = fresh.random(image.shape) <= 0.5
        return {"flip": np.where(flipped, 0, 0x7FFF).transpose(2, 0, 1) + (salt.transpose(2, 0, 1) << 15)}
    if name == "glass_blur":  # (iteration, row from the bottom, column from the right, (dx, dy))
        delta, iterations = GLASS[cifar][level]
        steps = legacy.randint(-delta, delta, size=(iterations, height - 2 * delta, width - 2 * delta, 2))
        return {"steps": steps.transpose(0, 3, 1, 2)}
    if name == "motion_blur":
        return {"angle": legacy.uniform(-45, 45)}
    if name == "snow":
        return {"layer": legacy.normal(size=(height, width)), "angle": legacy.uniform(-135, -45)}
    if name == "frost":
        return _frost(legacy, height, width, setting)
    if name == "fog":
        return {"plasma": legacy.uniform(-1, 1, size=_fog_size(height, width, setting) ** 2 - 1)}
    if name == "elastic_transform":
        anchors = {} if setting.variant == "imagecorruptions" else {"anchors": legacy.uniform(-1, 1, size=(3, 2))}
        return anchors | {axis: legacy.uniform(-1, 1, size=(height, width)) for axis in ("dx", "dy")}
    if name == "spatter":
        return {"liquid": legacy.normal(size=(height, width))}
    return {}


def photons(image: np.ndarray, seed: int, rate: int) -> np.ndarray:
    """The counts that the original's shot noise draws: they depend on the image, so no field can carry them."""
    return np.random.RandomState(seed).poisson(image / 255.0 * rate)


def _frost(legacy: np.random.RandomState, height: int, width: int, setting: Setting) -> dict[str, int | float]:
    index = legacy.randint(5)
    rows, columns = TEXTURES[index]
    if setting.variant == "cifar_c":
        rows, columns = round(rows * 0.2), round(columns * 0.2)
    if setting.variant == "imagecorruptions":
        scale = 1.1 * max(1, height / rows, width / columns)
        rows, columns = int(np.ceil(rows * scale)), int(np.ceil(columns * scale))
    places = {"row": rows - height, "column": columns - width}
    # Half a step into the cell of [0, 1) that means this place.
    return {"texture": index} | {key: (legacy.randint(0, span) + 0.5) / span for key, span in places.items()}


def _fog_size(height: int, width: int, setting: Setting) -> int:
    smallest = {"imagenet_c": 256, "cifar_c": 32, "imagecorruptions": 1}[setting.variant]
    return max(smallest, 1 << (max(height, width) - 1).bit_length())


@dataclass(frozen=True)
class Golden:
    """One stored output of an original program.

    Args:
        name: Corruption.
        setting: Severity and variant.
        image: H×W×3 uint8, clean.
        seed: Of the draws; negative if nothing is drawn.
        expected: h×w×3 uint8: the whole output or its central window.
    """

    name: str
    setting: Setting
    image: np.ndarray
    seed: int
    expected: np.ndarray

    def window(self, full: np.ndarray) -> np.ndarray:
        """The part of a whole output that is stored."""
        top, left = ((full.shape[axis] - self.expected.shape[axis]) // 2 for axis in (0, 1))
        return full[top : top + self.expected.shape[0], left : left + self.expected.shape[1]]

    def difference(self, *, exact: bool) -> np.ndarray:
        """|ours − the original's| of every stored value, int."""
        setting = Setting(self.setting.severity, self.setting.variant, exact)
        ours = self.window(corrupt(self.name, self.image, self.seed, setting))
        return np.abs(ours.astype(int) - self.expected.astype(int))


def goldens(folder: Path, name: str) -> Iterator[Golden]:
    """All stored outputs of a corruption, in the three variants."""
    for variant, file in (("cifar_c", "cifar"), ("imagenet_c", "imagenet"), ("imagecorruptions", "imagecorruptions")):
        with np.load(folder / f"corruptions_{file}.npz") as stored:
            row = list(stored["names"]).index(name)
            for severity in range(1, 6):
                for k in range(stored["seed"].shape[2]):
                    expected = _stored(stored, name, severity, k)
                    if expected is not None:
                        image = stored[f"x/{k}"] if f"x/{k}" in stored else stored["x"][k]
                        seed = int(stored["seed"][row, severity - 1, k])
                        yield Golden(name, Setting(severity, variant), image, seed, expected)


def _stored(stored: Mapping[str, np.ndarray], name: str, severity: int, k: int) -> np.ndarray | None:
    if f"{name}/{severity}/{k}" in stored:
        return stored[f"{name}/{severity}/{k}"]
    return stored[f"{name}/{severity}"][k] if f"{name}/{severity}" in stored else None
