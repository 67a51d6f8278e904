"""Corruption errors, by hand and by other people's numbers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from fake_runs import answers, corruption_plan, one, planned, wrong

from robustbench_vit.aggregates import AGGREGATES, Cell, score, scored, scoring
from robustbench_vit.aggregates.corruption_error import corruption_error, relative_corruption_error
from robustbench_vit.aggregates.corruptions import BENCHMARK, GROUPS, place
from robustbench_vit.aggregates.references import ALEXNET, AlexNet
from robustbench_vit.catalog import Catalog
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics import METRICS, estimate
from robustbench_vit.metrics.intervals import REPLICATES, _counts
from robustbench_vit.records import PlannedCase

GRID = "corruptions(generated, variant=imagenet_c)"
RELATIVE = {"mce", "relative_mce"}


def by_hand(case: PlannedCase) -> pd.DataFrame:
    """Four images: how many of them each of two models gets wrong, cell by cell."""
    found = place(case)
    if found is None:
        return wrong(1, of=4)
    errors = {"zoo:reference": (1, 1, 2, 2, 4), "zoo:a": (1, 1, 2, 2, 4)}
    if found.corruption in GROUPS["noise"]:
        errors["zoo:a"] = (0, 1, 1, 1, 2)
    return wrong(errors[case.model][found.severity - 1], of=4)


@pytest.fixture(scope="module")
def hand() -> pd.DataFrame:
    """Two models, 15 corruptions, four images, relative to the second."""
    plan = [case for model in ("zoo:a", "zoo:reference") for case in corruption_plan(model, n=4)]
    return score(plan, by_hand, reference="zoo:reference")


@pytest.mark.parametrize(
    ("metric", "case", "expected"),
    [
        # Errors of four images, summed over severities: a 0+1+1+1+2 = 5, reference 1+1+2+2+4 = 10.
        ("ce", "fog", 100.0),
        ("ce", "shot_noise", 50.0),
        # (3 · 50 + 12 · 100) / 15
        ("mce", GRID, 90.0),
        # Both err on one clean image: (5 − 5) / (10 − 5) and (10 − 5) / (10 − 5).
        ("relative_ce", "shot_noise", 0.0),
        ("relative_ce", "fog", 100.0),
        # (3 · 0 + 12 · 100) / 15
        ("relative_mce", GRID, 80.0),
        # 1 − 10/20 and 1 − 5/20; (3 · 0.75 + 12 · 0.5) / 15.
        ("mean_corruption_accuracy", "fog", 0.5),
        ("mean_corruption_accuracy", "corruptions(generated, group=noise, variant=imagenet_c)", 0.75),
        ("mean_corruption_accuracy", "corruptions(generated, group=digital, variant=imagenet_c)", 0.5),
        ("mean_corruption_accuracy", GRID, 0.55),
        ("mean_corruption_error", GRID, 0.45),
    ],
)
def test_a_grid_by_hand(hand: pd.DataFrame, metric: str, case: str, expected: float) -> None:
    """Every number of a grid of two models."""
    row = one(hand[hand["model"] == "zoo:a"], metric, case)

    assert row["value"] == pytest.approx(expected, abs=1e-12)
    assert row[["n", "status"]].tolist() == [4, "done"]


@pytest.mark.parametrize("metric", ["ce", "relative_ce", "mce", "relative_mce"])
def test_the_reference_against_itself_is_100(hand: pd.DataFrame, metric: str) -> None:
    """Paired: both sides draw the same images, so the interval is a point."""
    rows = hand[(hand["model"] == "zoo:reference") & (hand["metric"] == metric)]

    assert len(rows) == (1 if metric in RELATIVE else 15)
    assert (rows[["value", "low", "high"]] == 100).all(axis=None)


def test_alexnet_has_100(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own errors, realised on 50,000 images, give mCE and relative mCE 100."""
    monkeypatch.setattr(scored, "METRICS", Catalog("metrics", (METRICS["top1"],)))
    monkeypatch.setattr(
        scoring, "AGGREGATES", Catalog("aggregates", tuple(AGGREGATES[name] for name in sorted(RELATIVE)))
    )
    alexnet, rows = AlexNet(), wrong(0, of=50_000)

    def realised(case: PlannedCase) -> pd.DataFrame:
        count = alexnet.errors(case) * 50_000
        assert count == pytest.approx(round(count), abs=1e-9)
        return rows.assign(pred=(rows["position"] < round(count)).astype("int32"))

    found = score(corruption_plan(n=50_000), realised)

    for metric in RELATIVE:
        row = one(found, metric, GRID)
        assert row["value"] == pytest.approx(100, abs=1e-9)
        assert row["low"] < 100 < row["high"]
        assert row[["n", "reference", "unit"]].tolist() == [50_000, ALEXNET, "percent of the reference"]
        assert row["definition"].endswith("/ the same of AlexNet (Hendrycks & Dietterich 2019)")


