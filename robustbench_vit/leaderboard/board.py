"""Everything that the files of a leaderboard are made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from robustbench_vit.aggregates.between_models import RANKS
from robustbench_vit.aggregates.on_the_line import LINES
from robustbench_vit.aggregates.reading import RELIABILITY
from robustbench_vit.leaderboard.facts import Facts


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


@dataclass(frozen=True, eq=False)
class Board:
    """A leaderboard.

    Args:
        measurements: Columns of `robustbench_vit.records.Measurement`, in plan order; text may be categorical.
        facts: Facts of models and run.
        ranks: For columns of the summary, see `robustbench_vit.leaderboard.sections.summary_columns`: the ``rank`` of
            each model (an integer from 1, or 0 for none), whether it is ``tied`` (cannot be told from the best), and
            the ``reason`` why it has no rank, else empty. May be empty.
        reliability: For clean cases: the ``bin`` (0 to 14), its number of ``images``, their mean ``confidence`` and
            their ``accuracy``, in [0,1], NaN in an empty bin. May be empty.
        single_seeds: Where a model was run with several seeds: the rows of each, for ``results.csv`` alone.
        lines: For each mean that effective robustness is of (``case`` and ``metric``): ``slope`` and ``intercept`` of
            logit(mean) = intercept + slope · logit(clean top1), and to how many ``models`` it was fitted: those that
            have the metric ``effective_robustness`` of this case. May be empty.
    """

    measurements: pd.DataFrame
    facts: Facts = field(default_factory=Facts)
    ranks: pd.DataFrame = field(default_factory=lambda: _empty(RANKS))
    reliability: pd.DataFrame = field(default_factory=lambda: _empty(RELIABILITY))
    single_seeds: pd.DataFrame = field(default_factory=pd.DataFrame)
    lines: pd.DataFrame = field(default_factory=lambda: _empty(LINES))

    @property
    def everything(self) -> pd.DataFrame:
        """The measurements, then those of single seeds."""
        return pd.concat([self.measurements, self.single_seeds]) if len(self.single_seeds) else self.measurements
