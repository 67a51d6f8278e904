"""``compare A B``: the table, the file, and the sentences that answer mistakes."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import attack, broken, planned, stored, wrong

from robustbench_vit.cli import main
from robustbench_vit.records import PlannedCase

SHUFFLE = "shuffle(grid=2)"


def keep(root: Path, case: PlannedCase, rows: pd.DataFrame) -> None:
    """A case of a run that never ran, in a results folder, on all images of these rows."""
    stored(root, {replace(case, n=len(rows)): rows})


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder a model: on clean images they differ on 20 of 60, elsewhere on none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for folder, model, errors in (("one", "zoo:a", 30), ("two", "zoo:b", 10)):
        keep(Path(folder), planned(model=model), wrong(errors, of=60))
        keep(Path(folder), planned(SHUFFLE, model), wrong(30, of=60))
    keep(Path("two"), planned("alone", "zoo:b"), wrong(30, of=60))


def compare(*words: str, folders: Sequence[str] = ("one", "two")) -> int:
    """The exit code of the command."""
    return main(["compare", *words, "--in", *folders])


def test_the_table_and_the_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """What differs is marked, what does not is a tie, what was left out is named."""
    assert compare("zoo:a", "zoo:b") == 0

    shown = capsys.readouterr().out
    clean, shuffle = ([word for word in line.split("│") if word.strip()] for line in shown.splitlines()
                      if line.strip("│ ").startswith(("clean", "shuffle")))  # fmt: skip
    assert [word.strip() for word in clean] == ["clean", "50.0", "83.3", "+33.3", "60", "0 / 20", "< 0.0001", "B *"]
    assert [word.strip() for word in shuffle] == ["shuffle", "50.0", "50.0", "0.0", "60", "0 / 0", "1.0000", "tie"]
    assert "would be found in a case with a chance of about 80%" in shown
    assert "only one model has them: alone (zoo:b)" in shown
    assert "wrote one/comparison.csv" in shown


def test_the_file_has_a_row_a_number() -> None:
    """With whole counts, in the folder that was named."""
    compare("zoo:b", "zoo:a", "--out", "there")
    found = pd.read_csv("there/comparison.csv").set_index("case")

    assert found.index.tolist() == ["clean", SHUFFLE]
    assert found.loc["clean", ["model_a", "model_b", "better"]].tolist() == ["zoo:b", "zoo:a", "zoo:b"]
    assert "60,0.833" in Path("there/comparison.csv").read_text(encoding="utf-8")
    assert ",20,0," in Path("there/comparison.csv").read_text(encoding="utf-8")


def test_warnings_of_attacks_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the number and in words."""
    for folder, model in (("one", "zoo:a"), ("two", "zoo:b")):
        keep(
            Path(folder),
            replace(attack(model=model), case_key="pgd"),
            broken("none pgd", train_mode=[model == "zoo:a"] * 2),
        )
    compare("zoo:a", "zoo:b")

    shown = capsys.readouterr().out
    assert "tie ⚠" in shown
    assert "⚠ pgd(eps=0.1): zoo:a: " in shown


def test_few_images_are_called_few(capsys: pytest.CaptureFixture[str]) -> None:
    """Three show no difference at all."""
    for model in ("zoo:a", "zoo:b"):
        keep(Path("few"), planned(model=model), wrong(1, of=3))
    compare("zoo:a", "zoo:b", folders=["few"])

    assert "too few images for any difference" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("zoo:c", "zoo:b"), "unknown model 'zoo:c'; did you mean zoo:"),
        (("zoo:a", "zoo:a"), "zoo:a and zoo:a are the same model; give two models"),
        (("zoo:a", "zoo:b", "--reference", "zoo:x"), "unknown reference model 'zoo:x'"),
    ],
)
def test_mistakes(words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Answered with a sentence, and nothing is written."""
    assert compare(*words) == 2

    assert told in capsys.readouterr().err
    assert not Path("one/comparison.csv").exists()


def test_other_weights_of_the_same_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The names to choose from are those of the tables."""
    shutil.rmtree("one")
    for folder, key in (("one", "mine-123456abcdef"), ("two", "other-abcdef012345")):
        keep(Path(folder), planned(model="zoo:a", model_key=key), wrong(20, of=60))
    assert compare("zoo:a", "zoo:b") == 2

    assert "zoo:a is the name of 2 models; give one of zoo:a #" in capsys.readouterr().err
    assert compare("zoo:a #abcdef", "zoo:b") == 0


def test_seeds_are_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the mean under the table, and those that only one model has among what is left out."""
    for model, seeds, errors in (("zoo:a", (0, 1), 20), ("zoo:b", (0, 1, 2), 30)):
        for seed in seeds:
            case = planned(SHUFFLE, model, seed=seed, case_key=f"shuffle-{seed}")
            keep(Path("seeds"), case, wrong(errors + seed, of=60))
    assert compare("zoo:a", "zoo:b", folders=["seeds"]) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert "in %, mean over seeds 0, 1, 95 % interval" in shown
    assert "Left out, because only one model has them: seed 2 (zoo:b)." in shown
    assert pd.read_csv("seeds/comparison.csv")["seeds"].tolist() == ["0, 1"]


def test_rows_over_other_seeds_than_others_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A case that one model ran with one seed only."""
    for model, seeds in (("zoo:a", (0, 1)), ("zoo:b", (0, 1))):
        for seed in seeds:
            keep(Path("seeds"), planned(model=model, seed=seed, case_key=f"clean-{seed}"), wrong(20, of=60))
        keep(Path("seeds"), planned(SHUFFLE, model, case_key="shuffle-0"), wrong(30, of=60))
    compare("zoo:a", "zoo:b", folders=["seeds"])

    shown = capsys.readouterr().out
    assert "clean · seeds 0, 1" in shown
    assert "shuffle · seed 0" in shown
