"""Finding suites: pytest does the collecting, for the command line and for Python alike (contract C5)."""

import contextlib
import io
import os
import re
import sys
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from robustbench_vit import pytest_plugin
from robustbench_vit.data.catalog import DATASETS
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.gates.rules import Rule
from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

DATA_VARIABLE = "ROBUSTBENCH_VIT_DATA"
"""Folder whose subfolders fill data slots of the same name."""

_SLOT = re.compile(r"([A-Za-z_]\w*)=(.+)\Z", re.DOTALL)

# The user's own pytest settings are for the user's tests: their options and plugins have no part here. The plugin of
# this package is handed over as an object, so that it makes no difference whether the package is installed.
_SETTINGS = (
    *("--collect-only", "--rb-collect", "-q", "--capture=no", "--assert=plain", "-o", "addopts="),
    *("-p", "no:robustbench_vit", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:benchmark"),
    *("-p", "no:warnings", "-p", "no:faulthandler"),
)


@dataclass(frozen=True)
class CollectedSuite:
    """A suite and the cases pytest selected from it.

    Args:
        suite: What the module declares.
        cases: In the order of collection.
        path: The module's file.
        expected: For each case the rules that stand at it; empty if it was not collected.
    """

    suite: Suite
    cases: tuple[Case, ...]
    path: Path
    expected: tuple[tuple[Rule, ...], ...] = ()


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
    selection = [*(["-k", keyword] if keyword else []), *(["-m", markers] if markers else [])]
    paths = [_path(target) for target in targets]
    arguments = [*_SETTINGS, *selection, "--", *map(str, paths)]
    found, output = _Found(), io.StringIO()
    with _apart(paths), contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main(arguments, plugins=[found, pytest_plugin])
    if found.errors:
        raise SpecError("cannot collect: " + "\n".join(found.errors))
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        said = output.getvalue().strip()
        reasons = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
        raise SpecError(f"cannot collect {', '.join(targets)}: {'; '.join(reasons) or said}")
    suites = pytest_plugin.group(found.items)
    if not suites:
        chosen = f" with -k {keyword!r}" if keyword else f" with -m {markers!r}" if markers else ""
        raise SpecError(f"no cases in {', '.join(targets)}{chosen}; a suite file holds SUITE and bench_* functions")
    return [
        CollectedSuite(
            suite,
            tuple(case for _, case in members),
            path,
            tuple(pytest_plugin.rules_of(item) for item, _ in members),
        )
        for path, (suite, members) in suites.items()
    ]


def data_slots(given: Sequence[str], default: Mapping[str, str] | None = None) -> dict[str, str]:
    """Data specs by slot from ``--data`` arguments, else the environment, else the suite; ``""`` is the run's own.

    Args:
        given: ``SPEC`` or ``SLOT=SPEC``, each slot once.
        default: The suite's own data by slot, see `Suite.slots`.

    Raises:
        SpecError: If a slot is filled twice, or the environment names no folder.
    """
    slots: dict[str, str] = {}
    for text in given:
        match = _SLOT.match(text)
        slot, spec = match.groups() if match else ("", text)
        if slot in slots:
            raise SpecError(f"--data fills {slot or 'the run'} twice: {slots[slot]} and {spec}")
        slots[slot] = spec
    return {**(default or {}), **_from_environment(os.environ), **slots}


def require(suite: Suite, cases: Collection[Case], models: Collection[object], slots: Collection[str]) -> None:
    """Make sure that there is something to run before anything is loaded.

    Raises:
        SpecError: If there is no model, or no data for cases that name none of their own.
    """
    if not models:
        raise SpecError(f"suite {suite.name} has no default models; give --model, e.g. --model timm:resnet50")
    if "" not in slots and any(case.data is None for case in cases):
        raise SpecError(f"suite {suite.name} has no default data; give --data, e.g. --data 'imagenet(/path)'")


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    root = environment.get(DATA_VARIABLE)
    if not root:
        return {}
    if not Path(root).is_dir():
        raise SpecError(f"the environment variable {DATA_VARIABLE} must name a folder, got {root}")
    folders = sorted(folder for folder in Path(root).iterdir() if folder.is_dir())
    return {folder.name: str(Spec(folder.name, {}, (str(folder),))) for folder in folders if folder.name in DATASETS}


def _path(target: str) -> Path:
    known = builtin_suites()
    if target in known:
        return known[target]
    path = Path(target)
    if not path.exists():
        raise UnknownNameError("suite (or file)", target, known)
    return path


@contextlib.contextmanager
def _apart(paths: Sequence[Path]) -> Iterator[None]:
    """Leave the process as it was: no user's options go in; no import path and no suite module stays behind."""
    options, path, modules = os.environ.pop("PYTEST_ADDOPTS", None), list(sys.path), set(sys.modules)
    suites = {path.resolve() for path in paths}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if options is not None:
            os.environ["PYTEST_ADDOPTS"] = options
        sys.path[:] = path
        # A suite may have been edited, or be another of the same name, when it is collected again.
        for name in set(sys.modules) - modules:
            file = Path(getattr(sys.modules[name], "__file__", None) or "builtin").resolve()
            if file.match("bench_*.py") or file in suites:
                del sys.modules[name]


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
