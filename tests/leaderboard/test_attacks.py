"""Attacks on the leaderboard."""

import io
import re
from collections.abc import Iterator
from math import inf
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import answers, attack, broken, planned
from page_reader import Page
from rich.console import Console

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard import Board, tables, write
from robustbench_vit.leaderboard.attacks import attacks, file_columns, transfers, warnings
from robustbench_vit.leaderboard.labels import attack_labels
from robustbench_vit.leaderboard.sections import Section, sections
from robustbench_vit.records import PlannedCase, Sweep

MODELS = ("zoo:good", "zoo:bad")
PGD, WORST = "pgd(eps=0.1)", "worst(attacks=[pgd(eps=0.1), square(eps=0.1)])"
MIN_EPS = "min_eps(attack=pgd(steps=5), grid=[0.1, 0.2])"
MEMBERS = ("pgd(eps=0.1)", "square(eps=0.1)")


def run(models: tuple[str, str] = MODELS) -> dict[PlannedCase, pd.DataFrame]:
    """Two models, of which the second draws random numbers: attacks, a curve of one case, and transfer."""
    return {case: rows for place, model in enumerate(models) for case, rows in cells(model, place == 1, models)}


def cells(model: str, bad: bool, models: tuple[str, str]) -> Iterator[tuple[PlannedCase, pd.DataFrame]]:
    """Cases of a model of ten images, eight of which are right before any attack."""
    said = {"stochastic": [bad] * 10}
    yield planned(model=model), answers(*[True] * 8, False, False)
    for eps, count in ((0.1, 5), (0.2, 3)):
        words = " ".join(["none"] * (count - 2 * bad) + ["pgd"] * (8 - count + 2 * bad) + ["clean"] * 2)
        yield (
            attack(f"pgd(eps={eps})", model, {"eps": eps}, sweep=Sweep("pgd", "eps, pixels in [0,1]", eps, 0.0)),
            broken(words, **(said if eps == 0.1 else {})),
        )
    words = " ".join(["none"] * 4 + [MEMBERS[0]] * 4 + ["clean"] * 2)
    yield attack(WORST, model, {"steps": 0, "members": MEMBERS}), broken(words)
    smallest = [inf] * 3 + [0.2] * 2 + [0.1] * 3 + [0.0] * 2
    words = " ".join("none" if eps == inf else "min_eps" if eps else "clean" for eps in smallest)
    yield attack(MIN_EPS, model, {"grid": (0.1, 0.2), "eps": 0.2}), broken(words, min_eps=smallest)
    for source in models:
        count = 2 if source == model else 6
        case = f"transfer(attack=pgd(eps=0.1), source={source})"
        threat = {"knowledge": "transfer", "source": source}
        yield attack(case, model, threat), broken(" ".join(["none"] * count + ["transfer"] * (10 - count)))


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    """Measurements of the run."""
    rows = run()
    return score(list(rows), rows.__getitem__)


@pytest.fixture(scope="module")
def section(measured: pd.DataFrame) -> Section:
    """Its only section."""
    return sections(measured)[0]


