"""Write `corruptions.npz`: what imagecorruptions 1.1.2 makes of three images rendered here, with its seeds.

Run by `tox exec -e oracle -- python tests/golden/make_corruptions.py`; a second run writes the same arrays.
"""

import sys
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import live_oracle

from robustbench_vit.data import load_dataset
from robustbench_vit.perturbations.corruption_catalog import BENCHMARK, EXTRA

FILE = Path(__file__).with_name("corruptions.npz")
SEVERITIES = ((1, 2, 3, 4, 5), (1, 3, 5), (2, 4, 5))
"""Which severities are stored of which image: textures do not compress, and the file shall stay below 2 MB."""


def images() -> list[np.ndarray]:
    """Colours and greys 64×64; a shape of shapetex 64×64; fine texture 48×80.

    Nothing is flat but black: where a whole neighbourhood has one value, a blur's result is that integer or just below,
    as the last bits of the original's weights fall, and those depend on its numpy and on the processor.
    """
    shape = load_dataset("shapetex(n=8)").batch(5, 6).images[0].permute(1, 2, 0).numpy()
    return [colours(64, 64), shape, texture(48, 80)]


def colours(height: int, width: int) -> np.ndarray:
    """A curved gradient in each channel; on it saturated bars that darken to the right, and a ramp of greys."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([255 - y * x / 16, x**2 / 16, 255 - np.hypot(x - 40, 2 * y - 90) ** 1.2], axis=2)
    for row, colour in enumerate(((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1))):
        bar = image[8 + 4 * row : 12 + 4 * row, 8:40]
        bar[:] = (255 - np.arange(32) ** 2 / 8)[:, None] * colour
    image[40:56, 8:56] = (np.arange(48) ** 2 / 9)[:, None]
    return image.clip(0, 255).astype(np.uint8)


def texture(height: int, width: int) -> np.ndarray:
    """A chirp whose frequency grows to the right, its channels apart in phase; a third of it grey."""
    y, x = np.mgrid[:height, :width]
    phase = x**2 / 90 + y / 5
    image = np.stack([127.5 + 110 * np.sin(phase + shift) for shift in (0, 0.7, 2.1)], axis=2).astype(np.uint8)
    image[: height // 3] = image[: height // 3, :, :1]
    return image


def outputs() -> dict[str, np.ndarray]:
    """``x/{image}``, ``{name}/{severity}/{image}``, and ``seeds`` by name, severity − 1 and image; −1: not stored."""
    names = BENCHMARK + EXTRA
    seeds = np.full((len(names), 5, len(SEVERITIES)), -1)
    stored: dict[str, np.ndarray] = {"names": np.array(names), "seeds": seeds}
    for index, image in enumerate(images()):
        stored[f"x/{index}"] = image
        for (row, name), severity in product(enumerate(names), SEVERITIES[index]):
            seed = seeds[row, severity - 1, index] = 1000 * index + 10 * row + severity
            stored[f"{name}/{severity}/{index}"] = live_oracle.corrupt(name, image, severity, seed)
    return stored


if __name__ == "__main__":
    np.savez_compressed(FILE, **outputs())
    print(FILE.name, FILE.stat().st_size, "bytes")
