"""What scoring leaves behind, and what a report makes of it without any row of a sample."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import (
    answers,
    attack,
    broken,
    corruption_plan,
    cue_conflict,
    curve_plan,
    planned,
    random_predictions,
    stored,
    wrong,
)

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.scored import score_case
from robustbench_vit.aggregates.scored_file import ScoredFile
from robustbench_vit.aggregates.scored_files import scored_files
from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase

Rows = dict[PlannedCase, pd.DataFrame]

FILES = "robustbench_vit.aggregates.scored_files"


def fake(model: str = "zoo:a", seed: int = 0) -> Rows:
    """A curve of three cases and a failed one."""
    clean, half, full = curve_plan(model)
    failed = planned("shuffle(grid=4)", model, status="failed", reason="no cells", n=0)
    cases = {case: random_predictions(skill=skill, seed=seed) for case, skill in ((clean, 3), (half, 2), (full, 1))}
    return {**cases, failed: pd.DataFrame()}


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal but for the categories of text."""
    plain = found.astype({name: object for name in found.columns if found[name].dtype == "category"})
    pd.testing.assert_frame_equal(plain, expected, check_dtype=False)


@pytest.mark.parametrize("plan", ["curve", "attacks", "corruptions", "cues"])
def test_scored_files_say_what_the_rows_say(tmp_path: Path, plan: str) -> None:
    """Every number with its interval, definition, reason and warning, in the same order."""
    rows = {
        "curve": lambda: fake() | fake("zoo:b", seed=1),
        "attacks": lambda: {planned(): answers(*[True] * 90), attack(): broken(["none"] * 80 + ["pgd"] * 10)},
        "corruptions": lambda: {case: wrong(at % 5, of=12) for at, case in enumerate(corruption_plan(n=12))},
        "cues": lambda: dict([cue_conflict("cdc cdd odo dcd dcc"), cue_conflict("cdd cdd odo dcd dcc", model="zoo:b")]),
    }[plan]()
    store = stored(tmp_path, rows)

    assert_same(Reading([tmp_path]).measurements(), score(store.planned(), store.rows))
    assert_same(Reading([tmp_path]).measurements(), score(store.planned(), store.rows))


def test_only_what_changed_is_scored_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second report reads no rows; more rows of one case are read, and no others."""
    rows = fake()
    store = stored(tmp_path, rows)
    scored_files(store)
    read: list[str] = []
    monkeypatch.setattr(f"{FILES}.score_case", lambda case, rows: read.append(case.case) or score_case(case, rows))

    scored_files(store)
    assert [] == read

    changed = next(case for case in rows if "0.5" in case.case)
    store.case_file(changed.model_key, changed.case_key).unlink()
    stored(tmp_path, {changed: random_predictions(skill=5)})
    scored_files(store)

    assert [changed.case] == read
    assert_same(Reading([tmp_path]).measurements(), score(store.planned(), store.rows))


def test_scores_stand_without_rows(tmp_path: Path) -> None:
    """Manifests and scored files alone give the same numbers: that is how examples are published."""
    store = stored(tmp_path, fake())
    expected = score(store.planned(), store.rows)
    scored_files(store)
    shutil.rmtree(tmp_path / "cases")

    assert_same(Reading([tmp_path]).measurements(), expected)


def test_rows_that_are_nowhere_are_told(tmp_path: Path) -> None:
    """Half a store gives no number, and says why."""
    store = stored(tmp_path, fake())
    store.case_file("key-zoo:a", "clean-0").unlink()

    found = Reading([tmp_path]).measurements()

    clean = found[(found["case"] == "clean") & (found["metric"] == "top1")].iloc[0]
    assert (clean["status"], clean["n"]) == ("partial", 0)
    assert clean["reason"] == "neither its rows nor scores of them are in the results folder"
    assert found[found["metric"] == "auc"]["value"].isna().all()


def test_rows_of_other_images_are_an_error(tmp_path: Path) -> None:
    """A file of another data set, by a version that wrote no case into it, would give a wrong number."""
    rows = {replace(case, n=len(frame)): frame for case, frame in fake().items()}
    foreign = next(case for case in rows if "0.5" in case.case)
    rows[foreign] = rows[foreign].assign(id=rows[foreign]["id"] + "x")

    with pytest.raises(StoreError, match=r"0\.5.*parquet and .*clean-0.parquet are both said to be of shapetex"):
        scored_files(stored(tmp_path, rows))


def test_nothing_is_kept_of_a_model_without_rows_and_scores(tmp_path: Path) -> None:
    """A scored file that is copied back finds its place free; a damaged one cannot be made again."""
    store = stored(tmp_path, fake())
    scored_files(store)
    shutil.rmtree(tmp_path / "cases")
    file = store.scored_file("key-zoo:a")
    file.write_bytes(b"half")

    with pytest.raises(StoreError, match="without the rows of its cases it cannot be made again: copy this file again"):
        scored_files(store)
    file.unlink()
    scored_files(store)
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_scored_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's results can be reported."""
    store = stored(tmp_path, fake())

    def refuse(*_: object) -> None:
        raise StoreError("read-only")

    monkeypatch.setattr(ScoredFile, "write", refuse)

    assert_same(Reading([tmp_path]).measurements(), score(store.planned(), store.rows))
    assert not (tmp_path / "scored").exists()


