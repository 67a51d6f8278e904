"""From files and arrays to uint8 tensors: every mode of picture becomes RGB, and a broken one is named."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import DataError


def open_rgb(path: Path) -> Image.Image:
    """Decode a picture file to 8-bit RGB.

    Grey, palette and CMYK pictures are converted, transparency is dropped, 16-bit grey values are divided by 257 (so
    that 65535 becomes 255) and float pictures are refused. Of 16-bit colour, PIL keeps the high byte. EXIF orientation
    is left alone, as all published protocols do.

    Raises:
        DataError: If the file is missing, empty, truncated, too large for PIL or no picture; the message names it.
    """
    return _decoded(path, to_rgb)


def open_mask(path: Path) -> Image.Image:
    """Decode a binary mask to grey values 0 and 255.

    The object is where the brightest channel exceeds half of its largest value in the picture, so masks of 0 and 1, of
    0 and 255, in colour or under JPEG mean the same.

    Raises:
        DataError: If the file is missing, broken or no picture; the message names it.
    """
    return _decoded(path, _to_mask)


def to_rgb(picture: Image.Image) -> Image.Image:
    """Convert a decoded picture of any mode to 8-bit RGB.

    Raises:
        DataError: If the values have no agreed range: floating point, or integers outside 16 bit.
    """
    if picture.mode == "F":
        raise DataError("floating-point pictures have no agreed range; store them as 8 or 16 bit")
    if picture.mode.startswith("I"):  # PIL clips 16-bit values to 255 instead of scaling them
        deep = np.asarray(picture, dtype=np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise DataError(f"values from {deep.min()} to {deep.max()} have no agreed range; store 8 or 16 bit")
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8)).convert("RGB")
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")  # PIL warns about the direct way, which gives the same colours
    return picture.convert("RGB")


def to_tensor(picture: Image.Image) -> Tensor:
    """3×H×W uint8 of an RGB picture."""
    return torch.from_numpy(np.array(picture, dtype=np.uint8)).permute(2, 0, 1)


def with_geometry(
    images: Tensor, extra: Mapping[str, Tensor], geometry: Geometry
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Apply a geometry to pictures that are arrays already.

    Args:
        images: N×3×H×W uint8.
        extra: May hold ``mask``, N×H×W float in [0,1].
        geometry: What to apply.
    """
    if geometry.is_identity:
        return images, extra
    pictures = [to_tensor(geometry.apply(Image.fromarray(i.permute(1, 2, 0).numpy()))) for i in images]
    masks = [geometry.apply_mask(Image.fromarray(mask.numpy())) for mask in extra.get("mask", ())]
    changed = {"mask": torch.from_numpy(np.stack([np.asarray(mask) for mask in masks]))} if masks else {}
    return torch.stack(pictures), {**extra, **changed}


def _to_mask(picture: Image.Image) -> Image.Image:
    whole = picture.mode == "F" or picture.mode.startswith("I")  # to_rgb would round 1 of 65535 down to nothing
    values = np.asarray(picture, dtype=np.float64) if whole else np.asarray(to_rgb(picture)).max(axis=-1)
    return Image.fromarray(np.where(values > values.max() / 2, 255, 0).astype(np.uint8))


def _decoded(path: Path, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return convert(picture)
    except FileNotFoundError as error:
        raise DataError(f"no such picture: {path}") from error
    except Exception as error:  # decoders raise nearly anything on broken bytes
        raise DataError(f"cannot decode {path}: {_reason(path, error)}") from error


def _reason(path: Path, error: Exception) -> str:
    """What is wrong with a picture, and what to do about it."""
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"{error} Shrink the picture, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it"
    remedy = "replace the file or remove it from the data set"
    if isinstance(error, UnidentifiedImageError):
        return f"the file {'holds no picture' if path.stat().st_size else 'is empty'}; {remedy}"
    return f"{error or repr(error)}; {remedy}"
