"""Which cases of common corruptions are a grid, and which numbers a grid gives."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_runs import answers, corruption_plan, one, planned

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.corruptions import BENCHMARK, GROUPS, place
from robustbench_vit.perturbations import corruption_catalog
from robustbench_vit.records import PlannedCase

GRID = "corruptions(generated, variant=imagenet_c)"
BENCHMARK_METRICS = [
    "mce",
    "mean_corruption_accuracy",
    "mean_corruption_error",
    "mean_relative_robustness",
    "relative_mce",
]


def scored(plan: list[PlannedCase], reference: str | None = None) -> pd.DataFrame:
    """Measurements of these cases; clean images are right, others every other time."""
    return score(plan, lambda case: answers(True, case.family == "clean", True, False), reference)


def ended(plan: list[PlannedCase], status: str, of: Callable[[PlannedCase], bool]) -> list[PlannedCase]:
    """The plan with some cases of another status."""
    return [replace(case, status=status, reason="no luck") if of(case) else case for case in plan]


def test_groups_are_those_of_the_paper() -> None:
    """15 and 4, in the order in which the catalogue of perturbations has them."""
    assert BENCHMARK == corruption_catalog.BENCHMARK
    assert GROUPS["extra"] == corruption_catalog.EXTRA
    assert [len(names) for names in GROUPS.values()] == [3, 4, 4, 4, 4]


@pytest.mark.parametrize(
    ("perturbation", "grid"),
    [
        ("fog(backend=none, exact=false, jpeg85=false, severity=3, variant=imagenet_c)", GRID),
        ("fog(severity=3)", GRID),  # as a case is recorded that failed before it was prepared
        ("frost(severity=3, textures=ab12, variant=imagenet_c)", GRID),
        ("fog(jpeg85=true, severity=3)", "corruptions(generated, jpeg85=true, variant=imagenet_c)"),
        ("fog(severity=3, variant=cifar_c)", "corruptions(generated, variant=cifar_c)"),
        (
            "fog(backend=imagecorruptions, severity=3)",
            "corruptions(generated, backend=imagecorruptions, variant=imagenet_c)",
        ),
        ("stored(corruption=fog, severity=3)", "corruptions(stored)"),
        ("stored(corruption=patchdrop, severity=3)", None),
        ("stored(corruption=fog, severity=0.5)", None),
        ("fog(severity=6)", None),
        ("mine/rain(severity=3)", None),
        ("[bold]", None),
    ],
)
def test_a_grid_is_named_by_where_its_images_are_from(perturbation: str, grid: str | None) -> None:
    """Stored or generated, whose constants, and what else was asked for."""
    found = place(planned(perturbation, family="corruption", perturbation=perturbation))

    assert (found.grid if found else None) == grid


def test_a_complete_grid_gives_every_number_once() -> None:
    """Means of the 15, of groups, of the extra ones and of each corruption; errors relative to AlexNet's."""
    found = scored(corruption_plan(corruptions=(*BENCHMARK, *GROUPS["extra"])))

    assert sorted(found[found["case"] == GRID]["metric"]) == BENCHMARK_METRICS
    assert (found["metric"] == "mean_corruption_accuracy").sum() == 1 + 5 + 19
    assert (found["metric"] == "ce").sum() == (found["metric"] == "relative_ce").sum() == 15
    assert "family_accuracy" not in set(found["metric"])
    assert found["value"].notna().sum() == len(found) - (found["metric"] == "top5").sum()


def test_extra_corruptions_are_in_no_mean_of_the_benchmark() -> None:
    """A model that fails on them alone keeps its number."""
    plan = corruption_plan(corruptions=(*BENCHMARK, *GROUPS["extra"]))
    found = score(plan, lambda case: answers(not case.case.startswith(GROUPS["extra"]), False))

    assert one(found, "mean_corruption_accuracy", GRID)["value"] == 0.5
    assert (
        one(found, "mean_corruption_accuracy", "corruptions(generated, group=extra, variant=imagenet_c)")["value"] == 0
    )


def test_a_failed_cell_leaves_no_mean_and_is_named() -> None:
    """Of the corruption, its group and the 15; the others stand."""
    plan = ended(corruption_plan(), "failed", lambda case: case.case == "frost(severity=3)")
    found = scored(plan).set_index(["metric", "case"])

    for metric in BENCHMARK_METRICS:
        assert np.isnan(found.loc[(metric, GRID), "value"])
        assert found.loc[(metric, GRID), ["status", "reason"]].tolist() == [
            "partial",
            "missing: frost(severity=3) (failed)",
        ]
    assert np.isnan(found.loc[("ce", "frost"), "value"])
    assert np.isfinite(found.loc[("ce", "fog"), "value"])
    assert np.isfinite(
        found.loc[("mean_corruption_accuracy", "corruptions(generated, group=blur, variant=imagenet_c)"), "value"]
    )


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (
            corruption_plan(severities=(1, 3, 5)),
            "gaussian_noise 2 (not in the plan), gaussian_noise 4 (not in the plan), ",
        ),
        (corruption_plan(corruptions=BENCHMARK[:14]), "missing: jpeg_compression 1 (not in the plan), "),
        (
            ended(corruption_plan(), "skipped", lambda case: "fog" in case.case),
            "missing: fog 1 (skipped), fog 2 (skipped)",
        ),
        (
            [*corruption_plan(), *corruption_plan(corruptions=["fog"], case_key="again")[1:]],
            "fog 1 (there more than once), ",
        ),
    ],
)
def test_an_incomplete_plan_has_no_number_of_the_benchmark(plan: list[PlannedCase], reason: str) -> None:
    """A subset never bears the name of the whole; the rows say what it lacks and that nobody asked for it."""
    found = scored(plan)
    own = found[found["case"] == GRID]

    assert sorted(own["metric"]) == BENCHMARK_METRICS
    assert own["value"].isna().all()
    assert set(own["status"]) == {"skipped"}
    assert all(reason in text for text in own["reason"])


