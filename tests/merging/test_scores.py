"""Folders of scores without rows are merged, too; where rows and scores contradict, nothing is written."""

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from fake_runs import planned, random_predictions

from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.errors import StoreError
from robustbench_vit.merging import merge
from robustbench_vit.store import Store

ORDER = ["suite", "model", "case", "metric"]


def folder(
    root: Path, *cases: str, n: int = 40, done: int = 40, bare: bool = False, skill: float = 1.0, **fields: object
) -> Path:
    """A results folder of these cases, of which so many images are done; bare is without its rows."""
    store = Store(root)
    for case in cases:
        plan = planned(case, n=n, status="done" if done >= n else "partial", **fields)
        rows = random_predictions(40, skill=skill, seed=len(case)).head(min(n, done))
        store.commit(plan.model_key, 0, {plan.case_key: pa.Table.from_pandas(rows, preserve_index=False)})
        store.compact(plan.model_key, [plan.case_key])
        store.record([plan])
    numbers(root)
    if bare:
        shutil.rmtree(root / "cases")
    return root


def numbers(*folders: Path) -> pd.DataFrame:
    """All measurements, in an order of their own."""
    frame = Reading(folders).measurements()
    text = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(text, object)).sort_values(ORDER, ignore_index=True)


@pytest.mark.parametrize("bare", [(True, True), (True, False), (False, True)])
def test_a_merged_folder_says_what_its_folders_say(tmp_path, bare):
    """Two suites, one model; rows where there are rows, scores where there are none."""
    one = folder(tmp_path / "one", "clean", "patchdrop", bare=bare[0])
    two = folder(tmp_path / "two", "clean", "shuffle", suite="other@1", case_key="x", bare=bare[1])
    expected = numbers(one, two)
    merge([one, two], tmp_path / "out")

    pd.testing.assert_frame_equal(expected, numbers(tmp_path / "out"))
    assert sum(not each for each in bare) == len({*(tmp_path / "out").glob("cases/*")})


def test_cases_of_one_suite_meet(tmp_path):
    """What is over several cases is computed anew."""
    one = folder(tmp_path / "one", "clean", bare=True)
    two = folder(tmp_path / "two", "patchdrop", bare=True)
    both = folder(tmp_path / "both", "clean", "patchdrop")
    merge([one, two], tmp_path / "out")

    pd.testing.assert_frame_equal(numbers(both), numbers(tmp_path / "out"))
    assert "accuracy_drop" in set(numbers(tmp_path / "out")["metric"])


def test_merging_again_writes_nothing(tmp_path):
    """Nor does a report in between change that."""
    one = folder(tmp_path / "one", "clean", bare=True)
    two = folder(tmp_path / "two", "patchdrop", bare=True)
    first = merge([one, two], tmp_path / "out")
    numbers(tmp_path / "out")

    assert (1, 2) == (first.models, first.cases)
    assert 0 == merge([one, two], tmp_path / "out").written


def test_rows_come_before_scores(tmp_path):
    """Where another folder has all of them."""
    scores, rows = folder(tmp_path / "one", "clean", bare=True), folder(tmp_path / "two", "clean")
    merge([scores, rows], tmp_path / "out")

    assert 40 == len(Store(tmp_path / "out").needed_rows(planned(n=40)))


def test_more_images_win(tmp_path):
    """Of scores without rows, whichever folder comes first."""
    few, many = folder(tmp_path / "few", "clean", n=20, bare=True), folder(tmp_path / "many", "clean", bare=True)
    for out, folders in (("a", [few, many]), ("b", [many, few])):
        merge(folders, tmp_path / out)
        pd.testing.assert_frame_equal(numbers(many), numbers(tmp_path / out))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"n": 20}, r"one holds scores of 40 images without rows, others rows of 20"),
        ({"skill": 3.0, "bare": True}, r"clean of zoo:a: images that are right in .*two are wrong in another"),
    ],
)
def test_contradictions_are_named(tmp_path, other, message):
    """And nothing is written."""
    one, two = folder(tmp_path / "one", "clean", bare=True), folder(tmp_path / "two", "clean", **other)

    with pytest.raises(StoreError, match=f"(?s)contradict each other.*{message}.*report the folders apart"):
        merge([one, two], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_scores_of_another_plan_do_not_count(tmp_path):
    """They were made of fewer images than the manifest says now."""
    one = folder(tmp_path / "one", "clean", bare=True)
    Store(one).record([planned(n=80)])

    with pytest.raises(StoreError, match=r"half a results folder: .*rows of 0 and no scores"):
        merge([one], tmp_path / "out")


def test_partial_scores_stay_partial(tmp_path):
    """Nobody has the rest."""
    one = folder(tmp_path / "one", "clean", done=30, bare=True)
    merge([one], tmp_path / "out")

    assert ["partial"] == [case.status for case in Store(tmp_path / "out").planned()]
    pd.testing.assert_frame_equal(numbers(one), numbers(tmp_path / "out"))
