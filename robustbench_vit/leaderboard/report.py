"""From results folders to the files of the leaderboard."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

import pandas as pd
from pandas.api.types import union_categoricals

from robustbench_vit.aggregates.between_models import Place, effective, means, ranks, shares
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.references import VARIANT
from robustbench_vit.aggregates.seeds import over_seeds
from robustbench_vit.interchange.reported import holds_reported, reported, reported_models
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.files import write, write_csv
from robustbench_vit.leaderboard.sections import Facts, summary_columns
from robustbench_vit.store import Store
from robustbench_vit.trials import read_trials


def write_report(
    folders: Sequence[Path], out: Path, reference: str | None = None, trials: Sequence[str] = ()
) -> list[Path]:
    """Score what is new in the folders and write results.csv, leaderboard.csv, leaderboard.html and leaderboard.md.

    Args:
        folders: Results folders.
        out: Where to write.
        reference: Model of the folders that corruption errors are relative to; None is AlexNet as published.
        trials: Files of what humans and other models said, see `robustbench_vit.trials.read_trials`.

    Raises:
        StoreError: If a folder holds no results or a file cannot be read or written.
        UnknownNameError: If no model is called as the reference.
        DataError: If trials cannot be read, or are about other images.
    """
    return render(folders, out, reference, trials)[1]


def render(
    folders: Sequence[Path], out: Path, reference: str | None = None, trials: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[Path]]:
    """Read the folders once; give the measurements and the files that `write_report` writes."""
    found = read_board(folders, reference, trials)
    return found.measurements, write(found, out)


def write_results(folders: Sequence[Path], out: Path, reference: str | None = None, trials: Sequence[str] = ()) -> Path:
    """Score what is new in the folders and write results.csv alone."""
    return write_csv(read_board(folders, reference, trials).everything, out / "results.csv")


def read_board(folders: Sequence[Path], reference: str | None = None, trials: Sequence[str] = ()) -> Board:
    """Everything that a leaderboard shows of results folders.

    Args:
        folders: As for `write_report`.
        reference: As for `write_report`.
        trials: As for `write_report`.

    Raises:
        StoreError: As `write_report`.
        UnknownNameError: As `write_report`.
        DataError: As `write_report`.
    """
    run = [folder for folder in folders if Store(folder).is_run or not holds_reported(folder)]
    reading = Reading(run, reference)
    single = reading.measurements(read_trials(trials))
    own = over_seeds(single)
    suites = set(own["suite"].astype(str))
    columns = {Place(one.suite, one.data, one.geometry, one.case, one.metric) for one in summary_columns(own)}
    given = shares(reading, columns | means(reading.plans(suites)))
    own = _with(own, pd.DataFrame([asdict(number) for number in effective(given)], columns=own.columns))
    of_seeds = single[single["model"].astype(str).str.contains(f"{VARIANT}seed ", regex=False)]
    return Board(
        measurements=_with(own, reported(folders)),
        facts=facts(reading, folders),
        ranks=ranks({place: models for place, models in given.items() if place in columns}, doubts(own)),
        reliability=reading.reliability(),
        single_seeds=of_seeds if len(own) < len(single) else single.iloc[:0],
    )


def doubts(measurements: pd.DataFrame) -> dict[tuple[Place, str], str]:
    """The warnings of numbers: those are not ranked."""
    warned = measurements[measurements["warning"].astype(str) != ""]
    names = ["suite", "data", "geometry", "case", "metric", "model", "warning"]
    rows = warned[names].astype(str).itertuples(index=False, name=None)
    return {(Place(*place), model): warning for *place, model, warning in rows}


def facts(reading: Reading, folders: Sequence[Path]) -> Facts:
    """Parameters, preprocessing, throughput and circumstances of the models, and of the last run."""
    runs = sorted((run for store in reading.stores for run in store.runs()), key=lambda run: str(run["began"]))
    last = {run["model_key"]: _circumstances(run) for run in runs}
    speed = {run["model_key"]: run["throughput"] for run in runs if run["throughput"]}
    known = {key: dict(about) for store in reading.stores for key, about in store.models().items()}
    models: dict[str, dict[str, Any]] = {name: dict(about) for name, about in reported_models(folders).items()}
    for case in reading.where:
        about = {name: value for name, value in known.get(case.model_key, {}).items() if name != "model"}
        seeds = {"source": _source(case.model), "throughput": speed.get(case.model_key), **last.get(case.model_key, {})}
        models[case.model.replace(f"{VARIANT}seed {case.seed}", "")] = {**about, **seeds}
    return Facts(models, _shown(runs[-1]) if runs else {})


def _with(measurements: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Rows behind others; categories stay."""
    if not len(more):
        return measurements
    columns = {}
    for name in measurements.columns:
        one, two = measurements[name], more[name]
        if isinstance(one.dtype, pd.CategoricalDtype):
            words = two.astype(one.cat.categories.dtype).astype("category")
            columns[name] = pd.Series(union_categoricals([one, words]))
        else:
            columns[name] = pd.concat([one, two], ignore_index=True)
    return pd.DataFrame(columns)


def _source(model: str) -> str:
    """Where a model is from: ``timm``, ``torchvision``, ``zoo``, or a file."""
    source, colon, _ = model.partition(":")
    return "file" if not colon or source.endswith(".py") else source


def _circumstances(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the section of a model says about its last run."""
    options = run["options"]
    versions = {**run["versions"], "Python": run.get("python", "unknown")}
    return {
        "device": run["device"],
        "seed": options["seed"],
        "dtype": options["dtype"],
        "versions": _listed(versions),
        "command": _command(run.get("command", ())),
    }


def _command(words: Iterable[str]) -> str:
    """The command line, its program by its name alone."""
    program, *arguments = [*words] or [""]
    name = PurePath(program).name
    return shlex.join(["robustbench-vit" if name == "__main__.py" else name, *arguments])


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def _shown(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the foot of the page says about the last run."""
    about = _circumstances(run)
    return {"run": run["began"], **{name: about[name] for name in ("device", "seed", "dtype", "versions")}}