def test_errors_of_resnet50_give_its_published_mce() -> None:
    """76.7 (Hendrycks' table); the errors are RobustBench's, on 5,000 images, so half a point is left open."""
    published = (685, 709, 740, 611, 732, 619, 637, 679, 627, 545, 322, 609, 550, 551, 462)
    error = dict(zip(BENCHMARK, published, strict=True))

    def rows(case: PlannedCase) -> pd.DataFrame:
        found = place(case)
        return wrong(error[found.corruption] if found else 239, of=1000)

    found = score(corruption_plan(), rows)

    assert one(found, "mce", GRID)["value"] == pytest.approx(76.7, abs=0.5)
    assert one(found, "mean_corruption_error", GRID)["value"] == pytest.approx(0.608, abs=0.005)


def random_cells(n: int, count: int) -> list[Cell]:
    """A clean case and corruptions at five severities, with the errors of a reference, drawn at random."""
    generator = np.random.default_rng(3)
    drawn = [
        ((generator.random(n) < own).astype(float), (generator.random(n) < its).astype(float))
        for own, its in [(0.9, 0.1), *[(0.6, 0.5)] * (5 * count)]
    ]
    return [Cell(planned(f"case({place})"), correct, reference=errors) for place, (correct, errors) in enumerate(drawn)]


def relative_mce(cells: Sequence[Cell], images: np.ndarray) -> float:
    """The formula, in plain Python, over these images."""
    (own_clean, *own), (its_clean, *its) = (
        [1 - cell.correct[images].mean() for cell in cells],
        [cell.reference[images].mean() for cell in cells],
    )
    quotients = [
        sum(error - own_clean for error in own[start : start + 5]) / sum(e - its_clean for e in its[start : start + 5])
        for start in range(0, len(own), 5)
    ]
    return 100 * sum(quotients) / len(quotients)


def test_interval_is_that_of_a_loop_over_resampled_images() -> None:
    """Clean case, corruptions and reference are resampled together."""
    cells = random_cells(80, count=3)
    (number,) = estimate([relative_corruption_error(cells)])

    loop = [relative_mce(cells, np.repeat(np.arange(80), _counts(80)[replicate])) for replicate in range(REPLICATES)]
    assert number.value == pytest.approx(relative_mce(cells, np.arange(80)))
    assert (number.low, number.high) == pytest.approx(tuple(np.quantile(loop, [0.025, 0.975])), rel=1e-4)


def test_interval_is_that_of_other_draws() -> None:
    """Somebody else's generator gives nearly the same."""
    cells, generator = random_cells(200, count=2), np.random.default_rng(11)
    (number,) = estimate([relative_corruption_error(cells)])

    loop = [relative_mce(cells, generator.integers(200, size=200)) for _ in range(3000)]
    low, high = np.quantile(loop, [0.025, 0.975])
    assert (number.low, number.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def severities(correct: Sequence[float], reference: Sequence[float]) -> list[Cell]:
    """Five equal cells."""
    return [Cell(planned("fog(severity=1)"), np.array(correct), reference=np.array(reference)) for _ in range(5)]


def test_a_reference_without_errors_compares_nothing() -> None:
    """No division by zero."""
    with pytest.raises(CaseError, match="over these 2 images the reference makes no error on fog"):
        corruption_error(severities([1, 0], [0, 0]))


@pytest.mark.parametrize("errors", [[0, 1], [0, 0]])
def test_a_reference_that_loses_nothing_compares_nothing(errors: list[float]) -> None:
    """Difference 0 has no quotient, a negative one would call the worse model better."""
    clean = Cell(planned(), np.array([1.0, 1.0]), reference=np.array([0.0, 1.0]))

    with pytest.raises(CaseError, match="the reference errs no more than on clean images on fog"):
        relative_corruption_error([clean, *severities([1, 0], errors)])


def test_the_reason_stands_in_the_table() -> None:
    """A number that is not defined is a row that says why."""
    plan = corruption_plan()
    found = score(plan, lambda _: answers(True, False), reference="zoo:a")

    row = one(found, "relative_mce", GRID)
    assert np.isnan(row[["value", "low", "high"]].astype(float)).all()
    assert row["reason"].startswith(
        "not defined: over these 2 images the reference errs no more than on clean images on"
    )
    assert one(found, "mce", GRID)["value"] == 100
