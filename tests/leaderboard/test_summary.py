"""The summary: one row a model, ranks that know ties, and a first choice of columns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_board import DATA, GRID, HOSTILE, board, with_reported
from fake_runs import answers, cue_conflict, planned

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard import Board, summary_columns, write
from robustbench_vit.leaderboard.choice import ALWAYS
from robustbench_vit.leaderboard.markdown import escaped, markdown
from robustbench_vit.leaderboard.sections import sections
from robustbench_vit.leaderboard.shown import Rank
from robustbench_vit.leaderboard.summary import Row, Summary, summary


def summed(found: Board) -> Summary:
    """The summary of a board."""
    return summary(sections(found.measurements), found)


def written(found: Board) -> str:
    """The board as Markdown."""
    return markdown(summed(found), sections(found.measurements))


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

    assert [cell.rank.place for cell in found] == [1, 1, 3, 3]
    assert [cell.rank.tied for cell in found] == [True, True, False, False]


def test_without_ranks_nobody_is_marked(small: Board) -> None:
    """Overlapping intervals are no test."""
    unranked = summed(Board(small.measurements))

    assert {cell.rank for row in unranked.rows for cell in row.cells} == {Rank()}
    assert "old" not in written(Board(small.measurements))


def test_who_has_no_rank_has_a_reason(small: Board) -> None:
    """That of the board."""
    ranks = small.ranks.copy()
    ranks.loc[ranks["model"] == ranks["model"].iloc[0], ["rank", "tied", "reason"]] = [0, False, "other images"]
    found = [row.cells[0].rank for row in summed(replace(small, ranks=ranks)).rows]

    assert found == [Rank(0, reason="other images"), Rank(1, tied=True), Rank(3), Rank(3)]


def test_a_model_alone_has_no_rank() -> None:
    """And no sentence explains what ranks are."""
    alone = board(1)
    found = summed(alone)

    assert not found.is_ranked
    assert {cell.rank for row in found.rows for cell in row.cells} == {Rank()}
    assert "significantly" not in written(alone)


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


def test_the_same_number_is_shown_once_and_no_other() -> None:
    """A number of other images is another number, though data set and geometry are the same."""
    two = [
        planned(model=model, suite=suite, n=n) for suite, n in (("a@1", 2), ("b@1", 2), ("c@1", 4)) for model in "xy"
    ]
    rows = {2: answers(True, False), 4: answers(True, False, False, True)}
    found = summed(Board(score(two, lambda case: rows[case.n])))

    assert [head.column.suite for head in found.heads if head.shown] == ["a@1", "c@1"]
    assert [group.images for group in found.groups] == ["n = 2", "n = 2", "n = 4"]


def test_a_number_of_fewer_images_says_so() -> None:
    """Where its suite has seen more."""
    cases = [planned(n=4), planned("shuffle", n=2)]
    found = summed(Board(score(cases, lambda case: answers(*[True] * case.n))))

    assert [group.images for group in found.groups] == ["n = 4"]
    assert {head.images for head in found.heads if head.column.family == "occlusion"} == {"n = 2"}


def test_a_column_with_numbers_below_nothing_has_no_bars(small: Board) -> None:
    """They span 0 to 100 %, for all models or for none."""
    row = small.measurements[small.measurements["metric"] == "top1"].drop_duplicates("model").head(2).astype(object)
    signed = row.assign(metric="effective_robustness", case="x", low=[-0.1, 0.1], high=[0.1, 0.3]).infer_objects()
    cells = [row.cells[0] for row in summed(Board(signed)).rows]

    assert [cell.low for cell in cells] == [None, None]
    assert [row.cells[0].low is None for row in summed(small).rows] == [False] * 4


def test_an_empty_column_waits_until_somebody_picks_it() -> None:
    """Nobody has a number in it."""
    cases = [planned(n=1), planned("shuffle", status="failed", reason="x")]
    found = summed(Board(score(cases, lambda _: answers(True))))

    assert {head.column.family for head in found.heads} == {"clean", "occlusion"}
    assert {head.column.family for head in found.heads if head.shown} == {"clean"}


@pytest.mark.parametrize("metric", sorted(ALWAYS))
def test_what_is_always_shown_is_a_column_when_it_was_measured(small: Board, metric: str) -> None:
    """Whatever adds it to the measurements."""
    row = small.measurements[small.measurements["metric"] == "mean_corruption_accuracy"].iloc[[0]].astype(object)
    family = "clean" if metric == "shape_bias" else "corruption"
    found = summed(Board(row.assign(metric=metric, family=family).infer_objects()))

    assert [head.column.metric for head in found.heads if head.shown] == [metric]


def test_a_suite_called_reported_is_not_other_peoples(small: Board) -> None:
    """What was run is known from its status."""
    mine = small.measurements.astype({"suite": object}).replace({"suite": {"corruptions@1": "reported_x@1"}})
    shown = [
        head.column.metric for head in summed(Board(mine)).heads if head.column.suite == "reported_x@1" and head.shown
    ]

    assert "nll" not in shown


def test_throughput_waits_until_somebody_picks_it(small: Board) -> None:
    """It says more about the machine; its heading says on which, and the number has two digits."""
    found = summed(small)
    head = next(head for head in found.facts if head.name == "throughput")

    assert not head.shown
    assert head.definition == (
        "images/s: images per second of the clean case as run, on cpu, 1 threads; not a benchmark"
    )
    assert found.rows[0].facts["throughput"].text == "100"
    assert "images/s" not in written(small)


def test_definitions_read_well(small: Board) -> None:
    """Called as the column is, and a geometry says so once."""
    heads = {head.column.metric: head.definition for head in summed(small).heads}

    assert heads["mce"].startswith("mCE: ")
    assert "geometry geometry" not in "".join(heads.values())
    assert "geometry )" not in "".join(head.definition for head in summed(nowhere(small)).heads)


def nowhere(found: Board) -> Board:
    """The board without any geometry."""
    return Board(found.measurements.assign(geometry=""))


def test_markdown_has_a_table_a_data_set() -> None:
    """Of the models that have numbers there, best first."""
    cases = [planned(model=model, data=data, n=2) for model, data in (("x", "one"), ("y", "two"), ("z", "two"))]
    found = Board(score(cases, lambda case: answers(True, case.model == "z")))
    lines = written(found).splitlines()

    assert summed(found).data_sets == {"one": 1, "two": 2}
    assert [line for line in lines if line.startswith("### ")] == ["### one", "### two"]
    assert [line.split()[1] for line in lines if line.startswith(("| x", "| y", "| z"))] == ["x", "z", "y"]


def test_a_data_set_without_numbers_is_no_choice(tmp_path: Path) -> None:
    """Unless there is no other."""
    cases = [planned(n=1), planned(data="two", n=1), planned(data="three", status="skipped", reason="no data")]
    some = Board(score(cases, lambda _: answers(True)))
    none = Board(score(cases[2:], lambda _: answers(True)))

    assert list(summed(some).data_sets) == ["shapetex", "two"]
    assert list(summed(none).data_sets) == ["three"]
    assert write(some, tmp_path)[2].read_text(encoding="utf-8").count('name="data"') == 3  # the third is all of them


def test_frequency_profile_has_a_sparkline(small: Board) -> None:
    """As blocks and in words."""
    found = summed(small)
    profile = cells(found, found.rows[0].model)["frequency@1 auc fourier_noise(rms=0.1, variant=0)"]

    assert len(profile.spark) == 10
    assert profile.spark_words.startswith("accuracy from low to high frequencies: 71, 67, ")


def test_seeds_are_told(small: Board) -> None:
    """The spread between them stands beside the interval, and is explained in the note."""
    found = summed(Board(small.measurements.assign(seeds=3, seed_sd=0.012)))

    assert found.rows[0].cells[0].spread == "± 1.2"
    assert found.rows[0].cells[0].note == "mean over 3 seeds; ± 1.2 (standard deviation) between them"


def test_reported_numbers_are_marked_and_never_ranked(small: Board) -> None:
    """They have no interval, and columns of their own."""
    mixed = with_reported(small)
    found = summed(mixed)
    cell = cells(found, "elsewhere")["reported top1 clean"]

    assert row_of(found, "elsewhere").reported
    assert not row_of(found, found.rows[0].model).reported
    assert (cell.text, cell.interval, cell.rank) == ("80.0", "", Rank())
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
    head, rule, *rows = [line for line in written(small).splitlines() if line.startswith("|")]

    assert len(rows) == 4
    assert head.count("|") == rule.count("|") == rows[0].count("|")
    assert head.count("|") == 2 + sum(one.shown for one in (*found.heads, *found.facts))
    assert "**" in rows[0]
    assert " (1)<br><sub>[" in rows[0]


def test_markdown_shows_hostile_names_as_they_are() -> None:
    """No markup, no second column, no link."""
    text = written(board(4, names=HOSTILE))

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
    assert written(Board(score([], lambda _: None))) == "Nothing was measured.\n"


def test_a_wide_table_has_ranks(small: Board) -> None:
    """The fake board ranks every column that can be ranked."""
    places = {(one.suite, one.case, one.metric) for one in summary_columns(small.measurements)}

    assert ("corruptions@1", GRID, "mce") in places
    assert len(places) == len(small.ranks.drop_duplicates(["suite", "case", "metric"]))
    assert set(small.ranks["data"]) == {DATA}
    assert replace(small, ranks=small.ranks.iloc[:0]).ranks.empty
    assert np.issubdtype(small.ranks["rank"].dtype, np.integer)
