"""Suites as pytest modules: ``pytest suites/ --rb-model zoo:vit_xs`` (contract C5).

Files are collected as suites only with ``--rb-model`` (or from our own command line), and only if they are named
``bench_*.py`` (or are given as arguments) and declare ``SUITE``, so other people's ``bench_*.py`` are left alone. The
first item runs the plan of all selected items, block by block; then every item reports its case, and whether it came to
what ``@pytest.mark.expect("top1 >= 0.6")`` says.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from robustbench_vit.errors import RobustbenchError
from robustbench_vit.evaluation.options import Options, read_batch_size
from robustbench_vit.gates.expectation import MARK, REGISTERED, expected, measured_models, unmet
from robustbench_vit.gates.rules import Rule
from robustbench_vit.records import PlannedCase
from robustbench_vit.spec import parse, split_specs
from robustbench_vit.suite import Case, Suite

_CASE = pytest.StashKey[Case]()
_RECORDS = pytest.StashKey[dict[tuple[str, str], list[PlannedCase]]]()
_FILES = pytest.StashKey[list[Path]]()
_RULES = pytest.StashKey[tuple[Rule, ...]]()
_MEASURED = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a run; the names are those of ``robustbench-vit run``."""
    group = parser.getgroup("robustbench_vit", "robustness suites")
    group.addoption("--rb-model", action="append", default=[], metavar="SPEC", help="model to evaluate (repeatable)")
    group.addoption("--rb-data", action="append", default=[], metavar="[SLOT=]SPEC", help="data set (repeatable)")
    group.addoption("--rb-out", default="results/pytest", metavar="DIR", help="results folder (%(default)s)")
    group.addoption("--rb-limit", type=int, metavar="N", help="number of samples")
    group.addoption("--rb-seed", type=int, default=0, metavar="N", help="seed of all draws (%(default)s)")
    group.addoption("--rb-device", default="auto", help="cpu, cuda, … (%(default)s)")
    group.addoption("--rb-dtype", default="fp32", choices=("fp32", "bf16"), help="precision (%(default)s)")
    group.addoption("--rb-batch-size", default="auto", metavar="N", help="images a forward pass (%(default)s)")
    group.addoption("--rb-geometry", metavar="SPEC", help="geometry instead of the data set's own")
    group.addoption("--rb-cache", metavar="DIR", help="cache of decoded pictures")
    group.addoption("--rb-collect", action="store_true", help="collect suite files without --rb-model")


def pytest_configure(config: pytest.Config) -> None:
    """Check the options, and refuse to be distributed: a run is one plan, and shards are its own way to split.

    Raises:
        UsageError: Under pytest-xdist, or if an option has no meaning.
    """
    config.addinivalue_line("markers", REGISTERED)
    if not config.option.rb_model:
        return
    if getattr(config.option, "numprocesses", None) or getattr(config.option, "dist", "no") != "no":
        raise pytest.UsageError(
            "suites cannot be distributed by xdist; use `robustbench-vit run … --shard i/n` instead"
        )
    try:
        Options(**_settings(config.option), limit=config.option.rb_limit)
        _ = [parse(model) for model in _models(config.option)]
    except RobustbenchError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Our own command line collects suites only; tests beside them are not even imported."""
    beside = collection_path.suffix == ".py" and not _is_suite(collection_path, config)
    return True if config.option.rb_collect and beside else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "SuiteModule | None":
    """Collect a suite file that pytest would pass over."""
    seen = parent.session.isinitpath(file_path) or _is_test(file_path, parent.config)
    return None if seen else pytest_pycollect_makemodule(file_path, parent)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> "SuiteModule | None":
    """A suite file that pytest collects by itself is a suite, not a module of tests."""
    if not _is_suite(module_path, parent.config):
        return None
    module: SuiteModule = SuiteModule.from_parent(parent, path=module_path)
    return module


class SuiteModule(pytest.Module):
    """A suite file; its ``bench_*`` functions are the items."""

    def istestfunction(self, obj: object, name: str) -> bool:
        """Suite functions are named ``bench_*``."""
        return name.startswith("bench_") and callable(obj)

    def istestclass(self, obj: object, name: str) -> bool:
        """Suites have no classes."""
        del obj, name
        return False

    @property
    def suite(self) -> Suite:
        """What the module declares.

        Raises:
            CollectError: If ``SUITE`` is no `Suite`.
        """
        suite = getattr(self.obj, "SUITE", None)
        if not isinstance(suite, Suite):
            raise self.CollectError(f"{self.path}: SUITE must be a robustbench_vit.suite.Suite, got {suite!r}")
        return suite

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The suite's functions, each with the case it declares."""
        _ = self.suite
        for item in super().collect():
            if isinstance(item, pytest.Function):
                item.stash[_CASE] = _declared(item, self)
                item.stash[_RULES] = expected(item.iter_markers(MARK))
            yield item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """What is wrong with a declaration, without the way there."""
        if isinstance(excinfo.value, RobustbenchError):
            return f"{self.path}: {excinfo.value}"
        return super().repr_failure(excinfo)


def rules_of(item: pytest.Item) -> tuple[Rule, ...]:
    """What the marks of a suite's item expect of its case."""
    return item.stash[_RULES]


