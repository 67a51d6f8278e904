"""What images contribute to the numbers of a table, model by model, and the ranks that follow: ties are ties."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.cells import Correct, cells_of
from robustbench_vit.aggregates.groups import Group, groups
from robustbench_vit.aggregates.measuring import attempt
from robustbench_vit.aggregates.names import without_seed
from robustbench_vit.aggregates.ranking import Candidate, Over, standings, usual
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.references import Reference
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.records import PlannedCase

RANKS = ("suite", "data", "geometry", "case", "metric", "model", "rank", "tied", "reason")
"""Columns of ranks."""

_BY_CASE = frozenset({"top1", "robust_accuracy"})  # metrics that bits give


class ColumnKey(NamedTuple):
    """A column of a table: the same number of every model."""

    suite: str
    data: str
    geometry: str
    case: str
    metric: str


@dataclass(frozen=True)
class Share:
    """What each image contributes to a number of a model.

    Args:
        values: Shape (N,), float32: `Contributions.linear`; of several seeds, their mean.
        over: The cases and images it is over; only shares over the same are compared.
        group: The cases behind the number.
        seeds: The mean of the values of each seed that is in them.
    """

    values: NDArray[np.float32]
    over: Over
    group: Group
    seeds: Mapping[int, float] = field(default_factory=dict)


Shares: TypeAlias = dict[ColumnKey, dict[str, Share]]
"""By column and model."""


def shares(reading: Reading, columns: Iterable[ColumnKey]) -> Shares:
    """What images contribute to the numbers of these columns, those that are made of right and wrong answers.

    Args:
        reading: The results.
        columns: Which; those of other numbers, such as the ECE, are left out.
    """
    wanted = {key for key in columns if key.metric in _BY_CASE or key.metric in AGGREGATES}
    found: dict[ColumnKey, dict[str, list[Share]]] = {key: {} for key in sorted(wanted)}  # sets have no order
    for plan in reading.plans({key.suite for key in wanted}):
        correct = reading.correct(plan)
        for key, group in _groups(plan, wanted):
            number = _number(key.metric, group, correct, reading.reference)
            if isinstance(number, Contributions) and len(number):
                model = without_seed(group.last.model, group.last.seed)
                found[key].setdefault(model, []).append(_share(number, group, correct))
    return {key: {model: _mean(seeds) for model, seeds in models.items()} for key, models in found.items()}


def ranks(found: Shares, doubts: Mapping[tuple[ColumnKey, str], str]) -> pd.DataFrame:
    """Rank the models of each column that has a better end.

    Args:
        found: What images contribute.
        doubts: Why the number of a model in a column must not be ranked.

    Returns:
        A row a model that has shares, with the columns `RANKS`: ``rank`` from 1, or 0 and a ``reason`` for none.
    """
    rows = []
    for key, models in found.items():
        row = METRICS[key.metric] if key.metric in METRICS else AGGREGATES[key.metric]
        if row.higher_is_better is None:
            continue
        candidates = {
            model: Candidate(share.values, share.over, doubts.get((key, model), "")) for model, share in models.items()
        }
        for model, standing in standings(candidates, row.higher_is_better).items():
            rows.append((*key, model, standing.rank or 0, standing.tied, standing.reason))
    return pd.DataFrame(rows, columns=list(RANKS))


def _groups(plan: Sequence[PlannedCase], columns: set[ColumnKey]) -> Iterator[tuple[ColumnKey, Group]]:
    """The columns of a model's plan, and the cases that its number there is over."""
    for case in plan:
        key = ColumnKey(case.suite, case.data, case.geometry, case.case, case.accuracy)
        if key in columns:
            yield key, Group("case", case.case, (case,))
    for group in groups(plan):
        last = group.last
        for row in (row for row in AGGREGATES if row.scope == group.scope):
            key = ColumnKey(last.suite, last.data, last.geometry, group.name, row.name)
            if key in columns and not group.absent and not group.wants_clean:
                yield key, group


def _number(metric: str, group: Group, correct: Correct, reference: Reference) -> Contributions | str:
    if metric in _BY_CASE:
        return Contributions(np.asarray(correct[group.last], np.float64))
    row = AGGREGATES[metric]
    against = reference if row.compares else None
    if against and (unknown := against.why_not(group.members)):
        return unknown
    return attempt(row, cells_of(group, correct, against))


def _share(number: Contributions, group: Group, correct: Correct) -> Share:
    values = number.linear().astype(np.float32)
    return Share(values, _over(group, correct), group, {group.last.seed: float(number.value)})


def _over(group: Group, correct: Correct) -> Over:
    """What a reading gives to models that have seen the same images is the same index."""
    cases = frozenset((case.case, case.data, case.geometry, case.label_space) for case in group.members)
    return Over(cases, (id(correct[group.last].index), frozenset(id(correct[case].index) for case in group.members)))


def _mean(seeds: Sequence[Share]) -> Share:
    """Of several seeds one: of those that ran the same cases on the same images as most of them."""
    most = usual(share.over for share in seeds)
    alike = [share for share in seeds if share.over == most]
    single = {seed: value for share in alike for seed, value in share.seeds.items()}
    return replace(alike[0], values=np.mean([share.values for share in alike], axis=0), seeds=single)
