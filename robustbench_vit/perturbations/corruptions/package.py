"""The package imagecorruptions itself, where its old requirements are met."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.randomness import Keys

_PINS = (
    "imagecorruptions==1.1.2, numpy<2, scikit-image==0.19.3, scipy<1.15, opencv-python<4.12, pyarrow<26, pillow<12, "
    "setuptools<81"
)
_SMALLEST = 32  # pixels a side, its own limit


def original(name: str, images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Run the original program, image by image.

    It draws from numpy's global generator, which is seeded from each image's key and put back afterwards.

    Args:
        name: Corruption.
        images: N×3×H×W uint8.
        keys: One key an image.
        setting: Severity; variant ``imagecorruptions``, not exact.

    Returns:
        N×3×H×W uint8.

    Raises:
        CaseError: If it does not know the setting or takes no images this small, or if it cannot be run.
    """
    _check(name, images, setting)
    corrupt = _package()
    seeds = (keys.words("numpy").long() & 0xFFFFFFFF).tolist()
    pixels = images.permute(0, 2, 3, 1).cpu().numpy()
    corrupted = np.empty(pixels.shape, np.uint8)
    for image, place, seed in zip(pixels, corrupted, seeds, strict=True):
        place[:] = _corrupted(partial(corrupt, image, setting.severity, name), seed)
    return torch.from_numpy(corrupted).permute(0, 3, 1, 2).to(images.device)


def _check(name: str, images: Tensor, setting: Setting) -> None:
    if setting.variant != "imagecorruptions" or setting.exact:
        raise CaseError(
            f"backend=imagecorruptions has the constants and the arithmetic of that package alone, not "
            f"variant={setting.variant}, exact={str(setting.exact).lower()}; write "
            f"{name}({setting.severity}, variant=imagecorruptions, backend=imagecorruptions)"
        )
    height, width = images.shape[-2:]
    if min(height, width) < _SMALLEST:
        raise CaseError(
            f"backend=imagecorruptions takes images of at least {_SMALLEST} pixels a side, got {height}×{width}; "
            "leave the backend out, ours takes them"
        )


def _package() -> Callable[..., Any]:
    """Its `corrupt`."""
    with _explained("be imported"), _silent():
        corrupt: Callable[..., Any] = import_module("imagecorruptions").corrupt
    return corrupt


def _corrupted(corrupt: Callable[[], Any], seed: Sequence[int]) -> Any:
    """H×W×3 uint8 under a seed."""
    with _explained("run"), _silent(), _seeded(seed):
        return corrupt()


@contextmanager
def _seeded(seed: Sequence[int]) -> Iterator[None]:
    """Seed the generators it draws from: numpy's, and for impulse noise one that scikit-image makes for the call."""
    util: Any = import_module("skimage.util")
    state, drawn = np.random.get_state(), util.random_noise  # noqa: NPY002 - the generator the program draws from
    np.random.seed(seed)  # noqa: NPY002 - the generator the program draws from
    util.random_noise = partial(drawn, seed=seed)
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002 - the generator the program draws from
        util.random_noise = drawn


@contextmanager
def _silent() -> Iterator[None]:
    """Its libraries warn of its age."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # an old program among new libraries raises nearly anything
        raise CaseError(
            f"the package imagecorruptions cannot {what} ({type(error).__name__}: {error}); it needs {_PINS}: "
            "pip install 'robustbench_vit[imagecorruptions]' in an environment of its own with Python 3.11, "
            "or leave backend=imagecorruptions out"
        ) from error
