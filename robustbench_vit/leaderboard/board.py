"""Everything that the files of a leaderboard are made from."""

from dataclasses import dataclass, field

import pandas as pd

from robustbench_vit.leaderboard.sections import Facts

_PLACE = ["suite", "data", "geometry", "case"]
RANKS = [*_PLACE, "metric", "model", "rank", "tied"]
"""Columns of `Board.ranks`."""

RELIABILITY = [*_PLACE, "model", "bin", "images", "confidence", "accuracy"]
"""Columns of `Board.reliability`."""


def _empty(columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=columns)


@dataclass(frozen=True, eq=False)
class Board:
    """A leaderboard.

    Args:
        measurements: Columns of `robustbench_vit.records.Measurement`, in plan order; text may be categorical.
        facts: Facts of models and run.
        ranks: For columns of the summary, see `robustbench_vit.leaderboard.sections.summary_columns`: the ``rank`` of
            each model (an integer from 1), and whether it is ``tied`` (cannot be told from the best). May be empty.
        reliability: For clean cases: the ``bin`` (0 to 14), its number of ``images``, their mean ``confidence`` and
            their ``accuracy``, in [0,1], NaN in an empty bin. May be empty.
        single_seeds: Where a model was run with several seeds: the rows of each, for ``results.csv`` alone.
    """

    measurements: pd.DataFrame
    facts: Facts = field(default_factory=Facts)
    ranks: pd.DataFrame = field(default_factory=lambda: _empty(RANKS))
    reliability: pd.DataFrame = field(default_factory=lambda: _empty(RELIABILITY))
    single_seeds: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def everything(self) -> pd.DataFrame:
        """The measurements, then those of single seeds."""
        return pd.concat([self.measurements, self.single_seeds]) if len(self.single_seeds) else self.measurements
