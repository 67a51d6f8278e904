"""Models of a table beside one another: ranks against scipy's tests, who is left out, seeds, and the line."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_runs import answers, curve_plan, stored
from scipy import special, stats

from robustbench_vit.aggregates.between_models import RANKS, ColumnKey, Shares, ranks, shares
from robustbench_vit.aggregates.on_the_line import LINES, effective, fits, lines, means
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.holm import holm
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store

Right = Mapping[str, FloatArray]
"""Which images are right, by case."""

CASES = [case.case for case in curve_plan()]
TOP1 = ColumnKey("demo@1", "shapetex", "none", "clean", "top1")
FAMILY = TOP1._replace(case="occlusion", metric="family_accuracy")
ALL = {TOP1, FAMILY}


def read(folder: Path, models: Mapping[str, Right], **fields: object) -> Reading:
    """A store in which each model has these images right, in those of the three cases that are named."""
    store = Store(folder)
    for model, right in models.items():
        plan = [case for case in curve_plan(model, **fields) if case.case in right]
        put(store, {replace(case, n=len(right[case.case])): right[case.case] for case in plan})
    return Reading([folder])


def put(store: Store, right: Mapping[PlannedCase, FloatArray]) -> None:
    """Write rows and plan of one model."""
    stored(store.root, {case: answers(*(found > 0)) for case, found in right.items()})


def drawn(rate: float, n: int = 400, seed: int = 0) -> Right:
    """Rates of 1, 0.9 and 0.6 of this one; the images are equally hard for all models."""
    hard = np.random.default_rng(1).random((len(CASES), n))
    own = np.random.default_rng(seed + int(1000 * rate)).random((len(CASES), n))
    return {
        case: (0.7 * hard[at] + 0.3 * own[at] < rate * share).astype(float)
        for at, (case, share) in enumerate(zip(CASES, (1, 0.9, 0.6), strict=True))
    }


def places(found: Shares, doubts: Mapping[tuple[ColumnKey, str], str] | None = None) -> pd.DataFrame:
    """Ranks by metric and model."""
    frame = ranks(found, doubts or {})
    assert tuple(frame.columns) == RANKS
    return frame.set_index(["metric", "model"])


def expected_ranks(numbers: Mapping[str, FloatArray], test: object) -> dict[str, int]:
    """1 + number of models that are significantly better, all pairs by a test of scipy and Holm's method."""
    pairs = list(combinations(numbers, 2))
    adjusted = holm([test(numbers[one], numbers[two]) for one, two in pairs])
    found = dict.fromkeys(numbers, 1)
    for (one, two), p in zip(pairs, adjusted, strict=True):
        if p < 0.05:
            found[min(one, two, key=lambda name: numbers[name].mean())] += 1
    return found


def mcnemar(one: FloatArray, two: FloatArray) -> float:
    """The exact test, by scipy's binomial test."""
    apart = int((one != two).sum())
    return stats.binomtest(int((one > two).sum()), apart).pvalue if apart else 1.0


def test_ranks_are_those_of_scipy_s_tests(tmp_path: Path) -> None:
    """Of clean accuracies the exact McNemar test, of means over cases the paired t test; a tie is among them."""
    models = {f"zoo:{rate}": drawn(rate) for rate in (0.5, 0.51, 0.6, 0.75)}
    found = places(shares(read(tmp_path, models), ALL))
    clean = {name: right["clean"] for name, right in models.items()}
    kept = {name: np.mean([right[case] for case in CASES[1:]], axis=0) for name, right in models.items()}

    assert found.loc["top1", "rank"].to_dict() == expected_ranks(clean, mcnemar)
    by_t = expected_ranks(kept, lambda one, two: stats.ttest_rel(one, two).pvalue)
    assert found.loc["family_accuracy", "rank"].to_dict() == by_t
    assert sorted(by_t.values()) == [1, 2, 3, 3]
    assert found.loc["top1", "tied"].tolist() == [False, False, False, True]
    assert set(found["reason"]) == {""}


def test_equal_models_tie(tmp_path: Path) -> None:
    """Both are first and both may be the best."""
    found = places(shares(read(tmp_path, {"zoo:a": drawn(0.6), "zoo:b": drawn(0.6)}), ALL))

    assert found["rank"].tolist() == [1] * 4
    assert found["tied"].all()


def test_other_images_have_no_rank(tmp_path: Path) -> None:
    """Somebody's --limit 100 blurs nobody's rank."""
    short = {case: np.ones(100) for case in CASES}
    found = places(shares(read(tmp_path, {"zoo:a": drawn(0.6), "short": short, "zoo:b": drawn(0.7)}), ALL))

    assert found.loc["top1", "rank"].to_dict() == {"zoo:a": 2, "short": 0, "zoo:b": 1}
    assert "the same images" in found.loc[("top1", "short"), "reason"]


