"""The columns of the summary: what a column is, and which a table of measurements has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.corruptions import benchmark_part, place_of
from robustbench_vit.aggregates.groups import ATTACKS
from robustbench_vit.aggregates.references import ALEXNET
from robustbench_vit.leaderboard.frames import objects
from robustbench_vit.leaderboard.labels import attack_labels, full_specs, short_labels
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement

CLEAN, TRANSFER = "clean", "transfer"
"""Families that have places of their own."""

REPORTED = "reported"
"""Status of numbers that other people published: nothing was run, nothing is ranked."""

ROBUST = "robust_accuracy"
"""The metric of attacks."""

SHOWN = {
    "top1": "accuracy",
    ROBUST: "robust accuracy",
    "robust_auc": "robust AUC",
    "shape_bias": "shape bias",
    "accuracy_difference": "accuracy − humans",
    "mce": "mCE",
    "relative_mce": "relative mCE",
    "mean_corruption_accuracy": "mean accuracy",
    "auc": "AUC",
    "family_accuracy": "mean",
    "mean_relative_robustness": "relative robustness",
    "effective_robustness": "effective robustness",
    "nll": "NLL",
    "ece15": "ECE",
}
"""Metrics of the summary, in its order, and what they are called there."""

TITLES = {**SHOWN, "top5": "top-5 accuracy"}
"""Likewise, with those that stand there only where other people published them."""

_ATTACKS = {ROBUST, "robust_auc"}


@dataclass(frozen=True)
class Column:
    """One column of numbers.

    Args:
        suite: ``name@version``.
        data: Display spec of the data set.
        metric: Name of the metric or aggregate.
        case: What stands in the column ``case`` of its measurements.
        geometry: Geometry of the images.
        of: What it is, in a word or two.
        label: Of which case, curve or family; short.
        name: Heading in the CSV file.
        family: Family of the perturbations.
        reported: Whether the numbers are other people's.
    """

    suite: str
    data: str
    metric: str
    case: str
    geometry: str
    of: str
    label: str
    name: str
    family: str = ""
    reported: bool = False

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        """Suite, data, geometry, case and metric: what no two columns of a page share."""
        return (self.suite, self.data, self.geometry, self.case, self.metric)

    @property
    def higher_is_better(self) -> bool | None:
        """Which end is good; None where neither is, or nobody knows."""
        return better_end(self.metric)


def better_end(metric: str) -> bool | None:
    """Whether more is better; None where neither end is, or nobody knows."""
    if metric in METRICS:
        return METRICS[metric].higher_is_better
    return AGGREGATES[metric].higher_is_better if metric in AGGREGATES else None


def summarised(frame: pd.DataFrame) -> tuple[Measurement, ...]:
    """What stands in columns of the summary.

    Args:
        frame: Of one suite and data set.
    """
    of_case = [name for name in SHOWN if name not in AGGREGATES and name != ROBUST]
    detail = frame["metric"].isin(of_case) & (frame["family"] != CLEAN) & (frame["status"] != REPORTED)
    return tuple(filter(_in_summary, objects(frame[frame["metric"].isin(list(_names(frame))) & ~detail])))


def columns(suite: str, data: str, frame: pd.DataFrame, items: Sequence[Measurement]) -> tuple[Column, ...]:
    """Clean accuracy, attacks, shape bias, corruptions, areas under curves, means of families, NLL and ECE.

    Args:
        suite: Of all columns.
        data: Of all columns.
        frame: Of this suite and data set.
        items: What `summarised` found in it.
    """
    if not len(frame):
        return ()
    usual = str(frame["geometry"].value_counts().index[0])
    full = full_specs(frame)
    return tuple(
        _column(suite, data, item, of, label, usual)
        for metric, of in _names(frame).items()
        for item, label in _labelled(metric, items, full)
    )


def _names(frame: pd.DataFrame) -> dict[str, str]:
    """Metrics of the summary and what they are called there; other people's numbers may be anything."""
    others = frame.loc[frame["status"] == REPORTED, "metric"].unique()
    return {**SHOWN, **{str(metric): TITLES.get(metric, str(metric)) for metric in others if metric not in SHOWN}}


def _labelled(metric: str, items: Sequence[Measurement], full: Mapping[str, str]) -> Iterator[tuple[Measurement, str]]:
    """A number of each case, curve, family or grid of a metric, with a short name."""
    places = {(item.case, item.geometry): item for item in items if item.metric == metric}
    short = (attack_labels if metric in _ATTACKS else short_labels)((case for case, _ in places), full)
    return ((item, short[case]) for (case, _), item in places.items())


def _column(suite: str, data: str, item: Measurement, of: str, label: str, usual: str) -> Column:
    """A column like one of its numbers; what is not as usual, it says."""
    metric, case = item.metric, item.case
    other = "" if item.geometry == usual else f" · {item.geometry}"
    other += f" / {item.reference}" if metric in AGGREGATES and item.reference not in {"", ALEXNET} else ""
    name = f"{metric} {case}{other}" if metric in AGGREGATES else f"{case}_{metric}{other}"
    reported = item.status == REPORTED
    return Column(suite, data, metric, case, item.geometry, of, f"{label}{other}", name, item.family, reported)


def _in_summary(item: Measurement) -> bool:
    """Whether a measurement of a metric that is shown belongs to the summary of its section."""
    if item.status == REPORTED:
        return True
    if item.metric == ROBUST:
        # Sources and models make a table of their own, and what has a whole curve the area under it.
        return item.family != TRANSFER and not item.category and item.curve != item.case
    if item.metric not in AGGREGATES:
        return item.family == CLEAN
    if item.metric == "mean_corruption_accuracy":
        own = benchmark_part(item.case)
        return own is not None and not own[1] and item.status != "skipped"
    # Corruptions have a table of their own instead of a column a curve. What was skipped, nobody asked for.
    # Of attacks, the area over eps is that of `min_eps`: one over a few eps depends on which.
    listed = item.metric == "auc" and (place_of(item.case) or item.family in ATTACKS)
    return item.status != "skipped" and not listed
