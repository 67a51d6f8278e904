"""The summary: one row a model, ranks that know ties, and a first choice of columns."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_board import DATA, GRID, HOSTILE, board, with_reported
from fake_runs import cue_conflict

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard import Board, summary_columns
from robustbench_vit.leaderboard.markdown import escaped, markdown
from robustbench_vit.leaderboard.sections import sections
from robustbench_vit.leaderboard.summary import Row, Summary, summary


def summed(found: Board) -> Summary:
    """The summary of a board."""
    return summary(sections(found.measurements), found)


def cells(found: Summary, model: str) -> dict[str, object]:
    """A model's cells by suite, metric and case."""
    row = row_of(found, model)
    return {
        f"{head.column.suite} {head.column.metric} {head.column.case}": cell
        for head, cell in zip(found.heads, row.cells, strict=True)
    }


def row_of(found: Summary, model: str) -> Row:
    """A model's row."""
    return next(row for row in found.rows if row.model == model)


@pytest.fixture(scope="module")
def small() -> Board:
    """Four models."""
    return board(4)


def test_one_row_a_model_best_first(small: Board) -> None:
    """Over all suites."""
    found = summed(small)
    first = [float(row.cells[0].sort) for row in found.rows]

    assert len(found.rows) == 4
    assert first == sorted(first, reverse=True)
    assert {head.column.suite for head in found.heads} == {"corruptions@1", "occlusion@1", "frequency@1", "shuffle@1"}


def test_versions_never_share_a_column(small: Board) -> None:
    """Nor do suites: each has columns of its own."""
    older = small.measurements.astype({"suite": object}).replace({"suite": {"corruptions@1": "corruptions@0"}})
    both = pd.concat([small.measurements.astype({"suite": object}), older[older["suite"] == "corruptions@0"]])
    columns = [head.column for head in summed(Board(both)).heads]

    assert len({column.place for column in columns}) == len(columns)
    assert {"corruptions@0", "corruptions@1"} < {column.suite for column in columns}


def test_ranks_are_those_of_the_board(small: Board) -> None:
    """And the ties."""
    found = [row.cells[0] for row in summed(small).rows]

    assert [cell.rank for cell in found] == [1, 1, 3, 3]
    assert [cell.tied for cell in found] == [True, True, False, False]


def test_without_ranks_overlapping_intervals_are_ties(small: Board) -> None:
    """But nobody has a rank."""
    found = [row.cells[0] for row in summed(Board(small.measurements)).rows]

    assert {cell.rank for cell in found} == {0}
    assert found[0].tied
    assert not found[-1].tied


def test_columns_that_can_be_ranked_have_a_good_end() -> None:
    """Shape bias has none."""
    case, rows = cue_conflict("cdc cdd oco doo cod ccc")
    columns = summary_columns(score([case], lambda _: rows))

    assert "shape_bias" not in {column.metric for column in columns}
    assert {"top1", "nll"} < {column.metric for column in columns}


def test_first_choice_of_columns(small: Board) -> None:
    """Clean accuracy and ECE once a data set, one frequency profile, each area."""
    shown = [(head.column.suite, head.column.metric) for head in summed(small).heads if head.shown]

    assert shown.count(("corruptions@1", "top1")) == 1
    assert ("occlusion@1", "top1") not in shown
    assert shown.count(("frequency@1", "auc")) == 1
    assert shown.count(("occlusion@1", "auc")) == 4
    assert not [metric for _, metric in shown if metric in {"nll", "relative_mce"}]


def test_frequency_profile_has_a_sparkline(small: Board) -> None:
    """As blocks and in words."""
    found = summed(small)
    profile = cells(found, found.rows[0].model)["frequency@1 auc fourier_noise(rms=0.1, variant=0)"]

    assert len(profile.spark) == 10
    assert profile.spark_words.startswith("accuracy from low to high frequencies: 71, 67, ")


def test_seeds_are_told(small: Board) -> None:
    """The spread between them stands in the note."""
    found = summed(Board(small.measurements.assign(seeds=3, seed_sd=0.012)))

    assert found.rows[0].cells[0].note == "mean over 3 seeds; ± 1.2 (sd) between them"


def test_reported_numbers_are_marked_and_never_ranked(small: Board) -> None:
    """They have no interval, and columns of their own."""
    mixed = with_reported(small)
    found = summed(mixed)
    cell = cells(found, "elsewhere")["reported top1 clean"]

    assert row_of(found, "elsewhere").reported
    assert not row_of(found, found.rows[0].model).reported
    assert (cell.text, cell.interval, cell.rank, cell.tied) == ("80.0", "", 0, False)
    assert cell.note == "reported, not run: accuracy; reported by timm, not run"
    assert "reported" not in {column.suite for column in summary_columns(mixed.measurements)}


def test_arguments_of_a_model_come_second_where_its_name_is_enough() -> None:
    """Where it is not, they stay."""
    names = ["timm:a(x=1)", "timm:b(x=1)", "timm:b(x=2)"]
    found = {row.model: (row.name, row.more) for row in summed(board(3, names=names)).rows}

    assert found == {
        "timm:a(x=1)": ("timm:a", "(x=1)"),
        "timm:b(x=1)": ("timm:b(x=1)", ""),
        "timm:b(x=2)": ("timm:b(x=2)", ""),
    }


def test_markdown_has_what_the_page_shows_first(small: Board) -> None:
    """A row a model, ranks and intervals."""
    found = summed(small)
    head, rule, *rows = [line for line in markdown(found).splitlines() if line.startswith("|")]

    assert len(rows) == 4
    assert head.count("|") == rule.count("|") == rows[0].count("|")
    assert head.count("|") == 2 + 1 + sum(one.shown for one in found.heads) - 1 + len(found.facts)
    assert "**" in rows[0]
    assert " (1)<br><sub>[" in rows[0]


def test_markdown_shows_hostile_names_as_they_are() -> None:
    """No markup, no second column, no link."""
    text = markdown(summed(board(4, names=HOSTILE)))

    assert "<script>" not in text
    assert r"&lt;script&gt;alert\(1\)&lt;/script&gt;" in text
    assert r"=cmd\|' /C calc'\!A0" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a|b", r"a\|b"), ("`x`", r"\`x\`"), ("<b>&", "&lt;b&gt;&amp;"), ("a\nb", "a b"), ("[x](y)", r"\[x\]\(y\)")],
)
def test_markdown_is_escaped(text: str, expected: str) -> None:
    """On one line."""
    assert escaped(text) == expected


def test_nothing_measured_is_no_table() -> None:
    """A sentence."""
    assert markdown(summed(Board(score([], lambda _: None)))) == "Nothing was measured.\n"


def test_a_wide_table_has_ranks(small: Board) -> None:
    """The fake board ranks every column that can be ranked."""
    places = {(one.suite, one.case, one.metric) for one in summary_columns(small.measurements)}

    assert ("corruptions@1", GRID, "mce") in places
    assert len(places) == len(small.ranks.drop_duplicates(["suite", "case", "metric"]))
    assert set(small.ranks["data"]) == {DATA}
    assert replace(small, ranks=small.ranks.iloc[:0]).ranks.empty
    assert np.issubdtype(small.ranks["rank"].dtype, np.integer)
