"""From results folders to the files of the leaderboard."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pandas.api.types import union_categoricals

from robustbench_vit.aggregates.between_models import ColumnKey, ranks, shares
from robustbench_vit.aggregates.on_the_line import effective, fits, lines, means
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.seeds import over_seeds
from robustbench_vit.interchange.reported import holds_reported, reported
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.files import write, write_csv
from robustbench_vit.leaderboard.provenance import facts
from robustbench_vit.leaderboard.sections import summary_columns
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
    own, single = over_seeds(reading.measurements(read_trials(trials)))
    suites = set(own["suite"].astype(str))
    columns = {ColumnKey(*column.place) for column in summary_columns(own)}
    given = shares(reading, columns | means(reading.plans(suites)))
    fitted = fits(given)
    own = _with(own, pd.DataFrame([asdict(number) for number in effective(fitted)], columns=own.columns))
    return Board(
        measurements=_with(own, reported(folders)),
        facts=facts(reading, folders),
        ranks=ranks({key: models for key, models in given.items() if key in columns}, doubts(own)),
        reliability=reading.reliability(),
        single_seeds=single,
        lines=lines(fitted),
    )


def doubts(measurements: pd.DataFrame) -> dict[tuple[ColumnKey, str], str]:
    """The warnings of numbers: those are not ranked."""
    warned = measurements[measurements["warning"].astype(str) != ""]
    names = ["suite", "data", "geometry", "case", "metric", "model", "warning"]
    rows = warned[names].astype(str).itertuples(index=False, name=None)
    return {(ColumnKey(*key), model): warning for *key, model, warning in rows}


def _with(measurements: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Rows behind others; categories stay."""
    if not len(more):
        return measurements
    columns = {}
    for name in measurements.columns:
        one, two = measurements[name], more[name]
        if isinstance(one.dtype, pd.CategoricalDtype):
            words = pd.Index(two.unique(), dtype=one.cat.categories.dtype)  # that of no words at all is another
            both = [one, pd.Series(pd.Categorical(two, categories=words))]
            columns[name] = pd.Series(union_categoricals(both))
        else:
            columns[name] = pd.concat([one, two], ignore_index=True)
    return pd.DataFrame(columns)
