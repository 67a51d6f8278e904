"""leaderboard.md: what its notes say is so of every table above them, and what is missing is told."""

import pandas as pd
from fake_board import board
from fake_runs import answers, cue_conflict, planned

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard import Board
from robustbench_vit.leaderboard.markdown import escaped, markdown
from robustbench_vit.leaderboard.sections import sections
from robustbench_vit.leaderboard.summary import summary


def lines(measurements: pd.DataFrame) -> list[str]:
    """The file's, without empty ones."""
    parts = sections(measurements)
    return [line for line in markdown(summary(parts, Board(measurements)), parts).splitlines() if line]


def test_notes_are_about_all_tables() -> None:
    """No case, geometry or number of images of one of them."""
    found = lines(board(2).measurements)
    notes = found[found.index("With 95 % intervals.") + 1 :]

    assert len(notes) == len({note.partition(":")[0] for note in notes})
    assert not [note for note in notes if "n = " in note or "geometry" in note]


def test_what_is_so_of_one_table_stands_below_it() -> None:
    """How many trials had no conflict; the formula stands once, for both."""
    cues = [("one", "cdc cdd ccc"), ("two", "cdc cdd")]
    tables = [cue_conflict(text) for _, text in cues]
    scored = [
        score([case], lambda _, rows=rows: rows).assign(data=data)
        for (data, _), (case, rows) in zip(cues, tables, strict=True)
    ]
    found = lines(pd.concat(scored, ignore_index=True))
    below = [found[found.index(f"### {data}") + 4] for data, _ in cues]

    assert below == [
        f"- shape bias clean, {escaped('demo@1 on ' + data)}: {trials} trials with conflict, {left} without left out"
        for (data, _), (trials, left) in zip(cues, [(2, 1), (2, 0)], strict=True)
    ]
    assert len([line for line in found if line.startswith("- shape bias:")]) == 1


def test_what_failed_is_told_though_no_column_is_left() -> None:
    """Also where nothing else was measured; many cases are counted."""
    cases = [planned("shuffle(grid=5)", status="failed", reason="out of | memory")]
    cases += [planned(f"blur(severity={level})", status="skipped", reason="no data") for level in range(1, 6)]

    assert lines(score(cases, lambda _: answers()))[-2:] == [
        f"- {escaped('demo@1 on shapetex, zoo:a: 1 failed: shuffle(grid=5): out of | memory')}",
        "- "
        + escaped(
            "demo@1 on shapetex, zoo:a: 5 skipped: blur(severity=1), blur(severity=2), blur(severity=3) and 2 more: "
            "no data"
        ),
    ]


def test_warnings_are_explained_once_for_all_models() -> None:
    """The mark at a number has a line with the same mark."""
    scored = score([planned(model=model, n=2) for model in ("zoo:a", "zoo:b")], lambda _: answers(True, False))
    found = lines(scored.assign(warning=["hidden gradients" if one == "top1" else "" for one in scored["metric"]]))

    assert found[-1] == f"- ⚠ {escaped('demo@1 on shapetex, zoo:a, zoo:b: clean: hidden gradients')}"
    assert len([line for line in found if line.startswith("- ⚠")]) == 1


def test_top5_of_others_is_called_what_it_is() -> None:
    """Beside accuracy and ECE."""
    row = board(1).measurements.iloc[[0]].astype(object)
    reported = row.assign(metric="top5", status="reported", definition="top-5; reported by timm, not run")
    found = lines(reported.infer_objects())

    assert "top-5 accuracy, %<br>" in found[0].replace("\\", "")
