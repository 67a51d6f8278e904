"""Several results folders as one: what they share, in any order, and what must not meet."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import answers, one, planned, stored

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.names import spec_of, with_variant, without_seed, without_variant
from robustbench_vit.aggregates.reading import Reading, merged
from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store

CASE = planned(n=4)


def folder(path: Path, case: PlannedCase, right: int) -> Path:
    """A folder with a case of which so many images are right, of as many rows as it has images."""
    stored(path, {case: answers(*[True] * right, *[False] * (case.n - right))})
    return path


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (CASE, replace(CASE, status="failed", reason="out of memory")),
        (CASE, replace(CASE, status="failed", n=8)),
        (CASE, replace(CASE, status="skipped")),
        (CASE, replace(CASE, status="partial")),
        (replace(CASE, status="partial", n=8), CASE),
        (replace(CASE, n=8), CASE),
    ],
)
def test_what_was_run_furthest_counts(better: PlannedCase, worse: PlannedCase) -> None:
    """In whatever order the folders are given."""
    plan = {Store("a"): [better], Store("b"): [worse]}

    for order in permutations(plan):
        assert list(merged({store: plan[store] for store in order})) == [better]


def test_equal_entries_are_taken_from_the_same_folder() -> None:
    """So order decides nothing, even if their rows differ."""
    one, two = Store("a"), Store("b")

    assert merged({one: [CASE], two: [CASE]}) == merged({two: [CASE], one: [CASE]})


def test_a_failed_run_hides_no_finished_one(tmp_path: Path) -> None:
    """The number is that of the rows."""
    failed = folder(tmp_path / "a", replace(CASE, status="failed", reason="out of memory"), 0)
    done = folder(tmp_path / "b", CASE, 3)

    for order in permutations((failed, done)):
        row = one(Reading(order).measurements(), "top1", "clean")
        assert row[["value", "n", "status"]].tolist() == [0.75, 4, "done"]


def test_two_versions_of_a_case_are_refused(tmp_path: Path) -> None:
    """The same declaration under another key: other pixels."""
    one, two = folder(tmp_path / "a", CASE, 3), folder(tmp_path / "b", replace(CASE, case_key="clean-1"), 1)

    with pytest.raises(StoreError, match=r"two versions of the perturbation or of the data.*report the folders apart"):
        Reading([one, two])


def test_half_the_rows_are_partial() -> None:
    """And told, in the case and in what is over it."""
    cases = [replace(CASE, n=8), planned("shuffle(grid=2)", n=4)]
    found = score(cases, lambda _: answers(True, True, True, False))

    clean = one(found, "top1", "clean")
    assert clean[["value", "n", "status"]].tolist() == [0.75, 4, "partial"]
    assert clean["reason"] == "rows of 4 of 8 images are in the results folder"
    assert one(found, "top1", "shuffle(grid=2)")["status"] == "done"
    assert one(found, "accuracy_drop", "shuffle(grid=2)")["status"] == "partial"
    assert one(found, "family_accuracy", "occlusion")["status"] == "done"


def test_rows_that_are_not_numbers_are_told() -> None:
    """A NaN among them is no silent blank."""
    rows = answers(True, False, True, True).assign(nll=[0.1, float("nan"), 0.2, 0.3])
    found = one(score([CASE], lambda _: rows), "nll", "clean")

    assert pd.isna(found["value"])
    assert "not a number" in found["reason"]


@pytest.mark.parametrize("name", ["zoo:vit", "a · b #x", "file.py:model · seed", "x · seed 1 of 2"])
def test_names_come_apart_as_they_were_put_together(name: str) -> None:
    """Whatever a model is called."""
    full = with_variant(name, 3, "bf16")

    assert without_seed(full, 3) == with_variant(name, dtype="bf16")
    assert without_seed(full, 1) == full
    assert without_variant(full) == name == spec_of(name)
