"""Where numbers are from: facts about models, and every run whose numbers are shown."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from statistics import median
from typing import Any

from robustbench_vit.aggregates.groups import split
from robustbench_vit.aggregates.names import without_seed
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.interchange.reported import reported_models
from robustbench_vit.leaderboard.facts import Facts, Run
from robustbench_vit.records import PlannedCase


def facts(reading: Reading, folders: Sequence[Path]) -> Facts:
    """What results folders say about their models, and about how these were run.

    Args:
        reading: What was run.
        folders: The same folders, and those that hold reported numbers alone.

    Raises:
        StoreError: If a file cannot be read.
    """
    runs = _runs(reading)
    known = {key: about for store in reading.stores for key, about in store.models().items()}
    models: dict[str, dict[str, Any]] = {name: dict(about) for name, about in reported_models(folders).items()}
    shown: dict[str, list[Run]] = {}
    for name, cases in _by_name(reading.where).items():
        key = cases[0].model_key
        mine = [run for run in runs.get(key, ()) if _made(run, cases)]
        about = {word: value for word, value in known.get(key, {}).items() if word != "model"}
        models[name] = {**about, "source": _source(name), "throughput": _throughput(mine)}
        shown[name] = _once(_told(run) for run in mine)
    return Facts(models, shown)


def _runs(reading: Reading) -> dict[str, list[Mapping[str, Any]]]:
    """All runs by model key, oldest first."""
    runs = sorted((run for store in reading.stores for run in store.runs()), key=lambda run: str(run["began"]))
    return split(runs, lambda run: str(run["model_key"]))


def _by_name(cases: Iterable[PlannedCase]) -> dict[str, list[PlannedCase]]:
    """The cases of each model, several seeds of it together, as tables have them."""
    return split(cases, lambda case: without_seed(case.model, case.seed))


def _made(run: Mapping[str, Any], cases: Sequence[PlannedCase]) -> bool:
    """Whether a run of the model may have made one of the cases; under any dtype, those that differentiate are fp32."""
    options = run["options"]
    return any(
        case.suite in run["suites"] and case.seed == options["seed"] and case.dtype in {options["dtype"], "fp32"}
        for case in cases
    )


def _throughput(runs: Iterable[Mapping[str, Any]]) -> float | None:
    """Images a second: the median, for a device may have had other work in one run."""
    known = [run["throughput"] for run in runs if run.get("throughput")]
    return median(known) if known else None


def _once(runs: Iterable[Run]) -> list[Run]:
    """Folders that were copied say the same of a run."""
    return [dict(run) for run in dict.fromkeys(tuple(run.items()) for run in runs)]


def _told(run: Mapping[str, Any]) -> Run:
    options = run["options"]
    versions = {**run["versions"], "Python": run.get("python", "unknown")}
    return {
        "suites": ", ".join(run["suites"]),
        "began": str(run["began"]),
        "device": str(run["device"]),
        "seed": str(options["seed"]),
        "dtype": str(options["dtype"]),
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "command": _command(run.get("command", ())),
    }


def _command(words: Iterable[str]) -> str:
    """The command line, its program by its name alone."""
    program, *arguments = [*words] or [""]
    name = PurePath(program).name
    return shlex.join(["robustbench-vit" if name == "__main__.py" else name, *arguments])


def _source(model: str) -> str:
    """Where a model is from: ``timm``, ``torchvision``, ``zoo``, or a file."""
    source, colon, _ = model.partition(":")
    return "file" if not colon or source.endswith(".py") else source
