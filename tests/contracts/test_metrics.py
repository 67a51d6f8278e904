"""What every row of the catalogues of metrics and aggregates promises."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_runs import planned, random_predictions

from robustbench_vit.aggregates import AGGREGATES, Aggregate, Cell
from robustbench_vit.metrics import METRICS, Metric, estimate
from robustbench_vit.records import CORE_COLUMNS


def random_rows(n: int = 200, skill: float = 1.0) -> pd.DataFrame:
    """Rows of a model, on images whose texture is of another class than their shape."""
    rows = random_predictions(n, skill=skill)
    broken_by = np.where(rows["label"] == rows["pred"], "none", "clean")
    return rows.assign(texture=(rows["label"] + 1) % 10, broken_by=broken_by)


STORED = {*CORE_COLUMNS, "broken_by"}
"""Columns that metrics may read: those of every case, and those of every attack."""


metrics = pytest.mark.parametrize("metric", [*METRICS], ids=lambda row: row.name)
aggregates = pytest.mark.parametrize(
    "aggregate", [row for row in AGGREGATES if row.scope != "models"], ids=lambda row: row.name
)


@pytest.mark.parametrize("row", [*METRICS, *AGGREGATES], ids=lambda row: row.name)
def test_row_defines_itself(row: Metric | Aggregate) -> None:
    """Definition, unit and a documented target."""
    assert row.definition
    assert row.unit in {"rate", "ratio", "nats", "score", "kappa", "percent of the reference"}
    assert row.load().__doc__


def test_names_of_metrics_and_aggregates_are_apart() -> None:
    """A name means one thing in the table."""
    assert not set(METRICS.names) & set(AGGREGATES.names)


@metrics
def test_reads_only_stored_columns(metric: Metric) -> None:
    """What it declares is enough, besides the probabilities."""
    rows = random_rows(20)[[*metric.columns, "probabilities"]]

    assert set(metric.columns) <= STORED
    assert len(metric.load()(rows)) == 20


@metrics
def test_value_does_not_depend_on_order(metric: Metric) -> None:
    """Nor on the index of the frame."""
    rows = random_rows()
    shuffled = rows.sample(frac=1, random_state=1)

    assert metric.load()(shuffled).value == pytest.approx(metric.load()(rows).value)


@metrics
def test_lists_and_arrays_read_alike(metric: Metric) -> None:
    """Parquet gives arrays, JSON gives lists."""
    rows = random_rows(20)
    listed = rows.assign(probabilities=pd.Series([item.tolist() for item in rows["probabilities"]], index=rows.index))

    assert metric.load()(listed).value == metric.load()(rows).value


@metrics
def test_skill_moves_the_number_the_good_way(metric: Metric) -> None:
    """A model that knows the answer beats chance by every metric that has a good end."""
    chance, skilled = (metric.load()(random_rows(skill=skill)).value for skill in (0.0, 9.0))

    if metric.higher_is_better is not None:
        assert (skilled > chance) == metric.higher_is_better


@metrics
def test_interval_holds_the_value(metric: Metric) -> None:
    """And is wider than a point where images differ."""
    (number,) = estimate([metric.load()(random_rows())])

    assert number.low <= number.value <= number.high
    assert number.low < number.high


SIZES = {"corruption": 5, "clean+corruption": 6, "benchmark": 75, "clean+benchmark": 76, "corruptions": 20}
"""Cells of a group by scope; the others are given two."""


def cells(aggregate: Aggregate, order: np.ndarray) -> list[Cell]:
    """Cells of random answers, each worse than the one before, and worse ones of a reference."""
    generator = np.random.default_rng(5)
    rates = np.linspace(0.9, 0.4, SIZES.get(aggregate.scope, 2))
    answers = [(generator.random(200) < rate).astype(np.float64)[order] for rate in rates]
    errors = [(generator.random(200) > 0.8 * rate).astype(np.float64)[order] for rate in rates]
    return [
        Cell(planned(f"case({place})"), correct, float(place), wrong)
        for place, (correct, wrong) in enumerate(zip(answers, errors, strict=True))
    ]


@aggregates
def test_aggregate_does_not_depend_on_order(aggregate: Aggregate) -> None:
    """The same shuffle in all cells changes nothing."""
    order = np.random.default_rng(6).permutation(200)
    plain, shuffled = (aggregate.load()(cells(aggregate, one)) for one in (np.arange(200), order))

    assert shuffled.value == pytest.approx(plain.value)


@aggregates
def test_aggregate_interval_holds_the_value(aggregate: Aggregate) -> None:
    """And is wider than a point where images differ."""
    (number,) = estimate([aggregate.load()(cells(aggregate, np.arange(200)))])

    assert number.low < number.value < number.high


@aggregates
def test_perfect_model_reaches_the_good_end(aggregate: Aggregate) -> None:
    """Nothing lost, everything kept; where neither end is good, there is nothing to reach."""
    if aggregate.higher_is_better is None:
        return
    perfect = [replace(cell, correct=np.ones(200)) for cell in cells(aggregate, np.arange(200))]

    assert aggregate.load()(perfect).value == (1 if aggregate.higher_is_better else 0)
