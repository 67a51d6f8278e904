"""A folder without rows: everything but rows can be had from it."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from fake_runs import curve_plan, random_predictions

from robustbench_vit.cli import main
from robustbench_vit.store import Store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The folder ``mine`` with two models on a curve."""
    monkeypatch.chdir(tmp_path)
    store = Store("mine")
    for model in ("zoo:a", "zoo:b"):
        plan = curve_plan(model, n=50)
        tables = {
            case.case_key: pa.Table.from_pandas(random_predictions(50, seed=ord(model[-1]) + number))
            for number, case in enumerate(plan)
        }
        store.commit(plan[0].model_key, 0, tables)
        store.compact(plan[0].model_key, list(tables))
        store.record(plan)
        store.write_json(f"cases/{plan[0].model_key}/model.json", {"model": model, "digest": "d", "parameters": 7})
    return store


def test_numbers_are_those_of_the_rows(capsys):
    """To the last digit, ranks and parameters included."""
    assert 0 == main(["export", "scores", "mine", "--out", "theirs"])
    assert "wrote plans and scores of 2 models into theirs" in capsys.readouterr().out
    for name in ("mine", "theirs"):
        main(["report", name])

    for table in ("results.csv", "leaderboard.csv"):
        pd.testing.assert_frame_equal(pd.read_csv(Path("mine", table)), pd.read_csv(Path("theirs", table)))
    assert ["model.json"] * 2 == [file.name for file in Path("theirs").glob("cases/*/*")]


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "zoo:a", "zoo:b", "--in", "theirs"],
        ["gate", "theirs", "--rule", "top1[clean] >= 0"],
        ["export", "timm", "theirs", "--out", "x.csv"],
        ["merge", "theirs", "--out", "all"],
        ["export", "scores", "theirs", "--out", "again"],
    ],
    ids=" ".join,
)
def test_every_command_takes_it(command):
    """That needs no rows."""
    main(["export", "scores", "mine", "--out", "theirs"])

    assert 0 == main(command)


def test_what_is_there_is_not_overwritten(capsys):
    """Neither the folder itself nor another."""
    assert 2 == main(["export", "scores", "mine", "--out", "mine"])
    assert "mine holds results already; choose a new folder" in capsys.readouterr().err
    assert 2 == main(["export", "scores", "nothing", "--out", "theirs"])
    assert not Path("theirs").exists()
