"""What lies in a results folder besides rows and plans: models, runs, reported numbers (for merging)."""

import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from robustbench_vit.catalog import digest
from robustbench_vit.store.files import read_json, write_atomically

_ROOMS = {
    "cases": ("*/*.parquet", "*/model.json"),
    "manifests": ("*/*.json",),
    "parts": ("*/*.parquet",),
    "reported": ("*.json",),
    "runs": ("*.json",),
}
_DERIVED = frozenset({"examples", "scored"})
_PAGES = frozenset({".csv", ".html", ".md", ".xml"})  # what reports, comparisons, galleries and gates write


def contradictions(roots: Sequence[Path]) -> Iterator[str]:
    """Models of one key with different weights, and different numbers reported about the same.

    Raises:
        StoreError: If a file cannot be read.
    """
    known: dict[str, tuple[Path, object]] = {}
    for root, name in _files(roots, "cases/*/model.json", "reported/*.json", "runs/*.json"):
        content = read_json(root / name)
        said = content.get("digest") if name.endswith("/model.json") and isinstance(content, dict) else content
        first, other = known.setdefault(name, (root, said))
        if said != other and not name.startswith("runs/"):
            yield f"{name} says one thing in {first} and another in {root}"


def write_facts(roots: Sequence[Path], out: Path) -> int:
    """Bring everything that is no row and no plan into the target; the first folder's files stay.

    Returns:
        How many files were written.
    """
    written = 0
    for root, name in _files(roots, "cases/*/model.json", "reported/*.json", "runs/*.json"):
        target = out / name
        if target.exists() and name.startswith("runs/"):
            target = _run(root / name, target)
        if not target.exists():
            write_atomically(target, partial(shutil.copyfile, root / name))
            written += 1
    return written


def foreign(root: Path) -> list[Path]:
    """Files and folders that no run, report or merge leaves in a results folder."""
    found = []
    for entry in _visible(root):
        if entry.name in _ROOMS and entry.is_dir():
            known = {file for pattern in _ROOMS[entry.name] for file in entry.glob(pattern)}
            found += [file for file in sorted(entry.rglob("*")) if file.is_file() and file not in known]
        elif entry.name not in _DERIVED and entry.suffix not in _PAGES:
            found.append(entry)
    return [file for file in found if not file.name.startswith(".")]


def _run(source: Path, target: Path) -> Path:
    """Runs are named by time and chance; where two have one name, the second is named by what it holds, too."""
    content = source.read_bytes()
    if target.read_bytes() == content:
        return target
    return target.with_name(f"{target.stem}-{digest([content])[:6]}.json")


def _files(roots: Sequence[Path], *patterns: str) -> Iterator[tuple[Path, str]]:
    """Files of all folders, as folder and name below it."""
    for root in roots:
        for pattern in patterns:
            for file in sorted(root.glob(pattern)):
                if not file.name.startswith("."):
                    yield root, file.relative_to(root).as_posix()


def _visible(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if not file.name.startswith("."))
