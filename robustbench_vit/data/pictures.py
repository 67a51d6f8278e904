"""From files and arrays to uint8 tensors: every mode of picture becomes RGB, and a broken one is named."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import DataError


def open_rgb(path: Path) -> Image.Image:
    """Decode a picture file to 8-bit RGB.

    Grey, palette and CMYK pictures are converted, transparency is dropped, 16-bit values are divided by 257 (so that
    65535 becomes 255) and float pictures are refused. EXIF orientation is left alone, as all published protocols do.

    Raises:
        DataError: If the file is missing, truncated or no picture; the message names it.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            return to_rgb(picture)
    except FileNotFoundError as error:
        raise DataError(f"no such picture: {path}") from error
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise DataError(f"cannot decode {path}: {error}; replace the file or remove it from the data set") from error


def to_rgb(picture: Image.Image) -> Image.Image:
    """Convert a decoded picture of any mode to 8-bit RGB."""
    if picture.mode == "F":
        raise DataError("floating-point pictures have no agreed range; store them as 8 or 16 bit")
    if picture.mode.startswith("I"):  # PIL clips 16-bit values to 255 instead of scaling them
        deep = np.asarray(picture, dtype=np.int64)
        return Image.fromarray(((deep.clip(0, 65535) + 128) // 257).astype(np.uint8)).convert("RGB")
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
