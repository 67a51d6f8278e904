"""Files: a kill while writing leaves the old one or the new one, never half of either (contract C7)."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from robustbench_vit.errors import StoreError

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_HAS_CONTROL = re.compile(r"\\[bfnrt]|\\u00[01789]|[\x7f-\x9f]")  # as JSON writes them; it may find too much


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system refuses into a sentence.

    Raises:
        StoreError: If the folder is a file or read-only, the disk is full, or anything else the system refuses.
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreError(
            f"cannot write {path}: {error.filename} must be a folder, and a file is in its place"
        ) from error
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; make room or choose another folder and run the same "
            "command again, everything finished so far is kept"
        ) from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with a temporary name beside ``path``, flush to the disk, then rename.

    Raises:
        StoreError: If the folder is read-only, the disk is full, or anything else the system refuses.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            _flush(temporary)
            temporary.replace(path)
            _flush(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(file: Path) -> Any:
    """A JSON file, its text in one line each and without signs that would steer a terminal.

    Names and reasons come from users; everything that shows them gets them from here.

    Raises:
        StoreError: If it cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"cannot read {file}: {error}; copy it again, or delete this file and run the same command again"
        ) from error
    return _shown(found) if _HAS_CONTROL.search(text) else found


def printable(text: str) -> str:
    r"""Text with a blank for each line break or tab, and the name of each other control character in its place.

    Example:
        >>> printable("two\nlines, \x1b[31mred")
        'two lines, \\x1b[31mred'
    """
    return _CONTROL.sub(lambda found: " " if found[0].isspace() else f"\\x{ord(found[0]):02x}", text)


def _shown(value: Any) -> Any:
    """The same with all of its text printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {printable(name): _shown(item) for name, item in value.items()}
    return value


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