def test_missing_cells_are_counted_behind_the_fourth() -> None:
    """Severities 2 and 4 of 15 corruptions are not in the plan."""
    row = one(scored(corruption_plan(severities=(1, 3, 5))), "mce", GRID)

    assert row["reason"].count(",") == 3
    assert row["reason"].endswith(" and 26 more")


def test_a_subset_has_a_mean_that_says_of_how_many() -> None:
    """And no row for what it does not ask for."""
    found = scored(corruption_plan(corruptions=["fog", "snow"], severities=(1, 3, 5)))
    metrics = found["metric"].tolist()

    assert one(found, "family_accuracy", "corruptions(generated, cases=6, variant=imagenet_c)")["value"] == 0.5
    assert [metrics.count(name) for name in ("ce", "relative_ce", *BENCHMARK_METRICS)] == [0, 0, 1, 1, 1, 1, 1]


def test_stored_and_generated_and_variants_never_mix() -> None:
    """Four grids of one model, data set and geometry, each with numbers of its own."""
    grids = {
        GRID: {},
        "corruptions(generated, variant=imagecorruptions)": {"variant": "imagecorruptions"},
        "corruptions(generated, jpeg85=true, variant=imagenet_c)": {"jpeg85": True},
        "corruptions(stored)": {"variant": None},
    }
    plans = {grid: corruption_plan(**asked)[1:] for grid, asked in grids.items()}
    right = {case: images for images, plan in enumerate(plans.values()) for case in plan}
    clean = corruption_plan()[0]

    found = score([clean, *right], lambda case: answers(*[right.get(case, 4) > image for image in range(4)]))

    for images, grid in enumerate(grids):
        assert one(found, "mean_corruption_accuracy", grid)["value"] == images / 4


def test_two_halves_of_different_origin_make_no_whole() -> None:
    """Stored noise does not complete a generated grid."""
    stored = corruption_plan(variant=None, corruptions=BENCHMARK[:7])
    generated = corruption_plan(corruptions=BENCHMARK[7:])[1:]
    found = scored([*stored, *generated])

    for grid in (GRID, "corruptions(stored)"):
        assert found[found["case"] == grid]["value"].isna().tolist() == [True] * 5


def test_frost_with_textures_of_ones_own_is_in_the_grid() -> None:
    """Only frost has the parameter."""
    plan = [
        replace(case, perturbation=case.perturbation.replace("severity", "textures=ab12, severity"))
        if case.case.startswith("frost")
        else case
        for case in corruption_plan()
    ]

    assert np.isfinite(one(scored(plan), "mce", GRID)["value"])


@pytest.mark.parametrize(("status", "why"), [(None, "not in the plan"), ("skipped", "skipped")])
def test_without_clean_images_only_relative_errors_are_missing(status: str | None, why: str) -> None:
    """Said once, for relative mCE."""
    plan = corruption_plan()
    found = scored(plan[1:] if status is None else ended(plan, status, lambda case: case.family == "clean"))

    assert one(found, "relative_mce", GRID)["reason"] == f"missing: clean ({why})"
    assert np.isfinite(one(found, "mce", GRID)["value"])
    assert "relative_ce" not in set(found["metric"])


def test_numbers_of_the_grid_are_over_images_that_all_cells_share() -> None:
    """One cell has two images of four; the others keep theirs where it has no part."""
    plan = ended(corruption_plan(n=4), "partial", lambda case: case.case == "fog(severity=1)")
    found = score(plan, lambda case: answers(*[True, False, False, True][: 2 if case.status == "partial" else 4]))

    assert one(found, "mce", GRID)[["n", "status"]].tolist() == [2, "partial"]
    assert one(found, "ce", "fog")["n"] == 2
    assert one(found, "ce", "snow")[["n", "status"]].tolist() == [4, "done"]


def test_a_family_of_other_corruptions_keeps_its_mean() -> None:
    """What a plugin calls a corruption is none of the 19."""
    found = scored([planned("mine/rain(severity=1)", family="corruption")])

    assert one(found, "family_accuracy", "corruption")["value"] == 0.5
    assert "mce" not in set(found["metric"])
