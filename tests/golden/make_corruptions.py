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
    """Colours and gradients 64×64; a shape of shapetex 64×64; fine texture beside flat grey, 48×80."""
    shape = load_dataset("shapetex(n=8)").batch(5, 6).images[0].permute(1, 2, 0).numpy()
    return [colours(64, 64), shape, texture(48, 80)]


def colours(height: int, width: int) -> np.ndarray:
    """A gradient a channel, crossed by saturated bars, a grey ramp, black and white."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([255 * x / (width - 1), 255 * y / (height - 1), 255 - 2 * np.hypot(x - 32, y - 32)], axis=2)
    image = image.clip(0, 255).astype(np.uint8)
    for row, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 0, 0), (255, 255, 255))):
        image[8 + 4 * row : 12 + 4 * row, 8:24] = colour
    image[40:56, 8:56] = np.linspace(0, 255, 48).astype(np.uint8)[None, :, None]
    return image


def texture(height: int, width: int) -> np.ndarray:
    """A chirp whose frequency grows to the right, its channels apart in phase; then flat grey and a checker."""
    y, x = np.mgrid[:height, :width]
    phase = x**2 / 90 + y / 5
    image = np.stack([127.5 + 110 * np.sin(phase + shift) for shift in (0, 0.7, 2.1)], axis=2).astype(np.uint8)
    image[: height // 3, : width // 4] = 200
    image[: height // 3, width // 4 : width // 2] = ((x + y) % 2 * 255)[: height // 3, : width // 4, None]
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
