"""``gate``: the table, the sentences, the file and the exit code."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from fake_runs import planned, stored, wrong

from robustbench_vit.cli import main

HOSTILE = "[bold]<script>:smile: =cmd|' /C calc'!A0 \x1b[31m"


def keep(root: str, errors: int, model: str = HOSTILE) -> None:
    """A run of one model on 400 images."""
    stored(root, {planned(model=model, model_key=f"key-{root}", n=400): wrong(errors, of=400)})


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new model loses 10 points; its name is unkind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    keep("new", 140)
    keep("old", 100)


def test_a_gate_that_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and what was found."""
    assert 0 == main(["gate", "new", "--against", "old", "--rule", "top1 >= -0.2", "--rule", "top1[clean] >= 0.6"])

    shown = capsys.readouterr().out
    assert "-0.1000" in shown
    assert "0.6500" in shown
    assert "gate passed: 2 of 2 numbers keep the rules" in shown


def test_a_gate_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, a sentence, and a file; names are shown as they are."""
    Path("gates.toml").write_text('[[rule]]\nname = "accuracy"\nrule = "top1[clean] >= -0.02"\n')
    assert 1 == main(["gate", "new", "--against", "old", "--rules", "gates.toml", "--junit", "out/gate.xml"])

    shown = capsys.readouterr().out
    assert "failed: [bold]<script>:smile:" in shown
    assert "the rule is top1[clean] >= -0.02" in shown
    assert "wrote out/gate.xml" in shown
    assert "1" == ET.parse("out/gate.xml").getroot().get("failures")


def test_one_data_set_of_several(capsys: pytest.CaptureFixture[str]) -> None:
    """A rule about clean images need not hold on those whose cues conflict; a name nobody knows is no pass."""
    errors = {"shapetex": 1, "shapetex(split=conflict)": 90}
    stored(
        "several", {planned(data=data, case_key=data, n=100): wrong(count, of=100) for data, count in errors.items()}
    )

    assert 1 == main(["gate", "several", "--rule", "top1[clean] >= 0.6"])
    assert 0 == main(["gate", "several", "--rule", "top1[clean] >= 0.6", "--data", "shapetex"])
    assert 2 == main(["gate", "several", "--rule", "top1[clean] >= 0.6", "--data", "shapetext"])
    assert "unknown data set of RUN 'shapetext'" in capsys.readouterr().err


def test_strict(capsys: pytest.CaptureFixture[str]) -> None:
    """The number itself is held against the bound."""
    assert 0 == main(["gate", "new", "--rule", "top1 >= 0.66"])
    assert 1 == main(["gate", "new", "--rule", "top1 >= 0.66", "--strict"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rule", "top1 >= -0.1"], "give --against"),
        (["--rule", "top1 >> 1"], "is no rule"),
        (["--rule", "top1 >= nan"], "expected a finite number"),
        ([], "a gate needs rules"),
        (["--rules", "none.toml"], "cannot read the rules in none.toml"),
        (["--rule", "top2 >= 0"], "did you mean top"),
        (["--rule", "top1 >= 0", "--model", "zoo:x"], "unknown model of RUN 'zoo:x'"),
        (["--rule", "top1 >= 0", "--against", "nowhere"], "nowhere holds no results"),
    ],
)
def test_mistakes(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a sentence."""
    assert 2 == main(["gate", "new", *words])

    assert told in capsys.readouterr().err
