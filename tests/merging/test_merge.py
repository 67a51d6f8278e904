"""Results folders of several people as one: equal rows meet, contradictions are named, a kill loses nothing."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from fake_runs import planned, random_predictions

from robustbench_vit.aggregates.scoring import score
from robustbench_vit.errors import StoreError
from robustbench_vit.interchange.from_timm import read_timm
from robustbench_vit.interchange.reported import write_reported
from robustbench_vit.merging import merge
from robustbench_vit.store import Store

N = 40
MODELS = ("zoo:a", "zoo:b")
CASES = ("clean", "patchdrop")


def rows(model: str, case: str) -> pd.DataFrame:
    """All rows of a case; ids in canonical order."""
    return random_predictions(N, skill=1.5, seed=10 * MODELS.index(model) + len(case))


def store(
    root: Path,
    *models: str,
    positions: object = range(N),
    cases: tuple[str, ...] = CASES,
    compact: bool = True,
    change: object = None,
    **fields: object,
) -> Path:
    """A results folder with these positions of these cases.

    Args:
        root: The folder.
        *models: Its models, all by default.
        positions: Canonical positions with rows.
        cases: Cases with rows.
        compact: Whether rows lie in case files, or still in parts.
        change: Called with the rows of each case before they are stored.
        **fields: Of the planned cases.
    """
    own = Store(root)
    whole = len(set(positions)) == N
    for model in models or MODELS:
        plan = [planned(case, model, **{"n": N, "status": "done" if whole else "partial", **fields}) for case in cases]
        for case in plan:
            frame = rows(model, case.case)
            frame = frame[frame["position"].isin(positions)]
            frame = change(frame) if change else frame
            own.commit(case.model_key, 0, {case.case_key: pa.Table.from_pandas(frame, preserve_index=False)})
        if compact:
            own.compact(plan[0].model_key, [case.case_key for case in plan])
        own.record(plan)
        own.write_json(f"cases/{plan[0].model_key}/model.json", {"model": model, "digest": model})
        own.write_json(f"runs/{root.name}.json", {"by": root.name})
    return root


def files(root: Path) -> dict[str, bytes]:
    """What a folder holds, byte by byte."""
    found = [file for file in sorted(root.rglob("*")) if file.is_file() and file.name != ".lock"]
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in found}


def scores(root: Path) -> pd.DataFrame:
    """All measurements, in an order of their own."""
    own = Store(root)
    return score(own.planned(), own.rows).sort_values(["model", "case", "metric", "category"], ignore_index=True)


def changed(column: str, *, by: float, row: int = 3) -> object:
    """A change of one number."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[frame.index[row], column] += by
        return frame

    return change


def test_models_of_two_people_meet(tmp_path):
    """The same as if one had run both."""
    one, two = store(tmp_path / "one", "zoo:a"), store(tmp_path / "two", "zoo:b")
    done = merge([one, two], tmp_path / "out")

    assert (2, 4, {}, []) == (done.models, done.cases, done.close, done.foreign)
    pd.testing.assert_frame_equal(scores(store(tmp_path / "whole")), scores(tmp_path / "out"))
    assert {"runs/one.json", "runs/two.json"} <= files(tmp_path / "out").keys()


@pytest.mark.parametrize("compact", [True, False])
def test_shards_meet(tmp_path, compact):
    """Half of the blocks here, half there, in case files or in parts: the case is done then."""
    one = store(tmp_path / "one", positions=range(0, N, 2), compact=compact)
    two = store(tmp_path / "two", positions=range(1, N, 2))
    merge([one, two], tmp_path / "out")

    assert {"done"} == {case.status for case in Store(tmp_path / "out").planned()}
    pd.testing.assert_frame_equal(scores(store(tmp_path / "whole")), scores(tmp_path / "out"))


def test_the_order_of_folders_changes_no_row(tmp_path):
    """Byte by byte."""
    parts = [store(tmp_path / name, positions=range(start, N, 3)) for start, name in enumerate("abc")]
    merge(parts, tmp_path / "one")
    merge(parts[::-1], tmp_path / "two")

    one, two = ({n: c for n, c in files(tmp_path / o).items() if n.endswith(".parquet")} for o in ("one", "two"))
    assert one == two
    assert 4 == len(one)