@pytest.fixture(scope="module")
def out(measured: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files."""
    return write(Board(measured), tmp_path_factory.mktemp("out"))[2].parent


@pytest.fixture(scope="module")
def page(out: Path) -> Page:
    """The page."""
    return Page(out / "leaderboard.html")


def test_a_column_an_attack_beside_clean_accuracy(section: Section) -> None:
    """A whole curve has its area; transfer has a table of its own, and attacks no mean."""
    names = [(column.metric, column.label) for column in section.columns][:5]

    assert names == [
        ("top1", "clean"),
        ("robust_accuracy", "pgd eps=0.1"),
        ("robust_accuracy", "pgd eps=0.2"),
        ("robust_accuracy", "worst of pgd, square eps=0.1"),
        ("robust_auc", "min_eps of pgd steps=5"),
    ]
    assert not [column for column in section.columns if column.metric in {"auc", "family_accuracy"}]


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ("fgsm(eps=4/255)", "fgsm eps=4/255"),
        ("worst([fgsm(eps=0.02), square(eps=0.02, queries=20)])", "worst of fgsm, square queries=20 eps=0.02"),
        ("min_eps(attack=pgd, grid=[0.1, 0.2])", "min_eps of pgd"),
        ("torchattacks(PGD, eps=4/255)", "torchattacks PGD eps=4/255"),
        ("whatever [it is", "whatever [it is"),
    ],
)
def test_labels_of_attacks_never_lack_their_eps(spec: str, label: str) -> None:
    """Also where the name alone would tell them apart; of a grid, the chart shows it."""
    assert attack_labels([spec])[spec] == label


def test_attacks_that_only_their_grid_tells_apart_are_shown_whole() -> None:
    """Two labels are never the same."""
    specs = ["min_eps(attack=pgd, grid=[0.1])", "min_eps(attack=pgd, grid=[0.2])"]

    assert list(attack_labels(specs).values()) == specs


def test_the_table_of_attacks(section: Section) -> None:
    """Robust accuracy, passes, and what broke the images."""
    table = attacks(section)
    worst = next(row for row in table.rows if row.case == WORST)
    shares = {word: table.share("zoo:good", worst, word).value for word in table.broken_by(worst)}

    assert [row.label for row in table.rows][-1] == "min_eps of pgd steps=5, at the largest eps"
    assert table.passes("zoo:good", worst) == "21.0 forward + 20.0 backward"
    assert shares == {"none": 0.4, "clean": 0.2, MEMBERS[0]: 0.4, MEMBERS[1]: 0}


def test_the_transfer_matrix(section: Section) -> None:
    """Rows are sources, columns those who judge."""
    (matrix,) = transfers(section)

    assert matrix.attack == "pgd(eps=0.1)"
    assert [[matrix.at(source, model).value for model in MODELS] for source in MODELS] == [[0.2, 0.6], [0.6, 0.2]]


def test_a_warning_is_listed_once_a_case(section: Section) -> None:
    """However many numbers carry it."""
    (doubt,) = warnings(section)

    assert (doubt.model, doubt.cases) == ("zoo:bad", (PGD,))


def test_a_warning_of_many_cases_is_one() -> None:
    """What is said of a model; beside it what is said of one case."""
    flags = {"stochastic": [True]}
    cases = {attack("a"): broken("none", **flags), attack("b"): broken("none", train_mode=[True], **flags)}
    found = warnings(sections(score(list(cases), cases.__getitem__))[0])

    assert [(doubt.cases, doubt.text.partition(":")[0]) for doubt in found] == [
        (("a", "b"), "stochastic"),
        (("b",), "training mode"),
    ]


def test_charts_draw_robust_accuracy(page: Page) -> None:
    """Of ordinary attacks with the clean case at 0, and of min_eps with its own; 0.1 is 25.5 steps of 8 bits."""
    charts = [chart for chart in page.contents[0]["charts"] if chart["kind"] == "eps"]
    pgd, smallest = charts

    assert page.points(pgd, "zoo:bad") == [(0, 80), (25.5, 30), (51, 10)]
    assert page.points(smallest, "zoo:good") == [(0, 80), (25.5, 50), (51, 30)]
    assert {chart["y"] for chart in charts} == {"robust accuracy"}


def test_page_has_the_tables(page: Page) -> None:
    """Attacks with passes, what broke the images, transfer, and warnings."""
    attacked, shares, transfer, *_ = page.contents[0]["tables"]
    good = page.rows(attacked, "zoo:good")["pgd eps=0.1"]

    assert (good[0], good[3]["more"]) == (50, "21.0 forward + 20.0 backward")
    assert page.rows(attacked, "zoo:bad")["pgd eps=0.1"][3]["warning"].startswith("stochastic: the same image")
    assert page.rows(shares, "zoo:good")["clean"][0] == 20
    assert [[page.rows(transfer, model)[source][0] for model in MODELS] for source in MODELS] == [[20, 60], [60, 20]]
    assert "Transfer: robust accuracy, % pgd(eps=0.1)" in page.text
    assert re.search(r"Warnings model case warning zoo:bad pgd\(eps=0.1\) ⚠ stochastic: the same image", page.text)


def test_marks_carry_their_warning(out: Path) -> None:
    """As title, and for those who hear the page."""
    html = (out / "leaderboard.html").read_text(encoding="utf-8")

    assert re.search(r'aria-label="warning: stochastic: [^"]+" title="stochastic: [^"]+">⚠', html)


def test_names_in_the_tables_are_text(tmp_path: Path) -> None:
    """Of models, sources and warnings."""
    rows = run(("<b>good</b>", "<b>bad</b>"))
    page = write(Board(score(list(rows), rows.__getitem__)), tmp_path)[2]

    assert "<b>good" not in page.read_text(encoding="utf-8").replace("<wbr>", "")
    assert "<b>bad</b> pgd(eps=0.1) ⚠ stochastic" in Page(page).text


def test_pages_without_attacks_say_nothing_of_them(tmp_path: Path) -> None:
    """Other suites are as before."""
    text = Page(write(Board(score([planned()], lambda _: answers(True))), tmp_path)[2]).text

    assert "obust accuracy" not in text
    assert "Warnings" not in text


def test_file_has_attacks_transfer_and_passes(out: Path, section: Section) -> None:
    """Each once, with its interval."""
    table = pd.read_csv(out / "leaderboard.csv").set_index("model")
    row = table.loc["zoo:good"]

    assert row[f"{PGD}_robust_accuracy"] == 0.5
    assert row[f"{PGD}_robust_accuracy low"] < 0.5 < row[f"{PGD}_robust_accuracy high"]
    assert row[f"{MIN_EPS}_robust_accuracy"] == 0.3
    assert row["transfer(attack=pgd(eps=0.1), source=zoo:bad)_robust_accuracy"] == 0.6
    assert row[[f"{PGD}_forward_passes", f"{WORST}_backward_passes"]].tolist() == [21, 20]
    assert row[f"robust_auc {MIN_EPS}"] == pytest.approx((0.65 + 0.4) / 2)
    assert not {column.name for column in file_columns(section)} & {column.name for column in section.columns}
    assert len(set(table.columns)) == len(table.columns)


def test_terminal_shows_attacks_transfer_and_warnings(measured: pd.DataFrame) -> None:
    """With the mark at the number."""
    console = Console(width=160, file=io.StringIO())
    for table in tables(measured):
        console.print(table)
    text = console.file.getvalue()

    assert re.search(r"robust accuracy pgd eps=0.1\s+│\s+50\.0 │\s+30\.0 ⚠", text)
    assert "21.0 forward + 20.0 backward" in text
    assert "transfer of pgd(eps=0.1)" in text
    assert re.search(r"zoo:bad\s+│ pgd\(eps=0.1\) │ stochastic: the same image", text)
