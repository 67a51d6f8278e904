"""From results folders to the files of the leaderboard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.reading import Reading, merged, model_names
from robustbench_vit.leaderboard.files import write, write_csv
from robustbench_vit.leaderboard.sections import Facts
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store
from robustbench_vit.trials import read_trials


def write_report(
    folders: Sequence[Path], out: Path, reference: str | None = None, trials: Sequence[str] = ()
) -> list[Path]:
    """Score the folders and write results.csv, leaderboard.csv and leaderboard.html.

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
    """Score the folders once; give the measurements and the files that `write_report` writes."""
    measurements = measure(folders, reference, trials)
    return measurements, write(measurements, facts(folders), out)


def write_results(folders: Sequence[Path], out: Path, reference: str | None = None, trials: Sequence[str] = ()) -> Path:
    """Score the folders and write results.csv alone."""
    return write_csv(measure(folders, reference, trials), out / "results.csv")


def measure(folders: Sequence[Path], reference: str | None = None, trials: Sequence[str] = ()) -> pd.DataFrame:
    """Score what is new in several results folders, and give all measurements; text columns are categories."""
    return Reading(folders).measurements(reference, read_trials(trials))


def planned(folders: Sequence[Path]) -> dict[PlannedCase, Store]:
    """The cases of several folders, their models named as in tables, and where their rows are."""
    stores = [Store(folder) for folder in folders]
    return merged({store: store.planned() for store in stores})


def facts(folders: Sequence[Path]) -> Facts:
    """Parameters, preprocessing and throughput of the models, and the circumstances of the last run."""
    stores = [Store(folder) for folder in folders]
    names = model_names([case for store in stores for case in store.planned()])
    runs = sorted((run for store in stores for run in store.runs()), key=lambda run: str(run["began"]))
    speed = {run["model_key"]: run["throughput"] for run in runs if run["throughput"]}
    models: dict[str, dict[str, Any]] = {}
    for store in stores:
        for key, known in store.models().items():
            about = {name: value for name, value in known.items() if name != "model"}
            models[names.get(key, str(known["model"]))] = {**about, "throughput": speed.get(key)}
    return Facts(models, _shown(runs[-1]) if runs else {})


def _shown(run: dict[str, Any]) -> dict[str, Any]:
    """What the foot of the page says about the last run."""
    versions = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    options = run["options"]
    return {
        "run": run["began"],
        "device": run["device"],
        "seed": options["seed"],
        "dtype": options["dtype"],
        "versions": versions,
    }
