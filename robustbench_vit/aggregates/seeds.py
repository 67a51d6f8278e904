"""The spread between seeds: a model that was run with several has one row a number, and how far its seeds lie apart."""

import pandas as pd

from robustbench_vit.aggregates.honesty import BETWEEN
from robustbench_vit.aggregates.references import VARIANT

_OWN = frozenset(
    ("value", "n", "low", "high", "status", "definition", "reason", "warning", "seed", "seeds", "seed_sd")
)  # columns in which the rows of one number may differ between seeds


_SEED = f"{VARIANT}seed "  # and the number: how a table tells the seeds of a model apart


def over_seeds(measurements: pd.DataFrame) -> pd.DataFrame:
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
        many have a number), ``seed_sd`` (NaN for fewer than two), the smallest n, the first seed and definition, and a
        warning where some of the seeds have no number. Other rows are as they were.
    """
    if not any(_SEED in str(name) for name in measurements["model"].unique()):
        return measurements
    named = {name: _without_seed(measurements, name) for name in ("model", "reference")}
    of_seeds = (named["model"] != measurements["model"].astype(str)).to_numpy()
    rows = measurements[of_seeds].assign(**{name: column[of_seeds] for name, column in named.items()})
    key = [name for name in rows.columns if name not in _OWN]
    number = rows.groupby(key, dropna=False, sort=False, observed=True).ngroup()
    merged = _merged(rows, number).set_axis(rows.index[~number.duplicated()])
    others = measurements[~of_seeds].astype(dict.fromkeys(named, object))
    return pd.concat([others, merged]).loc[lambda both: both.index.sort_values()].reset_index(drop=True)


def _without_seed(frame: pd.DataFrame, name: str) -> "pd.Series[str]":
    """A column of names without the seed of their row."""
    pairs = zip(frame[name].astype(str), frame["seed"], strict=True)
    return pd.Series([text.replace(f"{_SEED}{seed}", "") for text, seed in pairs], frame.index, dtype=object)


def _merged(rows: pd.DataFrame, number: "pd.Series[int]") -> pd.DataFrame:
    """A row a number, in the order of their numbers from 0."""
    grouped = rows.groupby(number)
    first = rows[~number.duplicated().to_numpy()].reset_index(drop=True)
    values = grouped[["value", "low", "high"]].mean()
    return first.assign(
        value=values["value"],
        low=values["low"],
        high=values["high"],
        n=grouped["n"].min(),
        seeds=grouped["value"].count(),
        seed_sd=grouped["value"].std(ddof=1),
        status=_worst(rows, number),
        reason=first["reason"].astype(object).where(values["value"].isna(), ""),
        warning=_warnings(rows, number),
    )


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
