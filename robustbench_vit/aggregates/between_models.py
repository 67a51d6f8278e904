"""What is said of a model beside the others of a table: ranks with ties, and effective robustness."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.cells import Correct, cells_of
from robustbench_vit.aggregates.corruptions import benchmark_part
from robustbench_vit.aggregates.effective import DEFINITION, EFFECTIVE, effective_robustness
from robustbench_vit.aggregates.groups import CLEAN, Group, groups
from robustbench_vit.aggregates.measuring import attempt, of_case
from robustbench_vit.aggregates.ranking import Candidate, standings
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.references import VARIANT, Reference
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.metrics.contributions import Contributions, FloatArray
from robustbench_vit.records import Measurement, PlannedCase, Status

RANKS = ("suite", "data", "geometry", "case", "metric", "model", "rank", "tied")
"""Columns of ranks."""

_BY_CASE = frozenset({"top1", "robust_accuracy"})  # metrics that bits give
_MEANS = frozenset({"family_accuracy", "mean_corruption_accuracy"})  # what models keep under perturbations


_NOWHERE: dict[str, Any] = {"perturbation": "", "curve": "", "axis": "", "at": nan, "clean_at": nan}


class Place(NamedTuple):
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
        images: Equal for shares of the same images in the same order.
        group: The cases behind the number.
    """

    values: FloatArray
    images: Hashable
    group: Group


Shares: TypeAlias = dict[Place, dict[str, Share]]
"""By column and model."""


def shares(reading: Reading, places: Iterable[Place]) -> Shares:
    """What images contribute to the numbers of these columns, those that are made of right and wrong answers.

    Args:
        reading: The results.
        places: The columns; those of other numbers, such as the ECE, are left out.
    """
    wanted = {place for place in places if place.metric in _BY_CASE or place.metric in AGGREGATES}
    found: dict[Place, dict[str, list[Share]]] = {place: {} for place in wanted}
    for plan in reading.plans({place.suite for place in wanted}):
        correct = reading.correct(plan)
        for place, group in _groups(plan, wanted):
            number = _number(place.metric, group, correct, reading.reference)
            if isinstance(number, Contributions) and len(number):
                share = Share(number.linear().astype(np.float32), _images(group, correct), group)
                found[place].setdefault(_model(group.last), []).append(share)
    return {place: {model: _mean(seeds) for model, seeds in models.items()} for place, models in found.items()}


def ranks(found: Shares, doubts: Mapping[tuple[Place, str], str]) -> pd.DataFrame:
    """Rank the models of each column that has a better end.

    Args:
        found: What images contribute.
        doubts: Why the number of a model in a column must not be ranked.

    Returns:
        A row a ranked model, with the columns `RANKS`.
    """
    rows = []
    for place, models in found.items():
        row = METRICS[place.metric] if place.metric in METRICS else AGGREGATES[place.metric]
        if row.higher_is_better is None:
            continue
        candidates = {
            model: Candidate(share.values, share.images, doubts.get((place, model), ""))
            for model, share in models.items()
        }
        for model, standing in standings(candidates, row.higher_is_better).items():
            if standing.rank is not None:
                rows.append((*place, model, standing.rank, standing.tied))
    return pd.DataFrame(rows, columns=list(RANKS))


def effective(found: Shares) -> Iterator[Measurement]:
    """Effective robustness of the models, for each mean over a family or over the corruptions.

    Models that have seen other images than most are left out. Where no line can be fitted there is no number.

    Args:
        found: What images contribute to clean accuracies and to means.
    """
    for place, models in found.items():
        clean = found.get(place._replace(case=CLEAN, metric="top1"), {})
        if place.metric in _MEANS:
            yield from _effective({model: (clean[model], share) for model, share in models.items() if model in clean})


def means(plans: Iterable[Sequence[PlannedCase]]) -> set[Place]:
    """The columns that `effective` needs."""
    found = set()
    for plan in plans:
        for group in groups(plan):
            metric = {"family": "family_accuracy", "corruptions": "mean_corruption_accuracy"}.get(group.scope)
            part = benchmark_part(group.name)  # of corruptions the whole benchmark, and no group of it
            if metric and (group.scope == "family" or (part and not part[1])):
                last = group.last
                found |= {Place(last.suite, last.data, last.geometry, group.name, metric)}
                found |= {Place(last.suite, last.data, last.geometry, CLEAN, "top1")}
    return found


def _effective(models: Mapping[str, tuple[Share, Share]]) -> Iterator[Measurement]:
    """Of one mean: the clean accuracy and the mean of each model."""
    usual = Counter((clean.images, mean.images) for clean, mean in models.values()).most_common(1)
    alike = {name: two for name, two in models.items() if (two[0].images, two[1].images) == usual[0][0]}
    if not alike:
        return
    clean, shifted = (np.stack([two[side].values for two in alike.values()], axis=1) for side in (0, 1))
    try:
        line = effective_robustness(clean.astype(np.float64), shifted.astype(np.float64))
    except CaseError:
        return  # too few models: nobody asked for it
    definition = DEFINITION.format(models=len(alike))
    for (name, (_, mean)), number in zip(alike.items(), line.robustness, strict=True):
        one = of_case(mean.group.last, EFFECTIVE, number, unit="rate", definition=definition)
        status: Status = "done" if all(case.status == "done" for case in mean.group.members) else "partial"
        yield replace(one, model=name, case=mean.group.name, status=status, **_NOWHERE)


def _groups(plan: Sequence[PlannedCase], places: set[Place]) -> Iterator[tuple[Place, Group]]:
    """The columns of a model's plan, and the cases that its number there is over."""
    for case in plan:
        place = Place(case.suite, case.data, case.geometry, case.case, "robust_accuracy" if case.threat else "top1")
        if place in places:
            yield place, Group("case", case.case, (case,))
    for group in groups(plan):
        last = group.last
        for row in (row for row in AGGREGATES if row.scope == group.scope):
            place = Place(last.suite, last.data, last.geometry, group.name, row.name)
            if place in places and not group.absent and not group.wants_clean:
                yield place, group


def _number(metric: str, group: Group, correct: Correct, reference: Reference) -> Contributions | str:
    if metric in _BY_CASE:
        return Contributions(np.asarray(correct[group.last], np.float64))
    row = AGGREGATES[metric]
    against = reference if row.compares else None
    if against and (unknown := against.why_not(group.members)):
        return unknown
    return attempt(row, cells_of(group, correct, against))


def _images(group: Group, correct: Correct) -> Hashable:
    """What a reading gives to models that have seen the same images is the same index."""
    return id(correct[group.last].index), frozenset(id(correct[case].index) for case in group.members)


def _model(case: PlannedCase) -> str:
    """The model's name without its seed."""
    return case.model.replace(f"{VARIANT}seed {case.seed}", "")


def _mean(seeds: Sequence[Share]) -> Share:
    """Of several seeds one, if they have seen the same images; else that of the first."""
    alike = [share for share in seeds if share.images == seeds[0].images]
    return replace(seeds[0], values=np.mean([share.values for share in alike], axis=0))
