"""Which columns of the summary are there before anybody picks: what sums up most. All others are a click away."""

from collections.abc import Iterator, Sequence
from math import isnan

from robustbench_vit.leaderboard.columns import ROBUST, Column
from robustbench_vit.leaderboard.formatting import number
from robustbench_vit.leaderboard.sections import Section

ALWAYS = frozenset(
    {"shape_bias", "mce", "mean_corruption_accuracy", "effective_robustness", "mean_relative_robustness"}
)
"""Metrics that are shown wherever they were measured."""

_ONCE = {"top1", "ece15"}
"""Metrics that suites on the same images share."""

_Number = tuple[str, ...]


def first_choice(sections: Sequence[Section]) -> Iterator[Column]:
    """The columns that are shown at first; none that is empty."""
    seen: set[_Number] = set()
    for section in sections:
        for column in section.columns:
            numbers = set(_numbers(section, column))
            if numbers and _chosen(section, column, new=not numbers <= seen):
                yield column
                seen |= numbers


def _numbers(section: Section, column: Column) -> Iterator[_Number]:
    """What tells the numbers of a column from all others: also those of other suites on the same images."""
    for model in section.models:
        item = section.cell(model, column)
        if item is not None and not isnan(item.value):
            value = number(item.value, item.unit)
            yield (column.metric, column.data, column.geometry, column.case, model, str(item.n), value)


def _chosen(section: Section, column: Column, *, new: bool) -> bool:
    if column.reported or column.metric in ALWAYS:
        return True
    if column.metric in _ONCE:
        return new and column == _first(section, column) and (column.metric == "top1" or _is_perturbed(section, column))
    return column.metric in {ROBUST, "auc", "family_accuracy"} and _stands_for_others(section, column)


def _first(section: Section, like: Column) -> Column:
    """The metric's first column of the section: that of the suite's own geometry."""
    return next(one for one in section.columns if one.metric == like.metric)


def _is_perturbed(section: Section, like: Column) -> bool:
    """Whether the section is about more than clean images."""
    return any(one.family != like.family for one in section.columns)


def _stands_for_others(section: Section, column: Column) -> bool:
    """Of many attacks the strongest; of many noises the one with the defaults; means where there is no curve."""
    like = [one for one in section.columns if (one.metric, one.family) == (column.metric, column.family)]
    if column.metric == ROBUST:
        return column == max(like, key=lambda one: (one.case.startswith("autoattack"), one.case.startswith("worst")))
    if column.metric == "family_accuracy":
        return not any(one.metric in {"auc", "mean_corruption_accuracy"} for one in section.columns)
    return column.family != "frequency" or column == min(like, key=lambda one: len(one.case))
