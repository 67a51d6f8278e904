"""merge, import and export timm at the command line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_runs import planned, random_predictions, stored

from robustbench_vit.cli import main


def run(folder: str, model: str, model_key: str = "", **changes: object) -> None:
    """A results folder with a clean case of a model."""
    case = planned("clean", model, n=20, model_key=model_key or f"key-{model}")
    stored(folder, {case: random_predictions(20).assign(**changes)})


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)


def test_merge_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    """And what it left alone."""
    run("one", "zoo:a")
    run("two", "zoo:b")
    Path("two/notes.txt").write_text("mine")

    assert main(["merge", "one", "two", "--out", "out"]) == 0
    said = capsys.readouterr().out
    assert "left alone, no part of a results folder: two/notes.txt" in said
    assert "out holds 2 cases of 2 models; wrote 4 files" in said
    assert main(["merge", "one", "two", "--out", "out"]) == 0
    assert "nothing was new" in capsys.readouterr().out


def test_merge_of_contradictions_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written."""
    run("one", "zoo:a")
    run("two", "zoo:a", pred=np.int32(11))

    assert main(["merge", "one", "two", "--out", "out"]) == 2
    assert "clean of zoo:a: 20 images differ in two" in capsys.readouterr().err
    assert not Path("out").exists()


def test_import_of_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    """Files and folders; a bad one leaves nothing behind."""
    Path("results-imagenet.csv").write_text("model,top1\nx,71\n")
    file = Path("info/cifar10/Linf/Some.json")
    file.parent.mkdir(parents=True)
    info = {"dataset": "cifar10", "clean_acc": "90", "autoattack_acc": "50", "eps": "8/255"}
    file.write_text(json.dumps(info))

    assert main(["import", "timm", "results-imagenet.csv", "--out", "out"]) == 0
    assert "wrote 1 reported number of 1 model into out/reported" in capsys.readouterr().out
    assert main(["import", "robustbench", "info", "--out", "out"]) == 0
    assert "wrote 2 reported numbers of 1 model " in capsys.readouterr().out
    assert main(["import", "robustbench", str(file), "results-imagenet.csv", "--out", "bad"]) == 2
    assert main(["import", "robustbench", "out/cases", "--out", "bad"]) == 2
    assert not Path("bad").exists()


def test_imported_numbers_alone_make_a_leaderboard(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to run anything first; what needs a run says so."""
    Path("results-imagenet.csv").write_text("model,top1\nx,71\ny,72\n")

    assert main(["import", "timm", "results-imagenet.csv", "--out", "out"]) == 0
    assert main(["score", "out"]) == 0
    assert main(["report", "out"]) == 0
    assert {"timm:x": 0.71, "timm:y": 0.72} == dict(pd.read_csv("out/leaderboard.csv")[["model", "clean_top1"]].values)
    capsys.readouterr()
    for words in (
        ["gate", "out", "--rule", "top1 >= 0"],
        ["compare", "a", "b", "--in", "out"],
        ["export", "scores", "out"],
    ):
        assert main([*words, *(["--out", "x"] if words[0] == "export" else [])]) == 2
        assert "out holds numbers that others reported, and nothing in it was run" in capsys.readouterr().err


def test_names_never_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor do they break lines, in whatever is written or printed."""
    name = "a,b|c\nd\x1b[31mred"
    run("out", name, model_key="k-1")
    run("out", "zoo:b")

    assert main(["report", "out"]) == 0
    assert main(["compare", "a,b|c d\\x1b[31mred", "zoo:b", "--in", "out"]) == 0
    assert main(["gate", "out", "--rule", "top1 >= 0", "--junit", "out/gate.xml"]) == 0
    assert main(["export", "timm", "out", "--out", "out/timm.csv"]) == 0
    texts = [capsys.readouterr().out, *(file.read_text() for file in Path("out").glob("[!.]*.*"))]
    assert 8 == len(texts)
    assert [] == [text for text in texts if re.search("[\x1b\x9b]", text) or "c\nd" in text]


def test_export_timm_says_how_many_images(capsys: pytest.CaptureFixture[str]) -> None:
    """The columns have no place for it."""
    run("one", "zoo:a")

    assert main(["export", "timm", "one", "--out", "table.csv"]) == 0
    assert "wrote table.csv: 1 model on 20 images" in capsys.readouterr().out


def test_no_torch_is_imported() -> None:
    """They run on a laptop without it."""
    code = (
        "import sys, robustbench_vit.cli.merge, robustbench_vit.cli.import_, robustbench_vit.cli.export; "
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
