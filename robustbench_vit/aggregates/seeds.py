"""The spread between seeds: a model that was run with several has one row a number, and how far its seeds lie apart."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.honesty import BETWEEN
from robustbench_vit.aggregates.names import without_seed

_OWN = frozenset(
    ("value", "n", "low", "high", "status", "definition", "reason", "warning", "seed", "seeds", "seed_sd")
)  # columns in which the rows of one number may differ between seeds


class OverSeeds(NamedTuple):
    """Measurements, with a row for all seeds of a model.

    Args:
        measurements: Rows of several seeds are one.
        single: The rows of single seeds that these were made of.
    """

    measurements: pd.DataFrame
    single: pd.DataFrame


def over_seeds(measurements: pd.DataFrame) -> OverSeeds:
    """Put the mean over seeds in the place of the rows of single seeds.

    The value is the mean over the seeds and ``seed_sd`` their standard deviation (divisor seeds − 1): what another
    draw of the perturbation, on the same images, would change. Ends of the interval are the means of the seeds' ends.
    That is the interval over images, and cautious as one: the seeds share their images, so their mean has a standard
    error of at most the mean of theirs, and by how much less nobody knows without the images. It does not hold the
    spread between seeds, which stands beside it.

    Args:
        measurements: Columns of `Measurement`. A model run with several seeds is called ``name · seed 0`` (and perhaps
            `` · bf16``), so is the decision maker it is compared with.

    Returns:
        Rows of several seeds are one, in the place of the first: under the name without the seed, with ``seeds`` (how
        many have a number), ``seed_sd`` (NaN for fewer than two), the smallest n of those that have, the first seed and
        definition, and a warning where some of the seeds have no number. Other rows are as they were.
    """
    models = _without_seed(measurements, "model")
    of_seeds = (models != measurements["model"].astype(str)).to_numpy()
    single = measurements[of_seeds]
    if not len(single):
        return OverSeeds(measurements, single)
    named = {"model": models[of_seeds], "reference": _without_seed(single, "reference")}
    rows = single.assign(**named)
    key = [name for name in rows.columns if name not in _OWN]
    number = rows.groupby(key, dropna=False, sort=False, observed=True).ngroup()
    merged = _merged(rows, number).set_axis(rows.index[~number.duplicated()])
    others = measurements[~of_seeds].astype(dict.fromkeys(named, object))
    together = pd.concat([others, merged]).loc[lambda both: both.index.sort_values()].reset_index(drop=True)
    return OverSeeds(together, single)


def _without_seed(frame: pd.DataFrame, name: str) -> "pd.Series[str]":
    """A column of names without the seed of their row."""
    pairs = pd.MultiIndex.from_arrays([frame[name].astype(str), frame["seed"]])
    codes, unique = pairs.factorize()
    shorter = np.array([without_seed(text, seed) for text, seed in unique], dtype=object)
    return pd.Series(shorter[codes], frame.index, dtype=object)


def _merged(rows: pd.DataFrame, number: "pd.Series[int]") -> pd.DataFrame:
    """A row a number, in the order of their numbers from 0."""
    grouped = rows.groupby(number)
    first = rows[~number.duplicated().to_numpy()].reset_index(drop=True)
    values = grouped[["value", "low", "high"]].mean()
    return first.assign(
        value=values["value"],
        low=values["low"],
        high=values["high"],
        n=_images(rows, number),
        seeds=grouped["value"].count(),
        seed_sd=grouped["value"].std(ddof=1),
        status=_worst(rows, number),
        reason=first["reason"].astype(object).where(values["value"].isna(), ""),
        warning=_warnings(rows, number),
    )


def _images(rows: pd.DataFrame, number: "pd.Series[int]") -> "pd.Series[int]":
    """The smallest n of the seeds that have a value; 0 if none has."""
    there = rows["value"].notna()
    return rows["n"][there].groupby(number[there]).min().reindex(range(number.nunique()), fill_value=0)


def _worst(rows: pd.DataFrame, number: "pd.Series[int]") -> "pd.Series[str]":
    """The status of each number: that of the first seed that is not done, if any."""
    status = rows["status"].astype(object)
    return status[status != "done"].groupby(number).first().reindex(range(number.nunique()), fill_value="done")


def _warnings(rows: pd.DataFrame, number: "pd.Series[int]") -> list[str]:
    """The different warnings of each number, and which seeds have none."""
    texts: list[dict[str, None]] = [{} for _ in range(number.nunique())]
    lacks = rows["value"].isna() & rows["value"].notna().groupby(number).transform("any")
    for at, seed, reason in zip(number[lacks], rows["seed"][lacks], rows["reason"][lacks], strict=True):
        texts[at][f"without seed {seed}: {reason}"] = None
    warned = rows["warning"].astype(str) != ""
    for at, warning in zip(number[warned], rows["warning"][warned], strict=True):
        texts[at][warning] = None
    return [BETWEEN.join(found) for found in texts]
