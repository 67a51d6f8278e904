"""How close ours must come to the original, corruption by corruption, when both get the same draws."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from robustbench_vit.perturbations.corruptions.corruption import Setting

FAST: Mapping[str, float] = {
    "gaussian_noise": 1e-4,
    "speckle_noise": 1e-4,
    "gaussian_blur": 1e-4,
    "defocus_blur": 1e-3,
    "glass_blur": 1e-3,
    "motion_blur": 1e-3,
    "zoom_blur": 1e-3,
    "snow": 1e-3,
    "frost": 2e-2,
    "fog": 2e-3,
    "brightness": 5e-2,
    "contrast": 5e-2,
    "saturate": 2.5e-1,
    "elastic_transform": 1e-3,
    "spatter": 1e-3,
}
"""Largest share of values that float32 may put one level off; the names left out may not differ at all.

Where the original's result is an exact integer before it truncates, the last bit decides: hence the large shares.
"""

EXACT: Mapping[str, float] = {
    "motion_blur": 1e-4,
    "zoom_blur": 1e-4,
    "snow": 1e-4,
    "elastic_transform": 1e-3,
    "spatter": 1e-3,
}
"""The same in float64: these originals compute in float32 in places, which no other order of operations repeats."""


@dataclass(frozen=True)
class Parity:
    """How far ours is from the original.

    Args:
        levels: Largest difference, in 1/255.
        share: Share of the values that differ.
    """

    levels: int
    share: float

    @classmethod
    def of(cls, ours: list[np.ndarray], originals: list[np.ndarray]) -> "Parity":
        """Over all values of several images."""
        pairs = zip(ours, originals, strict=True)
        differences = np.concatenate([np.abs(a.astype(int) - b.astype(int)).ravel() for a, b in pairs])
        return cls(int(differences.max()), float((differences > 0).mean()))

    def within(self, limit: float) -> bool:
        """One level at most, on this share at most."""
        return self.levels <= 1 and self.share <= limit


ANYWHERE = 1e-3
"""The share allowed where the original ran on another machine or with another numpy than ours does.

The weights of its blurs are exponentials whose last bits depend on numpy's version and on the processor; and a few
small images are a small sample.
"""


def limit(name: str, setting: Setting, *, small: bool = False) -> float:
    """The share of values that may differ, of photos at 224 or of small images."""
    if small and name == "motion_blur" and not setting.exact:
        return 1e-2  # at the border all taps read one value, and the sum meets an integer: one column of few
    if name == "spatter" and setting.severity <= 3:  # water: the mask is made of integers
        return 0.0
    if name == "defocus_blur" and setting.severity == 1 and not setting.exact:  # equal taps: sums meet integers
        return 4e-2
    return (EXACT if setting.exact else FAST).get(name, 0.0)
