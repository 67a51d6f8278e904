"""Beginning a set: its folder, its manifest, and the ids and labels of its samples."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from robustbench_vit import __version__
from robustbench_vit.data.manifest import IDS, LABELS, MANIFEST, Manifest
from robustbench_vit.data.stored import Contents
from robustbench_vit.errors import StoreError
from robustbench_vit.store.files import write_atomically, write_text, writing

_LONG = 80
_PACKAGES = ("torch", "torchvision", "numpy", "pillow")


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Make the folder and keep other processes out of it.

    Raises:
        StoreError: If it cannot be written to, or another process is there.
    """
    lock = FileLock(out / ".lock", timeout=0)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise StoreError(f"another process is making a set in {out}; wait for it, or choose another") from error
    try:
        yield
    finally:
        lock.release()


def describe(out: Path, manifest: Manifest, contents: Contents) -> None:
    """Write manifest, ids and labels.

    Args:
        out: Folder of the set.
        manifest: What the set holds.
        contents: Its samples, in the order of the rows of arrays.

    Raises:
        StoreError: If the folder holds another set, or files that are none.
    """
    begin(out, manifest.to_json())
    write_text(out / IDS, "".join(f"{name}\n" for name in contents.ids))
    times = max(map(len, manifest.conditions.values()), default=1) if manifest.format == "npy" else 1
    write_atomically(out / LABELS, lambda temporary: _save(temporary, np.tile(contents.labels, times)))


def package_versions() -> dict[str, str]:
    """Versions of this package and of those that bits may depend on."""
    return {"robustbench_vit": __version__, **{name: version(name) for name in _PACKAGES}}


def begin(out: Path, mine: Mapping[str, Any]) -> None:
    """Write the manifest, or make sure that the one which is there says the same.

    Args:
        out: Folder of the set.
        mine: What the set is to hold.

    Raises:
        StoreError: If the folder holds another set, or files that are none.
    """
    file = out / MANIFEST
    if file.exists():
        theirs = _read(file)
        other = [name for name in mine if mine[name] != theirs.get(name)]
        if other:
            there, now = (_short(values.get(other[0])) for values in (theirs, mine))
            others = f" ({', '.join(other[1:])} would differ, too)" if other[1:] else ""
            raise StoreError(
                f"{out} holds another set: its {other[0]} is {there} and would be {now}{others}; choose another "
                "folder, or give the command that began this one"
            )
        return
    strangers = sorted(child.name for child in out.iterdir() if not child.name.startswith("."))
    if strangers:
        raise StoreError(f"{out} holds other files, such as {strangers[0]}; choose an empty folder for the set")
    write_text(file, json.dumps(mine, indent=1, ensure_ascii=False))


def _read(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {file}: {error}; choose another folder, or remove this one") from error
    return values if isinstance(values, dict) else {}


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _save(file: Path, array: NDArray[np.int64]) -> None:
    with file.open("wb") as stream:  # np.save would add an ending to a temporary name
        np.save(stream, array)