def test_merging_again_does_nothing(tmp_path):
    """Into a new folder, or into one of the folders."""
    one, two = store(tmp_path / "one", "zoo:a"), store(tmp_path / "two", "zoo:b", compact=False)
    merge([one, two], tmp_path / "out")
    before = files(tmp_path / "out")
    assert 0 == merge([one, two], tmp_path / "out").written
    assert before == files(tmp_path / "out")

    merge([one, two], one)
    assert 0 == merge([two, one], one).written
    pd.testing.assert_frame_equal(scores(tmp_path / "out"), scores(one))


def test_equal_files_stay_as_they_are(tmp_path):
    """A case that one folder holds alone is copied, not written anew."""
    one, two = store(tmp_path / "one", "zoo:a"), store(tmp_path / "two", "zoo:b")
    merge([one, two], tmp_path / "out")
    rows_before = {name: content for name, content in files(one).items() if name.endswith(".parquet")}

    assert rows_before.items() <= files(tmp_path / "out").items()


def test_more_images_win(tmp_path):
    """A prefix meets the whole; the plan asks for the whole, in either order."""
    one = store(tmp_path / "one", positions=range(10), n=10, status="done")
    two = store(tmp_path / "two")
    for name, folders in {"x": [one, two], "y": [two, one]}.items():
        merge(folders, tmp_path / name)

        assert {(N, "done")} == {(case.n, case.status) for case in Store(tmp_path / name).planned()}
    pd.testing.assert_frame_equal(scores(two), scores(tmp_path / "x"))


@pytest.mark.parametrize("column", ["pred", "label", "position"])
def test_contradictions_are_named(tmp_path, column):
    """Model, case, number of images and one of them; nothing is written."""
    one = store(tmp_path / "one", "zoo:a", cases=("clean",))
    two = store(tmp_path / "two", "zoo:a", cases=("clean",), change=changed(column, by=100))

    with pytest.raises(StoreError, match=rf"(?s)contradict.*clean of zoo:a: 1 images differ in .*val/00003: {column} "):
        merge([one, two], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_probabilities_beyond_the_tolerance_are_a_contradiction(tmp_path):
    """Another model, or another preprocessing, under the same key."""
    one, two = store(tmp_path / "one"), store(tmp_path / "two", change=changed("confidence", by=0.01))

    with pytest.raises(StoreError, match=r"val/00003: confidence "):
        merge([one, two], tmp_path / "out")


def test_last_digits_are_the_first_folders(tmp_path):
    """Devices differ in them; that is said, and no prediction is touched."""
    one = store(tmp_path / "one", "zoo:a", cases=("clean",))
    two = store(tmp_path / "two", "zoo:a", cases=("clean",), change=changed("nll", by=1e-5))
    done = merge([one, two], tmp_path / "out")

    assert {"clean of zoo:a": 1} == done.close
    assert files(one)["cases/key-zoo:a/clean-0.parquet"] == files(tmp_path / "out")["cases/key-zoo:a/clean-0.parquet"]


def test_a_target_is_never_overwritten(tmp_path):
    """What it holds is compared like the rest."""
    out = store(tmp_path / "out", change=changed("pred", by=1))
    before = files(out)

    with pytest.raises(StoreError, match="contradict"):
        merge([store(tmp_path / "one")], out)
    assert before == files(out)


def test_many_contradictions_are_counted(tmp_path):
    """The rest after eight."""
    names = tuple(f"patchdrop{index}" for index in range(10))
    one, two = (store(tmp_path / str(by), "zoo:a", cases=names, change=changed("pred", by=by)) for by in (0, 1))

    with pytest.raises(StoreError, match="and 2 more"):
        merge([one, two], tmp_path / "out")


def test_columns_that_differ_are_a_contradiction(tmp_path):
    """Half of a column is none."""
    one, two = store(tmp_path / "one"), store(tmp_path / "two", change=lambda frame: frame.assign(rms=0.5))

    with pytest.raises(StoreError, match=r"columns differ in .*two: rms \(none and double\)"):
        merge([one, two], tmp_path / "out")


def test_two_images_at_one_place_are_a_contradiction(tmp_path):
    """Somebody's data set has another order."""
    other = {"change": lambda frame: frame.assign(id="x" + frame["id"])}

    with pytest.raises(StoreError, match="different images stand at one place"):
        merge([store(tmp_path / "one"), store(tmp_path / "two", **other)], tmp_path / "out")


def test_two_versions_are_a_contradiction(tmp_path):
    """One declaration under two keys; two versions of a suite are two suites."""
    one = store(tmp_path / "one", "zoo:a", cases=("clean",))
    two = store(tmp_path / "two", "zoo:a", cases=("clean",), case_key="clean-1")
    with pytest.raises(StoreError, match=r"clean of zoo:a in demo@1 was run with two versions .*clean-0 and clean-1"):
        merge([one, two], tmp_path / "out")

    newer = store(tmp_path / "newer", "zoo:a", cases=("clean",), suite="demo@2")
    merge([one, newer], tmp_path / "out")
    assert {"demo@1", "demo@2"} == {case.suite for case in Store(tmp_path / "out").planned()}


def test_other_weights_are_a_contradiction(tmp_path):
    """Under the same key."""
    one, two = store(tmp_path / "one", "zoo:a"), store(tmp_path / "two", "zoo:a")
    Store(two).write_json("cases/key-zoo:a/model.json", {"digest": "another"})

    with pytest.raises(StoreError, match=r"cases/key-zoo:a/model.json says one thing in .*one and another in .*two"):
        merge([one, two], tmp_path / "out")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"status": "skipped", "reason": "no data", "data": "slot", "case_key": "x", "num_classes": 0}, "done"),
        ({"status": "failed", "reason": "boom", "case_key": "x", "num_classes": 0}, "done"),
        ({"status": "failed", "reason": "boom"}, "done"),
        ({"status": "failed", "reason": "no such file", "model_key": "unloaded-1", "num_classes": 0}, "done"),
        ({"status": "skipped", "reason": "no data", "case": "other", "case_key": "x"}, "skipped"),
    ],
)
def test_what_failed_gives_way_to_what_ran(tmp_path, said, kept):
    """In either order; what nobody ran stays visible."""
    one = store(tmp_path / "one", "zoo:a", cases=("clean",))
    Store(tmp_path / "two").record([planned(**{"n": N, **said})])
    for name, folders in {"x": [one, tmp_path / "two"], "y": [tmp_path / "two", one]}.items():
        merge(folders, tmp_path / name)

        assert {"done", kept} == {case.status for case in Store(tmp_path / name).planned()}


