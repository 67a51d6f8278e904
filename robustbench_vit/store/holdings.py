"""What a results folder holds of one model, read whole (for merging)."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from robustbench_vit.errors import StoreError

_ROWS = ("id", "position", "label", "pred")
_ADVICE = "copy the folder again, or delete this file and run the case again"


class Holdings:
    """The rows of one model in one folder.

    Args:
        root: The results folder.
        model: Key of the model.
    """

    def __init__(self, root: Path, model: str) -> None:
        self.root, self.model = root, model

    @cached_property
    def files(self) -> dict[str, Path]:
        """Case files, by case key."""
        return {file.stem: file for file in _visible(self.root / "cases" / self.model, "*.parquet")}

    @cached_property
    def _parts(self) -> list[pa.Table]:
        return [read_rows(file, "case") for file in _visible(self.root / "parts" / self.model, "*.parquet")]

    @property
    def cases(self) -> set[str]:
        """Keys of the cases with rows."""
        return set(self.files).union(*(part["case"].unique().to_pylist() for part in self._parts))

    def rows(self, case: str) -> pa.Table | None:
        """All rows of a case, each image once, sorted by id; None if there are none.

        Raises:
            StoreError: If a file cannot be read or is no file of rows.
        """
        # Parts first: what is moved into the case file in between is then seen twice, and not never.
        tables = [part.filter(pc.equal(part["case"], case)).drop_columns("case") for part in self._parts]
        tables = [_without_empty_columns(table) for table in tables if len(table)]
        if case in self.files:
            tables.insert(0, read_rows(self.files[case]))
        return joined(tables) if tables else None

    def rows_in_file(self, case: str) -> int:
        """How many rows the case file has."""
        return pq.ParquetFile(self.files[case]).metadata.num_rows if case in self.files else 0

    def is_file(self, case: str) -> bool:
        """Whether the case file is all there is of a case."""
        return case in self.files and not any(case in part["case"].unique().to_pylist() for part in self._parts)


def models(root: Path) -> Iterator[str]:
    """Keys of the models with rows or facts."""
    yield from dict.fromkeys(folder.name for room in ("cases", "parts") for folder in _visible(root / room, "*"))


def joined(tables: list[pa.Table]) -> pa.Table:
    """Rows of several tables, sorted by id; where an image comes twice, the first stays.

    Raises:
        StoreError: If a column is of different types.
    """
    try:
        rows = pa.concat_tables(tables, promote_options="default")
    except pa.ArrowException as error:
        raise StoreError(f"rows of the same case do not fit together: {error}; {_ADVICE}") from error
    first = rows.append_column("row", pa.array(range(len(rows)))).group_by("id").aggregate([("row", "min")])
    return rows.take(first["row_min"]).sort_by("id")


def read_rows(file: Path, *more: str) -> pa.Table:
    """A file of rows.

    Raises:
        StoreError: If it cannot be read, or lacks a column that every such file has.
    """
    try:
        table = pq.ParquetFile(file).read()
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"cannot read {file}: {error}; {_ADVICE}") from error
    missing = [name for name in (*_ROWS, *more) if name not in table.column_names]
    if missing:
        raise StoreError(f"{file} holds no rows of a run: it has no column {', '.join(missing)}; move it elsewhere")
    return table


def read_json(file: Path) -> Any:
    """A JSON file.

    Raises:
        StoreError: If it cannot be read.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {file}: {error}; {_ADVICE}") from error


def _visible(folder: Path, pattern: str) -> list[Path]:
    """What is no temporary file of a writer that was killed."""
    return sorted(file for file in folder.glob(pattern) if not file.name.startswith("."))


def _without_empty_columns(table: pa.Table) -> pa.Table:
    return table.select([name for name in table.column_names if table[name].null_count < len(table)])
