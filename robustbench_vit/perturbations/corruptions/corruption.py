"""What all common corruptions share: uint8 in and out, truncation, chunks, variants, the two precisions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context

Variant: TypeAlias = Literal["imagenet_c", "cifar_c", "imagecorruptions"]
"""Whose program is followed: ``make_imagenet_c.py``, ``make_cifar_c.py`` or the package imagecorruptions 1.1.2."""

Backend: TypeAlias = Literal["imagecorruptions"]
"""Whose code runs, if not ours."""

Constants = TypeVar("Constants")

SIDES = (16, 4096)
"""Smallest and largest side of an image: below, the largest kernels outgrow it; above, fog's map fills the memory."""

_PIXELS = {"cpu": 1 << 16, "cuda": 1 << 21}  # of a chunk: what a core's second-level cache, or a GPU, takes at once


@dataclass(frozen=True)
class Setting:
    """How strong, whose constants, how exact.

    Args:
        severity: 1 to 5.
        variant: Whose program is followed.
        exact: Whether to compute in float64, in the order of operations of the original.
    """

    severity: int
    variant: Variant = "imagenet_c"
    exact: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the arithmetic."""
        return torch.float64 if self.exact else torch.float32

    def pick(self, imagenet: Sequence[Constants], cifar: Sequence[Constants]) -> Constants:
        """The constants of this severity; imagecorruptions shares those of ImageNet-C."""
        return (cifar if self.variant == "cifar_c" else imagenet)[self.severity - 1]


Kernel: TypeAlias = Callable[[Tensor, Keys, Setting], Tensor]
"""(N×3×H×W uint8, keys, setting) → N×3×H×W: either values in units of 1/255 that are yet to be clipped and truncated,
or uint8. All that is random comes from ``keys``, so tests put the original program's draws there."""


class Corruption:
    """A kernel as a perturbation: what the rows of the catalogue name.

    Args:
        kernel: The corruption itself.
        at_once: Fewest images it should be given at once.
        fixed_shape: Whether its rounding depends on the number of images (matrix products, FFT, sparse products), so
            that every chunk must have the same (contract C2).
    """

    def __init__(self, kernel: Kernel, at_once: int = 1, *, fixed_shape: bool = False) -> None:
        self.kernel, self.at_once, self.fixed_shape = kernel, at_once, fixed_shape
        self.__name__, self.__module__, self.__doc__ = kernel.__name__, kernel.__module__, kernel.__doc__

    def __call__(
        self,
        images: Tensor,
        keys: Keys,
        *,
        context: Context,  # noqa: ARG002 - every perturbation is offered one
        severity: int,
        variant: Variant = "imagenet_c",
        exact: bool = False,
        jpeg85: bool = False,
        backend: Backend | None = None,
    ) -> Tensor:
        """Corrupt images.

        Args:
            images: N×3×H×W uint8.
            keys: One key an image.
            context: Not used.
            severity: 1 to 5.
            variant: Whose program is followed.
            exact: Compute in float64, in the original's order of operations.
            jpeg85: Afterwards encode and decode as JPEG of quality 85, as the stored ImageNet-C was.
            backend: ``imagecorruptions`` runs that package, image by image.

        Returns:
            N×3×H×W uint8, truncated as in the original.

        Raises:
            CaseError: If the images are not RGB, too small or too large, or something the corruption needs is missing.
        """
        from robustbench_vit.perturbations.corruptions.jpeg import through_jpeg
        from robustbench_vit.perturbations.corruptions.package import original

        _check(images)
        setting = Setting(severity, variant, exact)
        if backend is None:
            corrupted = self.uint8(images, keys, setting)
        else:
            corrupted = original(self.kernel.__name__, images, keys, setting)
        return through_jpeg(corrupted, 85) if jpeg85 else corrupted

    def uint8(self, images: Tensor, keys: Keys, setting: Setting) -> Tensor:
        """Corrupt N×3×H×W uint8 images chunk by chunk."""
        _keep_memory()
        out = _empty_like(images)
        for start, stop in self._chunks(images):
            out[start:stop] = self._chunk(images[start:stop], keys[start:stop], setting, self._size(images))
        return out

    def _chunk(self, images: Tensor, keys: Keys, setting: Setting, size: int) -> Tensor:
        count = len(images)
        if self.fixed_shape and count < size:
            images = torch.cat([images, images.new_zeros(size - count, *images.shape[1:])])
            keys = keys.of([*keys.ids, *("" for _ in range(size - count))])
        return truncated(self.kernel(images, keys, setting))[:count]

    def _chunks(self, images: Tensor) -> Iterator[tuple[int, int]]:
        size = self._size(images)
        return ((start, min(start + size, len(images))) for start in range(0, len(images), size))

    def _size(self, images: Tensor) -> int:
        """Images a chunk; a function of device and image size alone."""
        pixels = _PIXELS.get(images.device.type, _PIXELS["cpu"])
        return max(self.at_once, pixels // (images.shape[-2] * images.shape[-1]), 1)


def corruption(*, at_once: int = 1, fixed_shape: bool = False) -> Callable[[Kernel], Corruption]:
    """Make a kernel a perturbation; see `Corruption`."""
    return lambda kernel: Corruption(kernel, at_once, fixed_shape=fixed_shape)


def _empty_like(images: Tensor) -> Tensor:
    """Contiguous; on the CPU from numpy, which asks the system for huge pages: fewer page faults for large batches."""
    if images.device.type == "cpu":
        return torch.from_numpy(np.empty(tuple(images.shape), dtype=np.uint8))
    return torch.empty_like(images, memory_format=torch.contiguous_format)


@cache
def _keep_memory() -> None:
    """Let glibc keep what a chunk frees for the next one, up to four times as fast for kernels with many temporaries.

    It hands freed buffers above a threshold back to the system and pays a page fault for each page when it asks again.
    The threshold follows the largest buffer ever freed (mallopt(3), M_MMAP_THRESHOLD), so freeing one that was never
    touched is enough.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def truncated(values: Tensor) -> Tensor:
    """Clip to [0, 255] and cut off the fraction, as the original's cast to uint8 does; uint8 stays as it is."""
    if values.dtype == torch.uint8:
        return values
    return values.clamp_(0, 255).to(torch.int16).to(torch.uint8)  # by way of int16 it takes a third of the time


def _check(images: Tensor) -> None:
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != torch.uint8:
        raise CaseError(f"corruptions take N×3×H×W uint8 images (RGB), got {tuple(images.shape)} {images.dtype}")
    (height, width), (smallest, largest) = images.shape[-2:], SIDES
    if min(height, width) < smallest or max(height, width) > largest:
        raise CaseError(
            f"corruptions take images of {smallest} to {largest} pixels a side, got {height}×{width}; "
            "resize them, e.g. with --geometry 'geometry(resize=256, crop=224)'"
        )