def test_what_one_folder_skipped_itself_stays(tmp_path):
    """The same case on data of another slot is another case."""
    one = store(tmp_path / "one", "zoo:a", cases=("clean",))
    plan = [
        *Store(one).planned(),
        planned("clean", "zoo:a", case_key="x", data="slot", status="skipped", num_classes=0),
    ]
    Store(one).record(plan)
    merge([one, store(tmp_path / "two", "zoo:b")], tmp_path / "out")

    assert "skipped" in {case.status for case in Store(tmp_path / "out").planned()}


def test_a_failed_half_stays_failed(tmp_path):
    """With rows of some images elsewhere."""
    one = store(tmp_path / "one", "zoo:a", cases=("clean",), positions=range(5))
    Store(tmp_path / "two").record([planned("clean", "zoo:a", n=N, status="failed", reason="boom")])
    merge([one, tmp_path / "two"], tmp_path / "out")

    assert ["failed"] == [case.status for case in Store(tmp_path / "out").planned()]


def test_a_model_that_could_not_be_loaded_goes_from_the_target(tmp_path):
    """Else it would stand in the table twice."""
    Store(tmp_path / "out").record([planned("clean", "zoo:a", model_key="unloaded-1", status="failed", num_classes=0)])
    merge([store(tmp_path / "one", "zoo:a")], tmp_path / "out")

    assert {"key-zoo:a"} == {case.model_key for case in Store(tmp_path / "out").planned()}


@pytest.mark.parametrize("lost", ["cases/key-zoo:a", "cases"])
def test_half_a_folder_is_an_error(tmp_path, lost):
    """Manifests were copied, rows were not."""
    one, two = store(tmp_path / "one"), store(tmp_path / "two")
    shutil.rmtree(two / lost)

    with pytest.raises(StoreError, match=r"two is half a results folder: .*clean of zoo:a is done on 40 images.* of 0"):
        merge([one, two], tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"PAR1 no", None])
