"""Style pictures: which files there are, and each at the size of the content."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from robustbench_vit.errors import CaseError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of picture files, in lower case, as in data sets; other files are left alone."""


def style_files(folder: str) -> tuple[Path, ...]:
    """All pictures under a folder, hidden ones left out, sorted by relative path; listed once a process.

    Raises:
        CaseError: If there is no such folder, or it holds no pictures.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        problem = "is a file" if root.is_file() else "does not exist"
        raise CaseError(f"stylize: {root} {problem}; style= takes a folder of pictures")
    return _listed(root, root.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _listed(root: Path, changed: int) -> tuple[Path, ...]:
    del changed
    inside = sorted(file.relative_to(root) for file in root.rglob("*") if file.suffix.lower() in SUFFIXES)
    found = tuple(root / file for file in inside if not any(part.startswith(".") for part in file.parts))
    if not found:
        raise CaseError(f"stylize: {root} holds no pictures ({', '.join(sorted(SUFFIXES))}); fill it with styles")
    return found


def style_picture(file: Path, height: int, width: int) -> Tensor:
    """3×H×W uint8: the largest centred crop of the content's aspect ratio, resized (bilinear, antialiased).

    Raises:
        CaseError: If the file is missing, truncated or no picture, or its values have no agreed range; it is named.
    """
    try:
        stamp = file.stat()
    except OSError as error:
        raise CaseError(f"stylize: cannot read the style {file}: {error.strerror}") from error
    return _decoded(file, stamp.st_size, stamp.st_mtime_ns, height, width)


@lru_cache(maxsize=256)
def _decoded(file: Path, size: int, changed: int, height: int, width: int) -> Tensor:
    del changed
    try:
        with Image.open(file) as picture:
            picture.load()
            fitted = ImageOps.fit(_rgb(picture), (width, height), Image.Resampling.BILINEAR)
    except Exception as error:  # decoders raise nearly anything on broken bytes
        reason = str(error) if size else "the file is empty"
        raise CaseError(f"stylize: cannot decode the style {file}: {reason}; replace or remove it") from error
    return torch.from_numpy(np.array(fitted, dtype=np.uint8)).permute(2, 0, 1)


def _rgb(picture: Image.Image) -> Image.Image:
    """8-bit RGB as data sets decode it: grey, palette and CMYK converted, 16-bit grey divided by 257."""
    if picture.mode == "F":
        raise CaseError("floating-point pictures have no agreed range, store 8 or 16 bit")
    if picture.mode.startswith("I"):  # PIL clips 16-bit values to 255 instead of scaling them
        deep = np.asarray(picture, dtype=np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise CaseError(f"values from {deep.min()} to {deep.max()} have no agreed range, store 8 or 16 bit")
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8)).convert("RGB")
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")  # PIL warns about the direct way, which gives the same colours
    return picture.convert("RGB")