@pytest.mark.parametrize("how", ["never asked for", "skipped"])
def test_other_cases_have_no_rank(tmp_path: Path, how: str) -> None:
    """The easy half of a family is no mean of it; its clean accuracy is ranked as before."""
    reading = read(tmp_path, {"zoo:a": drawn(0.6), "zoo:b": drawn(0.7)})
    easy = {case: right for case, right in drawn(0.65).items() if case != CASES[-1]}
    reading = read(tmp_path, {"easy": easy})
    if how == "skipped":
        left = replace(curve_plan("easy", n=400)[-1], status="skipped", reason="does not fit")
        Store(tmp_path).record([left])
        reading = Reading([tmp_path])
    found = places(shares(reading, ALL))

    assert found.loc["family_accuracy", "rank"].to_dict() == {"zoo:a": 2, "zoo:b": 1, "easy": 0}
    assert "the same cases" in found.loc[("family_accuracy", "easy"), "reason"]
    assert found.loc[("top1", "easy"), "rank"] > 0


def test_a_number_in_doubt_has_no_rank(tmp_path: Path) -> None:
    """And is nobody's better."""
    given = shares(read(tmp_path, {"zoo:a": drawn(0.6), "zoo:b": drawn(0.8)}), ALL)
    found = places(given, {(TOP1, "zoo:b"): "gradient masking"})

    assert found.loc["top1", "rank"].to_dict() == {"zoo:a": 1, "zoo:b": 0}
    assert "gradient masking" in found.loc[("top1", "zoo:b"), "reason"]


def seeded(folder: Path) -> tuple[Reading, list[Right]]:
    """Three models, the first with two seeds."""
    seeds = [drawn(0.6, seed=seed) for seed in (0, 1)]
    seeds[1]["clean"] = seeds[0]["clean"]  # no draws there
    for seed, right in enumerate(seeds):
        plan = [replace(case, case_key=f"{case.case_key}{seed}") for case in curve_plan("zoo:a", n=400, seed=seed)]
        put(Store(folder), {case: right[case.case] for case in plan})
    return read(folder, {f"zoo:{rate}": drawn(rate) for rate in (0.5, 0.7, 0.75)}), seeds


def test_seeds_are_one_model(tmp_path: Path) -> None:
    """What an image contributes is the mean over the seeds, which are no rivals."""
    reading, seeds = seeded(tmp_path)
    share = shares(reading, ALL)[FAMILY]["zoo:a"]
    single = [np.mean([right[case] for case in CASES[1:]], axis=0) for right in seeds]

    assert share.values == pytest.approx(np.mean(single, axis=0))
    assert share.seeds == pytest.approx({seed: one.mean() for seed, one in enumerate(single)})


def test_the_line_is_scipy_s_and_the_distances_are_from_it(tmp_path: Path) -> None:
    """In log-odds, through all four models; of two seeds the spread is that of their distances."""
    reading, seeds = seeded(tmp_path)
    given = shares(reading, means(reading.plans({"demo@1"})))
    fitted = fits(given)
    names = ["zoo:a", "zoo:0.5", "zoo:0.7", "zoo:0.75"]
    clean, kept = (np.array([given[key][name].values.mean(dtype=float) for name in names]) for key in (TOP1, FAMILY))
    line = stats.linregress(special.logit(clean), special.logit(kept))
    found = {one.model: one for one in effective(fitted)}
    apart = [
        np.mean([right[case] for case in CASES[1:]])
        - special.expit(line.intercept + line.slope * special.logit(clean[0]))
        for right in seeds
    ]

    (row,) = lines(fitted).to_dict("records")
    assert tuple(row)[:5] == LINES[:5]
    assert (row["case"], row["metric"], row["models"]) == ("occlusion", "family_accuracy", 4)
    assert (row["slope"], row["intercept"]) == pytest.approx((line.slope, line.intercept), rel=1e-6)
    expected = kept - special.expit(line.intercept + line.slope * special.logit(clean))
    assert [found[name].value for name in names] == pytest.approx(expected, abs=1e-6)
    assert (found["zoo:a"].seeds, found["zoo:0.5"].seeds) == (2, 1)
    assert found["zoo:a"].seed_sd == pytest.approx(np.std(apart, ddof=1), abs=1e-6)
    assert {one.definition.rpartition("(")[2] for one in found.values()} == {"4 models)"}


def test_who_ran_other_cases_does_not_bend_the_line(tmp_path: Path) -> None:
    """It has no effective robustness, and the others have what they have without it."""
    models = {f"zoo:{rate}": drawn(rate) for rate in (0.5, 0.6, 0.7)}
    easy = {case: right for case, right in drawn(0.9).items() if case != CASES[-1]}
    (tmp_path / "with").mkdir()
    before, after = (
        fits(shares(reading, means(reading.plans({"demo@1"}))))
        for reading in (
            read(tmp_path / "without", models),
            read(tmp_path / "with", {**models, "easy": easy}),
        )
    )

    assert [one.model for one in effective(after)] == list(models)
    pd.testing.assert_frame_equal(lines(before), lines(after))


def test_two_models_have_no_line(tmp_path: Path) -> None:
    """It would pass through both."""
    reading = read(tmp_path, {"zoo:a": drawn(0.5), "zoo:b": drawn(0.6)})

    assert fits(shares(reading, means(reading.plans({"demo@1"})))) == []