def group(items: Sequence[pytest.Item]) -> dict[Path, tuple[Suite, list[tuple[pytest.Item, Case]]]]:
    """Selected suite items by file, in the order of collection."""
    suites: dict[Path, tuple[Suite, list[tuple[pytest.Item, Case]]]] = {}
    for item in items:
        if isinstance(item.parent, SuiteModule) and _CASE in item.stash:
            suites.setdefault(item.path, (item.parent.suite, []))[1].append((item, item.stash[_CASE]))
    return suites


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Report a case; the first one runs the whole plan."""
    if _CASE not in pyfuncitem.stash or not isinstance(pyfuncitem.parent, SuiteModule):
        return None
    config = pyfuncitem.config
    if _RECORDS not in config.stash:
        config.stash[_RECORDS] = _run_everything(pyfuncitem.session)
    records = config.stash[_RECORDS][str(pyfuncitem.parent.suite), pyfuncitem.nodeid]
    failed = [f"{record.model}: {record.reason}" for record in records if record.status == "failed"]
    if failed:
        pytest.fail("\n".join(failed), pytrace=False)
    measured = config.stash[_MEASURED].get(str(pyfuncitem.parent.suite), {})
    if missed := unmet(rules_of(pyfuncitem), records, measured):
        pytest.fail("\n".join(verdict.sentence() for verdict in missed), pytrace=False)
    skipped = [record.reason for record in records if record.status == "skipped"]
    if skipped:
        pytest.skip(skipped[0])
    return True


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the files that were written."""
    for file in config.stash.get(_FILES, []):
        terminalreporter.write_line(f"robustbench_vit: wrote {file}")


def _run_everything(session: pytest.Session) -> dict[tuple[str, str], list[PlannedCase]]:
    """Run all selected cases, write the leaderboard, and tell every item how its case ended."""
    try:
        return _ended(session)
    except RobustbenchError as error:
        # Nothing is lost, and no other item would fare better.
        pytest.exit(f"robustbench_vit: {error}", returncode=pytest.ExitCode.USAGE_ERROR)


def _ended(session: pytest.Session) -> dict[tuple[str, str], list[PlannedCase]]:
    # Imported here: a pytest session that runs no suite must not pay for torch.
    from robustbench_vit.api import run_suite, write_report
    from robustbench_vit.collect import data_slots

    option = session.config.option
    out = Path(option.rb_out)
    records: dict[tuple[str, str], list[PlannedCase]] = {}
    measured: dict[str, dict[str, Any]] = {}
    for suite, members in group(session.items).values():
        plan = run_suite(
            suite,
            [case for _, case in members],
            models=_models(option),
            data=data_slots(option.rb_data, suite.slots),
            out=out,
            limit=suite.limit if option.rb_limit is None else option.rb_limit,
            **_settings(option),
        )
        for item, case in members:
            records[str(suite), item.nodeid] = plan.of(case)
        if any(item.stash[_RULES] for item, _ in members):
            measured[str(suite)] = measured_models(plan.records, plan.store.rows)
    session.config.stash[_MEASURED] = measured
    session.config.stash[_FILES] = write_report([out], out)
    return records


def _models(option: Any) -> list[str]:
    return [spec for text in option.rb_model for spec in split_specs(text)]


def _settings(option: Any) -> dict[str, Any]:
    """The fields of `Options` that concern all suites alike."""
    return {
        "seed": option.rb_seed,
        "device": option.rb_device,
        "dtype": option.rb_dtype,
        "batch_size": read_batch_size(option.rb_batch_size),
        "geometry": option.rb_geometry,
        "cache": option.rb_cache,
    }


def _declared(item: pytest.Function, module: SuiteModule) -> Case:
    """Call a suite function with its parameters and check what it returns."""
    parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    wanted = set(item._fixtureinfo.argnames)  # noqa: SLF001 - pytest has no public name for it
    if wanted - set(parameters):
        raise module.CollectError(
            f"{item.nodeid}: suite functions take arguments of pytest.mark.parametrize only, got {sorted(wanted)}"
        )
    case = item.obj(**parameters)
    if not isinstance(case, Case):
        raise module.CollectError(f"{item.nodeid} must return a robustbench_vit.suite.Case, got {case!r}")
    return case


def _is_suite(file: Path, config: pytest.Config) -> bool:
    if file.suffix != ".py" or not (config.option.rb_model or config.option.rb_collect):
        return False
    given = {(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args}
    named = file.match("bench_*.py") or (file.resolve() in given and not _is_test(file, config))
    return named and _declares_suite(file)


def _is_test(file: Path, config: pytest.Config) -> bool:
    return any(file.match(pattern) for pattern in config.getini("python_files"))


def _declares_suite(file: Path) -> bool:
    """Whether a file assigns ``SUITE`` at module level."""
    text = file.read_text(encoding="utf-8", errors="replace")
    if "SUITE" not in text:
        return False
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return True  # let the import say what is wrong
    assigned = [node for node in statements if isinstance(node, ast.Assign | ast.AnnAssign)]
    targets = [
        target for node in assigned for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return any(isinstance(target, ast.Name) and target.id == "SUITE" for target in targets)
