"""results.csv: every digit, no formula, and fast."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustbench_vit.errors import StoreError
from robustbench_vit.store.csv_file import parameters, with_parameters, write_table

NASTY = ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "\rx", 'a"b', "a,b", "a\nb", "نموذج👁", "", "plain"]


def read(file: Path) -> list[list[str]]:
    """The cells, the heading first."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize("kind", ["object", "category", "str"])
def test_text_is_harmless_and_whole(tmp_path: Path, kind: str) -> None:
    """Whatever a column of text is kept as; only what begins like a formula has an apostrophe."""
    frame = pd.DataFrame({"text": pd.Series(NASTY, dtype=kind)})
    _, *rows = read(write_table(frame, tmp_path / "x.csv"))

    assert [row[0] for row in rows] == [f"'{text}" for text in NASTY[:6]] + NASTY[6:]


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    """Negative ones are no formulas; missing ones are empty."""
    numbers = np.array([0.1, 1 / 3, -2e-17, 1e22, np.nan, 0.0])
    found = pd.read_csv(write_table(pd.DataFrame({"x": numbers, "n": range(6)}), tmp_path / "x.csv"))

    np.testing.assert_array_equal(found["x"], numbers)
    assert found["n"].tolist() == list(range(6))


def test_headings_are_harmless_too(tmp_path: Path) -> None:
    """They may hold specs of users, and come twice."""
    frame = pd.DataFrame([[1, 2, 3]], columns=["=x", 'a,"b', "=x"])

    assert read(write_table(frame, tmp_path / "x.csv"))[0] == ["'=x", 'a,"b', "'=x"]


def test_missing_text_is_empty(tmp_path: Path) -> None:
    """As a missing number is."""
    frame = pd.DataFrame({"x": pd.Series(["a", None], dtype="category"), "n": [1, 2]})

    assert read(write_table(frame, tmp_path / "x.csv"))[1:] == [["a", "1"], ["", "2"]]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("pgd(eps=4/255, norm=linf)", "eps=4/255, norm=linf"),
        ("worst([pgd(eps=4/255), square])", "[pgd(eps=4/255), square]"),
        ("clean", ""),
        ("", ""),
        ("whatever [it is", ""),
    ],
)
def test_parameters_are_what_stands_between_brackets(spec: str, expected: str) -> None:
    """Exact fractions stay exact."""
    assert parameters(spec) == expected


def test_parameters_stand_beside_the_spec() -> None:
    """One column more."""
    found = with_parameters(pd.DataFrame({"perturbation": ["clean", "shuffle(grid=4)", "clean"]}))

    assert found["parameters"].tolist() == ["", "grid=4", ""]


def test_a_table_without_rows(tmp_path: Path) -> None:
    """Is its heading."""
    assert read(write_table(pd.DataFrame({"a": [], "b": []}), tmp_path / "x.csv")) == [["a", "b"]]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Is an error that names the file."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"cannot write .*x\.csv"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "file" / "x.csv")
