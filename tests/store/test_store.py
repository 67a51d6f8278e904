"""The results folder: atomic, idempotent, never silently incomplete (contract C7)."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase, Sweep
from robustbench_vit.store import Store
from robustbench_vit.store.files import write_atomically, write_text


def table(positions, **extra):
    """Rows at these positions."""
    count = len(positions)
    columns = {"id": [f"s{p:03d}" for p in positions], "position": positions, "label": [0] * count, "pred": [1] * count}
    return pa.table({**columns, **extra})


def case(**changes):
    """A planned case."""
    values = {
        "suite": "toy@1", "model": "m", "model_key": "m-1", "case": "clean", "case_key": "clean-1", "family": "clean",
        "perturbation": "clean", "data": "d", "geometry": "none", "label_space": "x", "num_classes": 2, "n": 4,
        "seed": 0, "dtype": "fp32",
    }  # fmt: skip
    return PlannedCase(**{**values, **changes})


def test_parts_become_case_files(tmp_path):
    """Rows of two blocks and two cases end in one file a case, without the columns of the other."""
    store = Store(tmp_path)
    store.commit("m-1", 0, {"clean-1": table([0, 1]), "noise-1": table([0, 1], rms=[0.1, 0.2])})
    store.commit("m-1", 1, {"clean-1": table([3, 2])})
    assert {"clean-1": {0, 1, 2, 3}, "noise-1": {0, 1}} == store.positions("m-1", ["clean-1", "noise-1"])
    before = store.rows(case())

    store.compact("m-1", ["clean-1", "noise-1"])

    assert before.equals(store.rows(case()))
    assert ["s000", "s001", "s002", "s003"] == before["id"].tolist()
    assert ["id", "position", "label", "pred"] == list(before)
    assert [0.1, 0.2] == store.rows(case(case_key="noise-1"))["rms"].tolist()
    assert [] == list(tmp_path.glob("parts/*/*"))


def test_compacting_twice_changes_nothing(tmp_path):
    """A kill between writing a case file and deleting its parts is harmless."""
    store = Store(tmp_path)
    store.commit("m-1", 0, {"clean-1": table([0, 1])})
    part = next(tmp_path.glob("parts/*/*"))
    content = part.read_bytes()
    store.compact("m-1", ["clean-1"])
    once = store.case_file("m-1", "clean-1").read_bytes()
    part.write_bytes(content)
    store.compact("m-1", ["clean-1"])

    assert once == store.case_file("m-1", "clean-1").read_bytes()


def test_the_same_block_has_the_same_name(tmp_path):
    """A repeated block replaces itself."""
    store = Store(tmp_path)
    for _ in range(2):
        store.commit("m-1", 0, {"clean-1": table([0, 1])})

    assert 1 == len(list(tmp_path.glob("parts/*/*.parquet")))


def test_parts_with_unfinished_cases_stay(tmp_path):
    """Compacting one case of a part keeps the part for the other."""
    store = Store(tmp_path)
    store.commit("m-1", 0, {"clean-1": table([0]), "noise-1": table([0])})
    store.compact("m-1", ["clean-1"])

    assert {0} == store.positions("m-1", ["noise-1"])["noise-1"]


def test_manifests_merge(tmp_path):
    """A later record replaces its own case, keeps the others, and drops what was skipped for want of data."""
    store = Store(tmp_path)
    sweep = Sweep("patchdrop", "share", 0.5, 0.0)
    store.record([case(), case(case_key="b", case="b", sweep=sweep), case(case_key="c", status="skipped", reason="r")])
    store.record([case(status="done", n=9)])

    assert [("clean-1", "done", 9), ("b", "partial", 4)] == [(c.case_key, c.status, c.n) for c in store.planned()]
    assert sweep == store.planned()[1].sweep


@pytest.mark.parametrize("content", [b"", b"PAR1 no", None])
def test_damaged_parts_are_errors(tmp_path, content):
    """A part cut short is named."""
    store = Store(tmp_path)
    store.commit("m-1", 0, {"clean-1": table([0, 1])})
    part = next(tmp_path.glob("parts/*/*"))
    part.write_bytes(part.read_bytes()[:-20] if content is None else content)

    with pytest.raises(StoreError, match=rf"cannot read .*{part.name}.*delete this file"):
        store.positions("m-1", ["clean-1"])
    with pytest.raises(StoreError, match="cannot read"):
        store.rows(case())


def test_damaged_manifests_are_errors(tmp_path):
    """A manifest cut short is named."""
    store = Store(tmp_path)
    store.record([case()])
    file = next(tmp_path.glob("manifests/*/*.json"))
    file.write_text(file.read_text()[:-10])

    with pytest.raises(StoreError, match=r"cannot read .*json"):
        store.planned()


def test_an_empty_folder_is_an_error(tmp_path):
    """Reporting on nothing says what was expected."""
    with pytest.raises(StoreError, match="holds no results; expected the --out folder"):
        Store(tmp_path / "none").planned()


@pytest.mark.parametrize("text", ["{}", "[]", "7", '["x"]', '{"suite": "toy@1"}'])
def test_a_manifest_of_something_else_is_an_error(tmp_path, text):
    """An empty one would let its model vanish from every table."""
    store = Store(tmp_path)
    store.record([case()])
    next(tmp_path.glob("manifests/*/*.json")).write_text(text)

    with pytest.raises(StoreError, match=r"m-1\.json is not a list of cases"):
        store.planned()


@pytest.mark.parametrize("text", ["[]", "7", '{"model": 5}', '{"model": 5, "digest": "d"}'])
def test_facts_of_something_else_are_an_error(tmp_path, text):
    """A page would show a model without a digest."""
    write_text(tmp_path / "cases" / "m-1" / "model.json", text)

    with pytest.raises(StoreError, match=r"model\.json is not what a run writes there"):
        Store(tmp_path).models()


def test_a_folder_of_reported_numbers_was_not_run(tmp_path):
    """It does hold something."""
    write_text(tmp_path / "reported" / "timm.json", "{}")

    with pytest.raises(StoreError, match="numbers that others reported, and nothing in it was run"):
        Store(tmp_path).planned()


def test_names_are_read_without_control_characters(tmp_path):
    """They would steer the terminal that shows them; line breaks become blanks."""
    store = Store(tmp_path)
    store.record([case(model="a,b|c\nd\x1b[31mred\x9b1m", reason="two\r\nlines", geometry="8×8", tags=("t\x07",))])

    (found,) = store.planned()

    assert "a,b|c d\\x1b[31mred\\x9b1m" == found.model
    assert ("two  lines", "8×8", ("t\\x07",)) == (found.reason, found.geometry, found.tags)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """Neither half a file nor a temporary one remains."""
    file = tmp_path / "x.json"
    write_text(file, "old")

    def full(path: Path) -> None:
        path.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left on device; make room"):
        write_atomically(file, full)
    assert "old" == file.read_text()
    assert ["x.json"] == [path.name for path in tmp_path.iterdir()]


def test_a_file_in_the_way_is_an_error(tmp_path):
    """An output folder that cannot be made is refused before anything is computed."""
    (tmp_path / "out").write_text("")

    with pytest.raises(StoreError, match=r"cannot write .*out must be a folder, and a file is in its place"):
        Store(tmp_path / "out").prepare()


def test_json_of_runs_and_models(tmp_path):
    """Facts are read back by name."""
    store = Store(tmp_path)
    store.write_json("cases/m-1/model.json", {"model": "m", "digest": "d"})
    run = {"model_key": "m-1", "suites": [], "options": {}, "device": "cpu", "began": "2026", "versions": {}}
    store.write_json("runs/1.json", run)

    assert {"m-1": {"model": "m", "digest": "d"}} == store.models()
    assert [run] == store.runs()
    assert json.loads((tmp_path / "runs" / "1.json").read_text()) == run


def test_a_shard_does_not_undo_what_another_said(tmp_path):
    """Ended later, it sees the rows of both; without them, a failure stays one."""
    store = Store(tmp_path)
    store.commit("m-1", 0, {"clean-1": table([0, 1])})
    store.record([case(status="failed", reason="boom")])
    store.record([case(status="partial")])
    assert ["failed"] == [planned.status for planned in store.planned()]

    store.commit("m-1", 1, {"clean-1": table([2, 3])})
    store.record([case(status="partial")])
    assert ["done"] == [planned.status for planned in store.planned()]


def test_a_case_that_was_never_prepared_goes_when_it_is(tmp_path):
    """Its key was made of the declaration alone; other failures stay."""
    store = Store(tmp_path)
    early = {"case_key": "clean-0", "num_classes": 0, "status": "failed"}
    store.record([case(**early), case(**{**early, "case": "noise", "case_key": "noise-0"})])
    store.record([case(status="failed")])

    assert ["noise-0", "clean-1"] == [planned.case_key for planned in store.planned()]


def test_a_forgotten_model_is_in_no_manifest(tmp_path):
    """Others stay."""
    store = Store(tmp_path)
    store.record([case(), case(model_key="unloaded-1"), case(model_key="unloaded-1", suite="other@1")])
    store.forget("unloaded-1")

    assert ["m-1"] == [planned.model_key for planned in store.planned()]
