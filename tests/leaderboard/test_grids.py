"""Common corruptions on the leaderboard."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import answers, corruption_plan, curve_plan, planned
from page_reader import Page
from rich.console import Console

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.corruptions import BENCHMARK, GROUPS
from robustbench_vit.leaderboard import Board, tables, write
from robustbench_vit.leaderboard.grids import grids
from robustbench_vit.leaderboard.sections import Section, sections
from robustbench_vit.records import PlannedCase

CIFAR = {"label_space": "cifar10", "data": "cifar10(x)", "geometry": "none", "variant": "cifar_c"}
MEANS = ("corruption_accuracy", "relative_robustness")
SUBSET = {"corruptions": ["fog", "snow"], "severities": (1, 3, 5)}


def section(plan: list[PlannedCase], reference: str | None = None) -> Section:
    """The only section of a plan; the first of several models is the better one."""
    first = plan[0].model
    return sections(score(plan, lambda case: answers(True, case.model == first, False), reference))[0]


def grid_columns(found: Section) -> list[str]:
    """Headings in the CSV file of what is said of corruptions."""
    return [column.name for column in found.columns if "corruptions(" in column.name]


def printed(plan: list[PlannedCase]) -> str:
    """What a terminal of 140 columns shows."""
    console = Console(width=140, file=io.StringIO())
    for table in tables(score(plan, lambda _: answers(True, False))):
        console.print(table)
    return console.file.getvalue()


def test_summary_of_a_complete_grid() -> None:
    """The mean and its corruption error, and no column a curve."""
    assert [column.name for column in section(corruption_plan()).columns] == [
        "clean_top1",
        "mce corruptions(generated, variant=imagenet_c)",
        "relative_mce corruptions(generated, variant=imagenet_c)",
        "mean_corruption_accuracy corruptions(generated, variant=imagenet_c)",
        "mean_relative_robustness corruptions(generated, variant=imagenet_c)",
        "clean_nll",
        "clean_ece15",
    ]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (corruption_plan(**SUBSET), ["family_accuracy corruptions(generated, cases=6, variant=imagenet_c)"]),
        (
            corruption_plan(**CIFAR),
            [f"mean_{what} corruptions(generated, variant=cifar_c)" for what in MEANS],
        ),
    ],
)
def test_what_nobody_asked_for_is_no_column(plan: list[PlannedCase], expected: list[str]) -> None:
    """Neither mCE of a subset nor mCE of CIFAR; why is in results.csv."""
    assert grid_columns(section(plan)) == expected


def test_a_failed_cell_leaves_a_column_with_a_reason() -> None:
    """The grid was asked for."""
    plan = [replace(case, status="failed") if case.case == "fog(severity=2)" else case for case in corruption_plan()]
    found = section(plan)
    column = next(column for column in found.columns if column.metric == "mce")

    cell = found.cell("zoo:a", column)
    assert cell is not None
    assert cell.reason == "missing: fog(severity=2) (failed)"


def test_where_images_are_from_is_never_left_out() -> None:
    """Neither for one grid nor for two; a reference other than AlexNet is named as well."""
    stored = corruption_plan(variant=None)[1:]
    both = [*corruption_plan(**{**CIFAR, "model": "zoo:a"}), *corruption_plan("zoo:b", **CIFAR)]

    labels = [
        column.label for column in section([*corruption_plan(), *stored]).columns if column.metric.endswith("accuracy")
    ]
    assert labels == ["corruptions generated imagenet_c", "corruptions stored"]
    assert [one.label for one in section(both, "zoo:b").columns if one.metric == "mce"] == [
        "corruptions generated cifar_c / zoo:b"
    ]


def test_a_column_has_the_definition_of_its_numbers() -> None:
    """With what the numbers are relative to, and on which images."""
    plan = [*corruption_plan("zoo:good"), *corruption_plan("zoo:bad")]
    found = sections(score(plan, lambda case: answers(*[case.model == "zoo:good"] * 50)))[0]
    column = next(column for column in found.columns if column.metric == "mce")

    assert "AlexNet (Hendrycks & Dietterich 2019); on 50 images of imagenet(val), not the 50,000" in found.definition(
        column
    )


def test_a_table_has_the_groups_of_the_paper() -> None:
    """All 15 first, each group before its corruptions, the extra ones last."""
    (grid,) = grids(section(corruption_plan(corruptions=(*GROUPS["extra"], *reversed(BENCHMARK)))))
    names = [row.name for row in grid.rows]

    assert names[:5] == ["all 15", "noise", "gaussian_noise", "shot_noise", "impulse_noise"]
    assert names[-5:] == ["extra, not among the 15", "speckle_noise", "gaussian_blur", "spatter", "saturate"]
    assert [row.metric for row in grid.rows[:3]] == ["mce", "", "ce"]
    assert re.fullmatch(r"mCE 43\.1 \[\d+\.\d, \d+\.\d\]", grid.error("zoo:a", grid.rows[0])) is not None
    assert grid.error("zoo:a", grid.rows[-1]) == ""


def test_tables_are_of_complete_corruptions() -> None:
    """A grid with two of them has two rows, a subset of severities no table, and two grids two tables."""
    two = section(corruption_plan(corruptions=["snow", "fog"]))
    four = section([*corruption_plan(), *corruption_plan(variant="imagecorruptions")[1:]])

    assert [[row.name for row in grid.rows] for grid in grids(two)] == [["snow", "fog"]]
    assert grids(section(corruption_plan(**SUBSET))) == []
    assert [grid.label for grid in grids(four)] == [
        "corruptions generated imagenet_c",
        "corruptions generated imagecorruptions",
    ]


def page(plan: list[PlannedCase], out: Path) -> Page:
    """The page."""
    return Page(write(Board(score(plan, lambda _: answers(True, False, False))), out)[2])


def test_page_shows_the_table_and_what_ce_is(tmp_path: Path) -> None:
    """With the mark that these are not the images AlexNet was measured on."""
    found = page(corruption_plan(), tmp_path)
    value, *_, said = found.rows(found.contents[0]["tables"][0], "zoo:a")["all 15"]

    assert value == 33.333
    assert re.fullmatch(r"mCE 86\.\d \[\d+\.\d, \d+\.\d\]", said["more"])
    assert re.search(
        r"CE: 100 · .* AlexNet \(Hendrycks & Dietterich 2019\); on 3 images of imagenet\(val\), not the", found.text
    )


def test_page_has_a_heat_map_of_a_grid(tmp_path: Path) -> None:
    """A row a corruption in the order of the paper, a place a severity."""
    found = page(corruption_plan(corruptions=["fog", "snow"]), tmp_path)
    (heat,) = [chart for chart in found.contents[0]["charts"] if chart["kind"] == "heat"]

    assert [(row["label"], [at for _, at in row["points"]]) for row in heat["rows"]] == [
        ("snow", [1, 2, 3, 4, 5]),
        ("fog", [1, 2, 3, 4, 5]),
    ]


def test_page_of_a_subset_is_not_cluttered(tmp_path: Path) -> None:
    """No word of mCE but where names are explained; a curve a corruption."""
    found = page(
        [*curve_plan(), *corruption_plan(**SUBSET, data="shapetex", label_space="shapetex", geometry="none")[1:]],
        tmp_path,
    )

    assert "mCE" not in found.text.partition("What the names mean")[0]
    assert len([chart for chart in found.contents[0]["charts"] if chart["kind"] in {"steps", "curve"}]) == 3


def test_a_leaderboard_file_has_the_numbers_of_the_page(tmp_path: Path) -> None:
    """With intervals; lower than 100 is better than AlexNet."""
    measurements = score(corruption_plan(), lambda _: answers(True, False, False))
    table = pd.read_csv(write(Board(measurements), tmp_path)[1])
    name = "mce corruptions(generated, variant=imagenet_c)"

    assert (table[f"{name} low"] <= table[name]).all()
    assert 86 < table[name].item() < 87


def test_terminal_shows_the_grid_behind_the_summary() -> None:
    """And the mean of a subset in the summary."""
    text = printed([*corruption_plan(), *corruption_plan(**SUBSET, suite="quick@1")])

    assert "mCE corruptions generated imagenet_c" in text
    assert "not the 50,000 of ImageNet's" in text
    assert re.search(r"fog\s+│\s+50\.0 \[[\d., ]+\]\s", text)
    assert "mean corruptions generated cases=6 imagenet_c" in text


def test_terminal_shows_a_grid_instead_of_its_cases() -> None:
    """Also where a failed cell leaves no mean."""
    plan = [replace(case, status="failed") if case.case == "fog(severity=2)" else case for case in corruption_plan()]

    text = printed(plan)

    assert "severity=" not in text
    assert re.search(r"│ weather\s+│\s+–", text)


def test_page_without_corruptions_says_nothing_of_them(tmp_path: Path) -> None:
    """Other suites are as before."""
    text = page([planned(), planned("shuffle")], tmp_path).text

    assert "orruption" not in text.partition("What the names mean")[0]
