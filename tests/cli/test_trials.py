"""Trials at the command line: exported, and read with a report."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from fake_runs import cue_conflict

from robustbench_vit.cli import main
from robustbench_vit.store import Store

SEEN = "cdc cdd oco doo cod ccc"
WRONG = "cdo cdd oco doo cod cco"


def run(folder: str | Path, **models: str) -> None:
    """A results folder of models with these decisions."""
    store = Store(folder)
    for model, decisions in models.items():
        case, rows = cue_conflict(decisions, model=f"zoo:{model}", model_key=model)
        store.commit(model, 0, {case.case_key: pa.Table.from_pandas(rows, preserve_index=False)})
        store.compact(model, [case.case_key])
        store.record([case])


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)


def test_export_writes_a_file_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    """In a folder of the data set."""
    run("out", a=SEEN, b=WRONG)

    assert main(["export", "trials", "out", "--out", "trials"]) == 0
    assert sorted(file.name for file in Path("trials/cue-conflict").iterdir()) == [
        "cue-conflict_zoo-a_session-1.csv",
        "cue-conflict_zoo-b_session-1.csv",
    ]
    assert "wrote trials/cue-conflict/cue-conflict_zoo-a_session-1.csv" in capsys.readouterr().out


def test_scores_are_enough(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without rows gives the same decisions; one without scores, too, is an error and no empty file."""
    run("out", a=SEEN)
    main(["export", "trials", "out", "--out", "with"])
    next(Path("out").glob("cases/*/*.parquet")).unlink()

    assert main(["export", "trials", "out", "--out", "without"]) == 0
    name = "cue-conflict/cue-conflict_zoo-a_session-1.csv"
    assert Path("with", name).read_text() == Path("without", name).read_text()
    next(Path("out").glob("scored/*")).unlink()
    assert main(["export", "trials", "out", "--out", "none"]) == 2
    assert "out holds neither rows nor scores of clean of zoo:a" in capsys.readouterr().err
    assert not Path("none").exists()


@pytest.mark.parametrize("other", [{"model": "zoo:a", "model_key": "a", "case_key": "clean-1"}, {"model": "zoo-a"}])
def test_no_file_replaces_another(other: dict[str, str]) -> None:
    """Other rows of a model on the same data, and a model of nearly the same name."""
    run("out", a=SEEN)
    case, rows = cue_conflict(WRONG, geometry="native", **other)
    store = Store("out")
    store.commit(case.model_key, 1, {case.case_key: pa.Table.from_pandas(rows, preserve_index=False)})
    store.compact(case.model_key, [case.case_key])
    store.record([case])

    assert main(["export", "trials", "out", "--out", "trials"]) == 0
    decided = [pd.read_csv(file)["object_response"][0] for file in Path("trials/cue-conflict").iterdir()]
    assert sorted(decided) == ["cat", "owl"]


def test_several_seeds_are_one_decision_maker() -> None:
    """Clean images draw nothing."""
    run("out", a=SEEN)
    case, rows = cue_conflict(SEEN, model="zoo:a", model_key="a", case_key="clean-1", seed=1)
    store = Store("out")
    store.commit("a", 1, {case.case_key: pa.Table.from_pandas(rows, preserve_index=False)})
    store.compact("a", [case.case_key])
    store.record([case])

    assert main(["export", "trials", "out", "--out", "trials"]) == 0
    assert [file.name for file in Path("trials/cue-conflict").iterdir()] == ["cue-conflict_zoo-a_session-1.csv"]


def test_export_of_nothing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Classes must have names."""
    store = Store("out")
    store.record([cue_conflict(SEEN, classes=())[0]])

    assert main(["export", "trials", "out", "--out", "trials"]) == 2
    assert "there is nothing to export" in capsys.readouterr().err


def test_what_is_exported_comes_back_with_a_report() -> None:
    """The same counts, and complete agreement with the model itself."""
    run("out", a=SEEN, b=WRONG)
    main(["export", "trials", "out", "--out", "trials"])

    assert main(["report", "out", "--trials", "trials/cue-conflict"]) == 0
    table = pd.read_csv("out/results.csv")
    own, back = (table[table["model"] == model].set_index("metric") for model in ("zoo:a", "trials:zoo-a"))
    decided = ["top1", "shape_bias", "shape_bias_classmean", "shape_decisions", "category_shape_bias"]
    numbers = ["category", "value", "n", "low", "high"]
    pd.testing.assert_frame_equal(own.loc[decided, numbers], back.loc[decided, numbers])
    pairs = own.loc["error_consistency"].set_index("reference")["value"]
    assert pairs["trials:zoo-a"] == 1


def test_score_reads_trials_as_well() -> None:
    """Of another data set, by its name."""
    run("out", a=SEEN)
    Path("said.csv").write_text("subject,image,response,shape\nsubject-01,cat1-dog1.png,dog,cat\n")

    assert main(["score", "out", "--trials", "cue_conflict=said.csv"]) == 0
    found = pd.read_csv("out/results.csv").set_index(["model", "metric"])["value"]
    assert found["trials:subject-01", "shape_bias"] == 0


def test_trials_that_do_not_fit_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is skipped silently."""
    run("out", a=SEEN)
    Path("said.csv").write_text("subject,image,response,shape\nsubject-01,owl9-dog1.png,dog,owl\n")

    assert main(["report", "out", "--trials", "said.csv"]) == 2
    assert "the trials in said.csv are about none of the images" in capsys.readouterr().err