def test_a_plan_over_two_folders_is_judged_as_one(tmp_path: Path) -> None:
    """The clean case lies in one folder and the curve in the other: its area is that of both."""
    rows = fake()
    clean = next(iter(rows))
    stored(tmp_path / "one", {clean: rows[clean]})
    stored(tmp_path / "two", {case: rows[case] for case in rows if case is not clean})

    found = Reading([tmp_path / "one", tmp_path / "two"]).measurements()

    assert_same(found, score(list(rows), rows.__getitem__))


def test_the_same_folder_twice_changes_nothing(tmp_path: Path) -> None:
    """What two folders share counts once."""
    store = stored(tmp_path / "one", fake())
    shutil.copytree(tmp_path / "one", tmp_path / "two")

    found = Reading([tmp_path / "one", tmp_path / "two"]).measurements()

    assert_same(found, score(store.planned(), store.rows))


def test_another_reference_needs_no_rows(tmp_path: Path) -> None:
    """Corruption errors relative to a model come from the bits of both."""
    rows = {case: wrong(at % 5 + 1, of=12) for at, case in enumerate(corruption_plan(n=12))}
    rows |= {case: wrong(at % 3 + 1, of=12) for at, case in enumerate(corruption_plan("zoo:b", n=12))}
    store = stored(tmp_path, rows)
    expected = score(store.planned(), store.rows, "zoo:b")
    scored_files(store)
    shutil.rmtree(tmp_path / "cases")

    assert_same(Reading([tmp_path], "zoo:b").measurements(), expected)


def test_a_warning_goes_with_the_attack_that_gave_it(tmp_path: Path) -> None:
    """Warnings from comparisons are made anew whenever the plan changes."""
    weak = attack(threat={"steps": 20})
    strong = attack("fgsm(eps=0.1)", threat={"steps": 1, "attack": "fgsm"})
    clean, few, many = (
        answers(*[True] * 200),
        broken(["none"] * 20 + ["fgsm"] * 180),
        broken(["none"] * 190 + ["pgd"] * 10),
    )
    store = stored(tmp_path, {planned(): clean, weak: many, strong: few})
    assert "gradient masking" in " ".join(Reading([tmp_path]).measurements()["warning"].astype(str))

    (tmp_path / "manifests" / "demo@1" / "key-zoo:a.json").unlink()
    store.record([planned(), weak])

    assert set(Reading([tmp_path]).measurements()["warning"]) == {""}


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"{}"])
def test_a_broken_scored_file_is_named(tmp_path: Path, content: bytes) -> None:
    """An unreadable file is an error, with what to do; where the rows are there, it is made again."""
    store = stored(tmp_path, fake())
    file = tmp_path / "scored" / "key-zoo:a.parquet"
    file.parent.mkdir()
    file.write_bytes(content)

    assert_same(Reading([tmp_path]).measurements(), score(store.planned(), store.rows))
    file.write_bytes(content)
    shutil.rmtree(tmp_path / "cases")
    with pytest.raises(StoreError, match=r"cannot read .*key-zoo:a\.parquet.*score again"):
        Reading([tmp_path])


def test_a_foreign_parquet_is_named(tmp_path: Path) -> None:
    """A file that is readable, and no scored file."""
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "x.parquet")

    with pytest.raises(StoreError, match="holds no scores"):
        ScoredFile.open(tmp_path / "x.parquet")


def test_a_new_metric_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scored files of another catalogue are made again where the rows are there."""
    store = stored(tmp_path, fake())
    before = scored_files(store)["key-zoo:a"]
    monkeypatch.setattr(ScoredFile, "is_current", property(lambda _: False))
    scored: list[str] = []
    monkeypatch.setattr(f"{FILES}.score_case", lambda case, rows: scored.append(case.case) or replaced(before, case))

    scored_files(store)

    assert scored == ["clean", "patchdrop(ratio=0.5)", "patchdrop(ratio=1.0)"]


def replaced(file: ScoredFile, case: PlannedCase) -> object:
    """A case as it was scored before."""
    return next(one for key, one in file.scored().items() if key.case_key == case.case_key)


def test_names_tell_seeds_apart(tmp_path: Path) -> None:
    """The scored file knows the model's own name; the report says which seed."""
    rows = {planned(seed=seed, case_key=f"clean-{seed}"): answers(True, seed > 0) for seed in (0, 1)}
    stored(tmp_path, rows)

    found = Reading([tmp_path]).measurements()

    top1 = found[found["metric"] == "top1"]
    assert list(zip(top1["model"], top1["value"], strict=True)) == [("zoo:a · seed 0", 0.5), ("zoo:a · seed 1", 1.0)]
