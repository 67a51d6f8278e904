"""Where numbers are from: every run whose numbers are shown, and no other."""

from pathlib import Path

import pyarrow as pa
import pytest
from fake_runs import planned, random_predictions

from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.errors import StoreError
from robustbench_vit.leaderboard.facts import Facts
from robustbench_vit.leaderboard.provenance import facts
from robustbench_vit.leaderboard.report import write_report
from robustbench_vit.store import Store

BEGAN = "2026-01-0{}T00:00:00Z"


def folder(root: Path, day: int, *, speed: float | None = 100.0, device: str = "cpu", **fields: object) -> Path:
    """A results folder with one more run of a clean case on a day of January."""
    case, store = planned(n=20, **fields), Store(root)
    rows = pa.Table.from_pandas(random_predictions(20), preserve_index=False)
    store.commit(case.model_key, day, {case.case_key: rows})
    store.compact(case.model_key, [case.case_key])
    store.record([case])
    store.write_json(f"cases/{case.model_key}/model.json", {"model": case.model, "digest": "ab12", "parameters": 7})
    run = {
        "model_key": case.model_key, "suites": [case.suite], "options": {"seed": case.seed, "dtype": case.dtype},
        "device": device, "began": BEGAN.format(day), "versions": {"torch": "2"}, "python": "3.11",
        "throughput": speed, "command": ["/home/me/robustbench_vit/__main__.py", "run", "a b"],
    }  # fmt: skip
    store.write_json(f"runs/{day}-{case.seed}.json", run)
    return root


def found(*folders: Path) -> Facts:
    """The facts of folders."""
    return facts(Reading(folders), folders)


def test_a_model_has_its_own_facts_and_those_of_its_run(tmp_path):
    """The program by its name alone, text for all that a run says."""
    known = found(folder(tmp_path, 1))

    assert {"digest": "ab12", "parameters": 7, "source": "zoo", "throughput": 100.0} == known.models["zoo:a"]
    assert {
        "suites": "demo@1", "began": BEGAN.format(1), "device": "cpu", "seed": "0", "dtype": "fp32",
        "versions": "torch 2, Python 3.11", "command": "robustbench-vit run 'a b'",
    } == known.runs["zoo:a"][0]  # fmt: skip


def test_two_folders_of_a_model_show_both_runs(tmp_path):
    """In order of time, whichever folder comes first; the throughput is that of the middle one."""
    late = folder(tmp_path / "b", 3, device="H200", speed=300.0, suite="other@1")
    early = folder(tmp_path / "a", 2, speed=100.0)
    known = found(late, early)

    assert [("demo@1", "cpu"), ("other@1", "H200")] == [(run["suites"], run["device"]) for run in known.runs["zoo:a"]]
    assert 200.0 == known.models["zoo:a"]["throughput"]


def test_copies_of_a_run_are_one(tmp_path):
    """Folders that were merged, or copied, hold the same."""
    both = [folder(tmp_path / name, 1) for name in "ab"]

    assert [1] == [len(runs) for runs in found(*both).runs.values()]


def test_seeds_are_runs_of_one_model(tmp_path):
    """As the table has one row of them."""
    for seed in (0, 1):
        folder(tmp_path, 1 + seed, seed=seed, case_key=f"clean-{seed}")

    assert {"zoo:a": ["0", "1"]} == {name: [run["seed"] for run in runs] for name, runs in found(tmp_path).runs.items()}


def test_runs_of_what_is_not_shown_are_left_out(tmp_path):
    """Of a suite without a manifest, of a seed nobody asked for, of a model that is not there."""
    folder(tmp_path / "other", 2, suite="gone@1")
    folder(tmp_path / "other", 3, seed=5)
    folder(tmp_path / "other", 4, model="zoo:b")
    folder(tmp_path / "shown", 1)
    for file in (tmp_path / "other" / "runs").iterdir():
        file.rename(tmp_path / "shown" / "runs" / file.name)

    assert {"zoo:a": [BEGAN.format(1)]} == {
        name: [run["began"] for run in runs] for name, runs in found(tmp_path / "shown").runs.items()
    }


def test_attacks_under_bf16_are_of_a_run_in_bf16(tmp_path):
    """Their cases say fp32, for they differentiate."""
    folder(tmp_path, 1)
    file = next(tmp_path.glob("runs/*"))
    file.write_text(file.read_text().replace("fp32", "bf16"))

    assert ["bf16"] == [run["dtype"] for run in found(tmp_path).runs["zoo:a"]]


@pytest.mark.parametrize("text", ["[]", "{}", '{"model_key": "x"}'])
def test_foreign_files_among_runs_are_named(tmp_path, text):
    """And not taken for runs."""
    folder(tmp_path, 1)
    (tmp_path / "runs" / "mine.json").write_text(text)

    with pytest.raises(StoreError, match=r"mine\.json is not what a run writes there: it .*move it elsewhere"):
        write_report([tmp_path], tmp_path / "out")
