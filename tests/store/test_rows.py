"""Files of rows: what is none is named by every command, and nothing is taken for rows that is not."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_runs import planned, random_predictions

from robustbench_vit.cli import main
from robustbench_vit.errors import StoreError
from robustbench_vit.store import Store
from robustbench_vit.store.rows import joined, read_case

FOREIGN = pd.DataFrame({"price": [1.0, 2.0], "town": ["Ulm", "Bonn"]})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The folder ``out``, with rows of one case."""
    monkeypatch.chdir(tmp_path)
    case, found = planned(n=20), Store("out")
    found.commit(case.model_key, 0, {case.case_key: pa.Table.from_pandas(random_predictions(20))})
    found.compact(case.model_key, [case.case_key])
    found.record([case])
    return found


COMMANDS = [
    ["report", "out"],
    ["score", "out"],
    ["gate", "out", "--rule", "top1[clean] >= 0"],
    ["compare", "zoo:a", "zoo:a", "--in", "out"],
    ["export", "timm", "out", "--out", "x.csv"],
    ["merge", "out", "--out", "all"],
]


@pytest.mark.parametrize("place", ["cases/key-zoo:a/clean-0.parquet", "parts/key-zoo:a/mine.parquet"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_foreign_table_is_named(store, command, place, capsys):
    """The exit code is that of a mistake, and not that of a rule that is not kept."""
    file = store.root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    FOREIGN.to_parquet(file)

    assert 2 == main(command)
    assert f"{file} holds no rows of a run: it has no column id, position, label, pred" in capsys.readouterr().err


def test_a_foreign_table_stops_a_run(store):
    """Before anything is computed."""
    FOREIGN.to_parquet(store.case_file("key-zoo:a", "clean-0"))

    with pytest.raises(StoreError, match="holds no rows of a run"):
        store.positions("key-zoo:a", ["clean-0"])


def test_columns_are_read_alone(store):
    """What a resumed run asks for."""
    assert ["position"] == read_case(store.case_file("key-zoo:a", "clean-0"), ["position"]).column_names


def test_rows_of_another_case_are_named(store):
    """A file copied over that of another case or model says what it is."""
    other = store.case_file("key-zoo:b", "noise-0")
    other.parent.mkdir()
    store.case_file("key-zoo:a", "clean-0").rename(other)

    with pytest.raises(StoreError, match=r"noise-0\.parquet holds the rows of key-zoo:a/clean-0, as it says itself"):
        read_case(other)


def test_files_of_older_versions_say_nothing(store):
    """And are read as before."""
    file = store.case_file("key-zoo:a", "clean-0")
    pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)

    assert 20 == len(store.rows(planned(n=20)))


def test_a_folder_in_place_of_a_file(store):
    """Is no file of rows either."""
    (store.root / "parts" / "key-zoo:a" / "x.parquet").mkdir(parents=True)

    with pytest.raises(StoreError, match=r"cannot read .*x\.parquet"):
        store.rows(planned(n=20))


def test_the_first_row_of_an_image_stays():
    """Sorted by id, whatever the order of tables."""
    one = pa.table({"id": ["b", "a"], "pred": [1, 2]})
    two = pa.table({"id": ["c", "a"], "pred": [3, 9]})

    assert {"id": ["a", "b", "c"], "pred": [2, 1, 3]} == joined([one, two]).to_pydict()


def test_columns_of_other_types_do_not_join():
    """A number is no word."""
    with pytest.raises(StoreError, match="rows of the same case do not fit together"):
        joined([pa.table({"id": ["a"], "pred": [1]}), pa.table({"id": ["b"], "pred": ["cat"]})])


def test_scores_alone_have_no_rows(store):
    """Where rows are needed, that is an error, and never an empty table."""
    case = planned(n=20)
    assert 20 == len(store.needed_rows(case))
    main(["score", "out"])
    store.case_file(case.model_key, case.case_key).unlink()

    with pytest.raises(StoreError, match=r"out holds scores and no rows of clean of zoo:a, .*below cases/"):
        store.needed_rows(case)
    assert 0 == len(store.needed_rows(planned(n=20, status="skipped")))
