"""Files of per-sample rows, read, checked and joined the same way by runs, scoring and merging."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from robustbench_vit.errors import StoreError
from robustbench_vit.store.files import write_atomically

_OF_CASE = ("id", "position", "label", "pred")
_OF_PART = (*_OF_CASE, "case")
_ABOUT = b"robustbench_vit"  # what a case file says in its metadata: whose rows it holds


def read_case(file: Path, columns: list[str] | None = None) -> pa.Table:
    """A case file.

    Args:
        file: Where it lies.
        columns: Which to read; None is all.

    Raises:
        StoreError: If it cannot be read, lacks a column that every case file has, or was written as another one.
    """
    rows = _read(file, _OF_CASE, columns)
    said = (rows.schema.metadata or {}).get(_ABOUT)  # files of older versions say nothing
    if said not in (None, _place(file)):
        raise StoreError(
            f"{file} holds the rows of {said.decode()}, as it says itself; copy the right file there, or delete it "
            "and run the same command again"
        )
    return rows


def write_case(rows: pa.Table, file: Path) -> None:
    """Write a case file, which says in its metadata what it is, so that a copy elsewhere is noticed.

    Raises:
        StoreError: If it cannot be written.
    """
    said = rows.replace_schema_metadata({_ABOUT: _place(file)})
    write_atomically(file, lambda path: pq.write_table(said, path))


def read_part(file: Path, columns: list[str] | None = None) -> pa.Table:
    """A part: the rows of several cases, named in the column ``case``.

    Args:
        file: Where it lies.
        columns: Which to read; None is all.

    Raises:
        StoreError: If it cannot be read, or lacks a column that every part has.
    """
    return _read(file, _OF_PART, columns)


def of_case(parts: Iterable[pa.Table], case: str) -> list[pa.Table]:
    """The rows of one case in each part that has some, without the columns that other cases brought along."""
    mine = (part.filter(pc.equal(part["case"], case)).drop_columns("case") for part in parts)
    return [_without_empty_columns(table) for table in mine if len(table)]


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Rows of several tables, sorted by id; where an image comes twice, the first stays.

    Raises:
        StoreError: If a column is of different types.
    """
    try:
        rows = pa.concat_tables(tables, promote_options="default")
    except pa.ArrowException as error:
        raise StoreError(
            f"rows of the same case do not fit together: {error}; they are not of the same run, report them apart"
        ) from error
    first = rows.append_column("row", pa.array(range(len(rows)))).group_by("id").aggregate([("row", "min")])
    return rows.take(first["row_min"]).sort_by("id")


def _place(file: Path) -> bytes:
    """Model and case of a case file, by its path."""
    return f"{file.parent.name}/{file.stem}".encode()


def _read(file: Path, needed: Sequence[str], columns: list[str] | None) -> pa.Table:
    try:
        with pq.ParquetFile(file) as found:
            missing = [name for name in needed if name not in found.schema_arrow.names]
            if not missing:
                return found.read(columns)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"cannot read {file}: {error}; copy it again, or delete this file and run the same command again"
        ) from error
    raise StoreError(f"{file} holds no rows of a run: it has no column {', '.join(missing)}; move it elsewhere")


def _without_empty_columns(table: pa.Table) -> pa.Table:
    return table.select([name for name in table.column_names if table[name].null_count < len(table)])
