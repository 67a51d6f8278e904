"""Finding suites: pytest does the collecting, for the command line and for Python alike (contract C5)."""

import contextlib
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from robustbench_vit import pytest_plugin
from robustbench_vit.data.catalog import DATASETS
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.suite import Case, Suite

DATA_VARIABLE = "ROBUSTBENCH_VIT_DATA"
"""Folder whose subfolders fill data slots of the same name."""

_SLOT = re.compile(r"([A-Za-z_]\w*)=(.+)\Z", re.DOTALL)


@dataclass(frozen=True)
class CollectedSuite:
    """A suite and the cases pytest selected from it.

    Args:
        suite: What the module declares.
        cases: In the order of collection.
        path: The module's file.
    """

    suite: Suite
    cases: tuple[Case, ...]
    path: Path


def builtin_suites() -> dict[str, Path]:
    """Suite files by name: those of this package and those of installed plugins."""
    here = Path(__file__).parent
    folder = here / "suites" if (here / "suites").is_dir() else here.parent / "suites"
    found = {file.stem.removeprefix("bench_"): file for file in sorted(folder.glob("bench_*.py"))}
    for point in entry_points(group="robustbench_vit.suites"):
        found.setdefault(point.name, Path(point.load().__file__))
    return found


def collect(targets: Sequence[str], *, keyword: str = "", markers: str = "") -> list[CollectedSuite]:
    """Collect suites by name or path.

    Args:
        targets: Names of built-in suites, files, or folders.
        keyword: pytest's ``-k``.
        markers: pytest's ``-m``.

    Raises:
        SpecError: If a name is unknown, a file cannot be imported, or nothing is selected.
    """
    found = _Found()
    arguments = [*(str(_path(target)) for target in targets), "--collect-only", "--rb-collect", "-q"]
    arguments += ["-k", keyword] if keyword else []
    arguments += ["-m", markers] if markers else []
    # The user's own pytest settings are for the user's tests; plugins that distribute or time tests have no part here.
    arguments += ["-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:benchmark"]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        pytest.main(arguments, plugins=[found, *_unregistered_plugin()])
    if found.errors:
        raise SpecError("cannot collect: " + "\n".join(found.errors))
    suites = pytest_plugin.group(found.items)
    if not suites:
        chosen = f" with -k {keyword!r}" if keyword else f" with -m {markers!r}" if markers else ""
        raise SpecError(f"no cases in {', '.join(targets)}{chosen}; a suite file holds SUITE and bench_* functions")
    return [
        CollectedSuite(suite, tuple(case for _, case in members), path) for path, (suite, members) in suites.items()
    ]


def data_slots(given: Sequence[str], default: str | None = None) -> dict[str, str]:
    """Data specs by slot from ``--data`` arguments, the environment and a suite's default; ``""`` is the run's own.

    Args:
        given: ``SPEC`` or ``SLOT=SPEC``, each slot once.
        default: The suite's own data, if the user names none.

    Raises:
        SpecError: If a slot is filled twice.
    """
    slots: dict[str, str] = {}
    for text in given:
        match = _SLOT.match(text)
        slot, spec = match.groups() if match else ("", text)
        if slot in slots:
            raise SpecError(f"--data fills {slot or 'the run'} twice: {slots[slot]} and {spec}")
        slots[slot] = spec
    if default is not None:
        slots.setdefault("", default)
    for slot, spec in _from_environment(os.environ).items():
        slots.setdefault(slot, spec)
    return slots


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    root = environment.get(DATA_VARIABLE)
    if not root:
        return {}
    folders = sorted(folder for folder in Path(root).iterdir() if folder.is_dir())
    return {folder.name: f'{folder.name}("{folder}")' for folder in folders if folder.name in DATASETS}


def _path(target: str) -> Path:
    known = builtin_suites()
    if target in known:
        return known[target]
    path = Path(target)
    if not path.exists():
        raise UnknownNameError("suite (or file)", target, known)
    return path


def _unregistered_plugin() -> list[object]:
    """Our pytest plugin, where the package runs without being installed."""
    installed = any(point.value == pytest_plugin.__name__ for point in entry_points(group="pytest11"))
    return [] if installed else [pytest_plugin]


class _Found:
    """A pytest plugin that keeps what was collected and what went wrong."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []
        self.errors: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(report.longreprtext)
