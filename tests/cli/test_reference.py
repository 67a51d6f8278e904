"""``report --reference`` and ``score --reference``, and the same from Python, on a folder nobody ran."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from fake_runs import corruption_plan, wrong

from robustbench_vit import results
from robustbench_vit.cli import main
from robustbench_vit.store import Store

GRID = "corruptions(generated, variant=cifar_c)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models on small images, the second wrong twice as often."""
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "out")
    for model, errors in (("zoo:a", 1), ("zoo:b", 2)):
        plan = corruption_plan(model, variant="cifar_c", label_space="cifar10", geometry="none", data="cifar10", n=4)
        keyed = {f"c{place}": case for place, case in enumerate(plan)}
        rows = {key: wrong(0 if case.family == "clean" else errors, of=4) for key, case in keyed.items()}
        store.commit(plan[0].model_key, 0, {key: pa.Table.from_pandas(found) for key, found in rows.items()})
        store.compact(plan[0].model_key, list(keyed))
        store.record([type(case)(**{**vars(case), "case_key": key}) for key, case in keyed.items()])
    return store.root


def mce(measurements: pd.DataFrame) -> dict[str, float]:
    """Mean corruption error by model."""
    rows = measurements[(measurements["metric"] == "mce") & (measurements["case"] == GRID)]
    return dict(zip(rows["model"], rows["value"], strict=True))


@pytest.mark.parametrize("command", ["report", "score"])
def test_corruption_errors_are_relative_to_a_model_of_the_folder(command: str) -> None:
    """And results.csv says to which."""
    assert main([command, "out", "--reference", "zoo:b"]) == 0

    found = pd.read_csv("out/results.csv")
    assert mce(found) == {"zoo:a": 50, "zoo:b": 100}
    assert set(found[found["metric"] == "mce"]["reference"]) == {"zoo:b"}
    assert found[found["metric"] == "relative_ce"]["definition"].str.endswith("of zoo:b on the same images").all()


def test_the_page_names_the_reference() -> None:
    """In the heading."""
    main(["report", "out", "--reference", "zoo:b"])

    assert "/ zoo:b" in Path("out/leaderboard.html").read_text(encoding="utf-8").replace("<wbr>", "")


def test_an_unknown_reference_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    """With the closest names."""
    assert main(["report", "out", "--reference", "zoo:bb"]) == 2

    assert "unknown reference model 'zoo:bb'; did you mean zoo:b" in capsys.readouterr().err


def test_from_python(folder: Path) -> None:
    """The same numbers."""
    assert mce(results(folder).measurements(reference="zoo:b")) == {"zoo:a": 50, "zoo:b": 100}
    assert pd.Series(mce(results(folder).measurements())).isna().all()