@pytest.mark.parametrize("compact", [True, False])
def test_files_that_cannot_be_read_are_named(tmp_path, content, compact):
    """Even where another folder has the rows."""
    one, two = store(tmp_path / "one"), store(tmp_path / "two", compact=compact)
    file = min(two.rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-30] if content is None else content)

    with pytest.raises(StoreError, match=rf"cannot read .*{file.name}"):
        merge([one, two], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["manifests/demo@1/key-zoo:a.json", "cases/key-zoo:a/model.json", "runs/two.json"])
def test_json_that_cannot_be_read_is_named(tmp_path, name):
    """Cut short."""
    one, two = store(tmp_path / "one"), store(tmp_path / "two")
    (two / name).write_text((two / name).read_text()[:-5])

    with pytest.raises(StoreError, match=f"cannot read .*{name}"):
        merge([one, two], tmp_path / "out")


def test_a_parquet_of_something_else_is_an_error(tmp_path):
    """Under cases it would be taken for rows."""
    one = store(tmp_path / "one")
    pd.DataFrame({"x": [1]}).to_parquet(one / "cases/key-zoo:a/mine.parquet")

    with pytest.raises(StoreError, match=r"mine\.parquet holds no rows of a run: it has no column id"):
        merge([one, store(tmp_path / "two")], tmp_path / "out")


def test_foreign_files_are_named_and_left_alone(tmp_path):
    """Pages, scores and temporary files are no news."""
    one, two = store(tmp_path / "one"), store(tmp_path / "two")
    for name in ("notes.txt", "cases/readme", "my/secret.txt", "results.csv", "scored/x.parquet", ".x.json.1.tmp"):
        (two / name).parent.mkdir(exist_ok=True)
        (two / name).write_text("mine")
    done = merge([one, two], tmp_path / "out")

    assert [two / "cases/readme", two / "my", two / "notes.txt"] == done.foreign
    assert not {"notes.txt", "cases/readme", "results.csv", "scored/x.parquet"} & files(tmp_path / "out").keys()


def test_runs_of_one_name_both_stay(tmp_path):
    """And once each, however often they are merged."""
    one, two = store(tmp_path / "one"), store(tmp_path / "two")
    for folder in (one, two):
        Store(folder).write_json("runs/now.json", {"by": folder.name})
    for _ in range(2):
        merge([one, two], tmp_path / "out")

    found = [json.loads(file.read_text())["by"] for file in sorted((tmp_path / "out/runs").glob("now*.json"))]
    assert ["one", "two"] == sorted(found)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["one", "one"], "one is given twice"),
        (["one", "one/../one"], "one is given twice"),
        (["one", "empty"], r"empty holds no results; expected the --out folder"),
        (["one", "none"], r"none holds no results"),
    ],
)
def test_folders_that_make_no_sense(tmp_path, folders, message):
    """A typing mistake would lose somebody's results."""
    store(tmp_path / "one")
    (tmp_path / "empty").mkdir()

    with pytest.raises(StoreError, match=message):
        merge([tmp_path / folder for folder in folders], tmp_path / "out")


def test_reported_numbers_are_merged(tmp_path):
    """Equal ones meet, different ones are a contradiction; a folder may hold nothing else."""
    table = tmp_path / "results-imagenet.csv"
    for folder, value in {"one": 71, "two": 71, "three": 72}.items():
        table.write_text(f"model,top1\nx,{value}\n")
        write_reported(read_timm([table]), tmp_path / folder)
    merge([tmp_path / "one", tmp_path / "two", store(tmp_path / "run")], tmp_path / "out")
    assert 1 == len(list((tmp_path / "out" / "reported").iterdir()))

    with pytest.raises(StoreError, match=r"reported/timm-imagenet-.* says one thing in"):
        merge([tmp_path / "one", tmp_path / "three"], tmp_path / "other")


def test_a_killed_merge_is_finished_by_the_same_command(tmp_path, monkeypatch):
    """Killed before any of the files that it puts in their places."""
    one = store(tmp_path / "one", "zoo:a", cases=("clean",))
    two = store(tmp_path / "two", "zoo:b", cases=("clean",), compact=False)
    written = merge([one, two], tmp_path / "whole").written
    assert 8 == written  # rows, model, run and manifest of each
    replace = Path.replace

    for survived in range(written):
        left = [survived]

        def killed(file, target, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= target.name != ".writable"
            return replace(file, target)

        out = tmp_path / f"out{survived}"
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                merge([one, two], out)
        assert written - survived == merge([one, two], out).written
        assert files(tmp_path / "whole") == files(out)
