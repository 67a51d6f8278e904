"""What stands in which table."""

from dataclasses import replace

import pandas as pd
import pytest
from fake_runs import answers, curve_plan, planned

from robustbench_vit.aggregates import score
from robustbench_vit.errors import StoreError
from robustbench_vit.leaderboard.columns import Column
from robustbench_vit.leaderboard.formatting import number
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.sections import Section, sections


def section(rates: dict[str, int], n: int = 100) -> Section:
    """One section with the clean accuracy of some models, in percent."""
    rows = {planned("clean", model): answers(*[True] * rate, *[False] * (n - rate)) for model, rate in rates.items()}
    return sections(score(list(rows), rows.__getitem__))[0]


def test_suites_versions_and_data_never_share_a_section() -> None:
    """Three of them, in the order of the plan."""
    cases = [planned(), planned(suite="demo@2"), planned(data="folder(/x)")]
    found = sections(score(cases, lambda _: answers(True)))

    assert [(one.suite, one.data) for one in found] == [
        ("demo@1", "shapetex"),
        ("demo@2", "shapetex"),
        ("demo@1", "folder(/x)"),
    ]


def test_columns_are_clean_curves_families_and_calibration() -> None:
    """In this order; the names are those of the CSV file."""
    found = sections(score(curve_plan(), lambda _: answers(True, False)))[0]

    assert [column.name for column in found.columns] == [
        "clean_top1",
        "auc patchdrop",
        "family_accuracy occlusion",
        "mean_relative_robustness occlusion",
        "clean_nll",
        "clean_ece15",
    ]


def test_another_geometry_has_columns_of_its_own() -> None:
    """``native`` checks against the published accuracy; it is no second clean case."""
    cases = [planned(), planned("shuffle"), planned(geometry="native", case_key="x")]
    found = sections(score(cases, lambda _: answers(True)))[0]

    assert [column.label for column in found.columns if column.metric == "top1"] == ["clean", "clean · native"]


def test_models_come_best_first() -> None:
    """By the first column."""
    found = section({"zoo:low": 30, "zoo:best": 60, "zoo:second": 52})

    assert found.models == ("zoo:best", "zoo:second", "zoo:low")


def test_measured_twice_is_an_error() -> None:
    """Which of two numbers would stand in the cell?"""
    measurements = score([planned()], lambda _: answers(True))
    (doubled,) = sections(pd.concat([measurements, measurements]))

    with pytest.raises(StoreError, match="demo@1 on shapetex: top1 of clean by zoo:a is there twice"):
        doubled.cell("zoo:a", Column("demo@1", "shapetex", "top1", "clean", "none", "accuracy", "clean", "clean_top1"))


def test_problems_are_counted() -> None:
    """By model and status."""
    clean, half, full = curve_plan(n=1)
    cases = [clean, replace(half, status="failed", reason="x"), replace(full, status="skipped", reason="y")]
    found = sections(score(cases, lambda _: answers(True)))[0]

    assert [found.count("zoo:a", status) for status in ("failed", "skipped", "partial")] == [1, 1, 0]
    assert [item.reason for item in found.problems] == ["x", "y"]


def test_labels_are_short_where_they_can_be() -> None:
    """Arguments only where the name does not tell two apart."""
    specs = ["shuffle(grid=4)", "drop(ratio=0)", "drop"]

    assert list(short_labels(specs).values()) == ["shuffle", "drop ratio=0", "drop"]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.7132, "rate", "71.3"),
        (1.0, "ratio", "100.0"),
        (1.23456, "nats", "1.235"),
        (float("nan"), "rate", "–"),
        (-0.0004, "rate", "0.0"),
    ],
)
def test_numbers_read_well(value: float, unit: str, expected: str) -> None:
    """Percent when rendered, never inside."""
    assert number(value, unit) == expected
