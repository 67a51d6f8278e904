"""The original program itself, imagecorruptions 1.1.2, under a seed: where its old requirements are met."""

import warnings
from functools import partial
from importlib.metadata import version

import numpy as np


def available() -> bool:
    """Whether the one scikit-image is here that it runs with; where the extra is installed, all else is, too."""
    try:
        return version("scikit-image").startswith("0.19.")
    except ModuleNotFoundError:
        return False


def corrupt(name: str, image: np.ndarray, severity: int, seed: int | list[int]) -> np.ndarray:
    """The original's output for one H×W×3 uint8 image under `np.random.seed`, warnings of its age unheard.

    Impulse noise does not listen to that seed: scikit-image draws it from a generator of its own, which gets the seed
    here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import imagecorruptions
        import skimage.util

        drawn = skimage.util.random_noise
        skimage.util.random_noise = partial(drawn, seed=seed)
        np.random.seed(seed)
        try:
            return imagecorruptions.corrupt(image, severity, name)
        finally:
            skimage.util.random_noise = drawn
