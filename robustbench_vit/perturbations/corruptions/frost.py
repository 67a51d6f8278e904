"""Frost: photographs of ice laid over the image. The photographs come with the package imagecorruptions."""

from functools import lru_cache
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.corruptions.corruption import Backend, Corruption, Kernel, Setting, Variant
from robustbench_vit.perturbations.corruptions.opencv import opencv
from robustbench_vit.perturbations.corruptions.tables import looked_up, tabulated
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context

FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
"""The textures, drawn with equal chances; the third is a copy of the second, and the package's sixth is never drawn."""

Picture: TypeAlias = NDArray[np.uint8]
"""H×W×3 RGB."""

_MARGIN = 1.1  # by how much an enlarged texture outgrows the image, so that there are crops to choose from


class Frost(Corruption):
    """`Corruption` that is also told where its textures are."""

    def __init__(self) -> None:
        super().__init__(_kernel(None))

    def __call__(
        self,
        images: Tensor,
        keys: Keys,
        *,
        context: Context,
        severity: int,
        variant: Variant = "imagenet_c",
        exact: bool = False,
        jpeg85: bool = False,
        backend: Backend | None = None,
        textures: str | None = None,
    ) -> Tensor:
        """Lay frost over images; see `Corruption` for the parameters all corruptions share.

        Args:
            images: N×3×H×W uint8.
            keys: One key an image.
            context: Not used.
            severity: 1 to 5.
            variant: Whose program is followed.
            exact: Of no effect: the result is that of float64 anyway.
            jpeg85: Afterwards encode and decode as JPEG of quality 85.
            backend: ``imagecorruptions`` runs that package, with its own textures.
            textures: Folder of `FILES`; None is that of the installed package imagecorruptions.

        Returns:
            N×3×H×W uint8.

        Raises:
            CaseError: If a texture is missing or broken, or as in `Corruption`.
        """
        if textures is not None and backend is not None:
            raise CaseError(f"backend={backend} lays its own textures over the image; leave textures={textures} out")
        laid = Corruption(_kernel(textures))
        return laid(
            images,
            keys,
            context=context,
            severity=severity,
            variant=variant,
            exact=exact,
            jpeg85=jpeg85,
            backend=backend,
        )


def _kernel(textures: str | None) -> Kernel:
    def frost(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
        """Add a random crop of a random photograph of ice to the darkened image.

        The photographs are as they are for ImageNet-C, at a fifth of their size for CIFAR-C, and enlarged by 1.1 or to
        1.1 times the image for imagecorruptions.

        Differences:
            Where the photograph is not larger than the image, the programs of ImageNet-C and CIFAR-C break off; here it
            is enlarged as in imagecorruptions.
        """
        weights = setting.pick(
            ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
            ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
        )
        height, width = images.shape[-2:]
        ice = _ice(textures, setting.variant, height, width, images.device)
        return looked_up(_mixed(*weights, images.device), images, ice.crops(keys, width))

    return frost


frost = Frost()


@lru_cache(maxsize=16)
def _mixed(clean: float, ice: float, device: torch.device) -> Tensor:
    """For (value, value of the texture): their sum."""
    return tabulated(lambda value, texture: value * clean + texture * ice).to(device)


class _Ice(NamedTuple):
    """All textures in one vector, for crops of H×W.

    Args:
        values: uint8: texture after texture, channel after channel, line after line.
        lines: 5×3×H int64, where in `values` the lines of a crop from the first corner begin.
        columns: 5 int64.
        places: 5×2 int64, how many rows and columns a crop can begin at.
    """

    values: Tensor
    lines: Tensor
    columns: Tensor
    places: Tensor

    def crops(self, keys: Keys, width: int) -> Tensor:
        """N×3×H×W uint8, one crop an image."""
        which = keys.integers("texture", low=0, high=len(FILES))
        corner = torch.stack([keys.uniform("row"), keys.uniform("column")], 1).double() * self.places[which]
        row, column = corner.long().unbind(1)
        begins = self.lines[which] + (row * self.columns[which] + column)[:, None, None]
        # Every stretch of a line's length is a row of this view.
        stretches = self.values.unfold(0, width, 1)
        return stretches.index_select(0, begins.view(-1)).view(*begins.shape, width)


@lru_cache(maxsize=4)
def _ice(textures: str | None, variant: Variant, height: int, width: int, device: torch.device) -> _Ice:
    """The textures, at their size for images of height×width."""
    folder = _installed() if textures is None else Path(textures).expanduser()
    pictures = [_fitted(_read(folder / file), variant, height, width) for file in FILES]
    sizes = torch.tensor([picture.shape for picture in pictures])
    rows, columns = sizes[:, 0, None, None], sizes[:, 1, None, None]
    starts = (sizes.prod(1).cumsum(0) - sizes.prod(1))[:, None, None]
    lines = starts + torch.arange(3)[:, None] * rows * columns + torch.arange(height) * columns
    values = torch.from_numpy(np.concatenate([picture.transpose(2, 0, 1).ravel() for picture in pictures]))
    places = sizes[:, :2] - torch.tensor([height, width])
    return _Ice(values.to(device), lines.to(device), sizes[:, 1].to(device), places.to(device))


def _installed() -> Path:
    """The textures' folder in the package imagecorruptions, which is not imported: it needs old libraries."""
    found = find_spec("imagecorruptions")
    if found is None or not found.submodule_search_locations:
        raise CaseError(
            "frost needs the textures of the package imagecorruptions: pip install imagecorruptions, "
            f"or give a folder of {', '.join(FILES)} as textures=PATH"
        )
    return Path(found.submodule_search_locations[0]) / "frost"


def _read(file: Path) -> Picture:
    try:
        with Image.open(file) as picture:
            return np.array(picture.convert("RGB"))
    except FileNotFoundError as error:
        raise CaseError(
            f"there is no frost texture {file}; textures=PATH names a folder of {', '.join(FILES)}, "
            "and pip install imagecorruptions brings them"
        ) from error
    except Exception as error:  # decoders raise nearly anything on broken bytes
        raise CaseError(
            f"frost texture {file} cannot be read ({error}); get it anew: pip install --force-reinstall --no-deps "
            "imagecorruptions"
        ) from error


def _fitted(picture: Picture, variant: Variant, height: int, width: int) -> Picture:
    """A texture at its variant's size, at least larger than the image."""
    if variant == "cifar_c":
        picture = opencv().resize(picture, (0, 0), fx=0.2, fy=0.2)
    rows, columns = picture.shape[:2]
    if variant != "imagecorruptions" and rows > height and columns > width:
        return picture
    scale = _MARGIN * max(1, height / rows, width / columns)
    size = (ceil(columns * scale), ceil(rows * scale))
    enlarged: Picture = opencv().resize(picture, size, interpolation=opencv().INTER_CUBIC)
    return enlarged
