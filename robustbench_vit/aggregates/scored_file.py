"""One file a model with all that scoring leaves of it, so that a report need not read a single row of a sample again.

A parquet with a row a (suite, case): the case as planned, its numbers, what is over several cases and ends with it,
which images are right (a bit an image), and of clean cases what was decided.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.honesty import WARNED
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.catalog import digest
from robustbench_vit.errors import StoreError
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement, PlannedCase
from robustbench_vit.store.files import write_atomically

FORMAT = "1"
"""Grows when files of older versions can no longer be read."""

_ABOUT = b"robustbench_vit"
_NEXT = (
    "without the rows of its cases it cannot be made again: copy this file again from where it came, or add cases/ of "
    "the run and score again"
)

_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64()}


def _type(annotation: Any) -> pa.DataType:
    return _TYPES.get(annotation) or _TYPES[type(get_args(annotation)[0])]


_NUMBER = pa.struct([(field.name, _type(field.type)) for field in fields(Measurement)])

_SCHEMA = pa.schema(
    [
        ("suite", pa.string()),
        ("case_key", pa.string()),
        ("planned", pa.string()),  # JSON of the case
        ("fingerprint", pa.string()),  # of the rows it was made from
        ("own", pa.list_(_NUMBER)),
        ("over", pa.list_(_NUMBER)),
        ("images", pa.string()),  # digest of the sample ids
        ("ids", pa.list_(pa.string())),  # with the first case of these images
        ("correct", pa.binary()),  # a bit an image, the first in the highest bit
        ("doubts", pa.list_(pa.string())),
        ("decisions", pa.binary()),  # an Arrow stream
        ("reliability", pa.list_(pa.float64())),
        ("points", pa.list_(pa.struct([("at", pa.float64()), ("correct", pa.binary())]))),
    ]
)
_ARCHIVE = ("images", "ids", "correct", "doubts", "decisions", "reliability", "points")


class Key(NamedTuple):
    """What a case is called in a scored file."""

    suite: str
    case_key: str


@dataclass(frozen=True)
class ScoredRow:
    """A row of a scored file.

    Args:
        scored: The case.
        own: Its numbers, with warnings.
        over: Numbers of the groups of cases that end with it.
        fingerprint: Of the rows the case was scored by.
    """

    scored: Scored
    own: Sequence[Measurement]
    over: Sequence[Measurement]
    fingerprint: str


class ScoredFile:
    """What is known of one model.

    Args:
        source: The file, or what would be in it.
    """

    def __init__(self, source: Path | pa.Table) -> None:
        self._source = source

    @classmethod
    def of(cls, rows: Iterable[ScoredRow]) -> "ScoredFile":
        """Make one of rows."""
        seen: set[str] = set()
        values = [_row(row, seen) for row in rows]
        about = {_ABOUT: json.dumps({"format": FORMAT, "catalogue": catalogue()}).encode()}
        return cls(pa.Table.from_pylist(values, schema=_SCHEMA).replace_schema_metadata(about))

    @classmethod
    def open(cls, file: Path) -> "ScoredFile":
        """Open a file.

        Raises:
            StoreError: If it cannot be read, or was written by another version.
        """
        found = cls(file)
        try:
            fits = found._about.get("format") == FORMAT and set(found._schema.names) == set(_SCHEMA.names)
            _ = found.known if fits else None
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise StoreError(f"cannot read {file}: {error}; {_NEXT}") from error
        if not fits:
            raise StoreError(f"{file} holds no scores of format {FORMAT}; {_NEXT}")
        return found

    def write(self, file: Path) -> None:
        """Keep it.

        Raises:
            StoreError: If the file cannot be written.
        """
        table = self._read()
        write_atomically(file, lambda path: pq.write_table(table, path, compression="zstd"))

    @cached_property
    def is_current(self) -> bool:
        """Whether it was made with the metrics and aggregates there are now."""
        return bool(self._about.get("catalogue") == catalogue())

    @cached_property
    def known(self) -> dict[Key, tuple[str, str]]:
        """Each case as planned, in JSON, and the fingerprint of its rows."""
        table = self._read(["suite", "case_key", "planned", "fingerprint"])
        columns = [table[name].to_pylist() for name in table.column_names]
        return {Key(suite, key): (case, print_) for suite, key, case, print_ in zip(*columns, strict=True)}

    def numbers(self, names: Mapping[Key, str]) -> pa.Table:
        """All measurements of these cases, in order.

        Args:
            names: What the model is called, by case.

        Returns:
            The columns of `Measurement`; text as dictionaries.
        """
        table = self._read(["suite", "case_key", "own", "over"])
        called = [
            names.get(Key(*key)) for key in zip(table["suite"].to_pylist(), table["case_key"].to_pylist(), strict=True)
        ]
        parts = [_flat(table[name].combine_chunks()) for name in ("own", "over")]
        rows = np.concatenate([row for row, _ in parts])
        order = np.argsort(rows, kind="stable")  # a case's own numbers, then what is over several
        kept = order[np.isin(rows[order], [row for row, name in enumerate(called) if name is not None])]
        flat = pa.concat_tables([found for _, found in parts]).take(kept)
        model = pa.array([called[row] for row in rows[kept]], pa.string())
        flat = flat.set_column(flat.column_names.index("model"), "model", model)
        return _as_now(flat)

    def scored(
        self, keys: Iterable[Key] | None = None, images: "dict[str, pd.Index] | None" = None
    ) -> dict[Key, Scored]:
        """The cases as they were scored, without what was said when they were compared.

        Args:
            keys: Which; None is all.
            images: Sample ids by their digest: what is found is added, so that models share one index.
        """
        images = {} if images is None else images
        table = self._read(["suite", "case_key", "planned", "own", *_ARCHIVE])
        wanted = None if keys is None else set(keys)
        found = {}
        for row in table.to_pylist():
            if row["ids"] is not None:
                images.setdefault(row["images"], pd.Index(row["ids"], dtype=object))
            if wanted is None or Key(row["suite"], row["case_key"]) in wanted:
                found[Key(row["suite"], row["case_key"])] = _scored(row, images)
        return found

    def correct(self, images: "dict[str, pd.Index]") -> "dict[Key, pd.Series[float]]":
        """Which images are right, case by case.

        Args:
            images: As for `scored`.
        """
        table = self._read(["suite", "case_key", "images", "ids", "correct"])
        found = {}
        for suite, key, name, ids, bits in zip(*(table[column] for column in table.column_names), strict=True):
            if ids.is_valid and name.as_py() not in images:
                images[name.as_py()] = pd.Index(ids.as_py(), dtype=object)
            found[Key(suite.as_py(), key.as_py())] = _unpacked(bits.as_py(), images[name.as_py()])
        return found

    def reliability(self, keys: Container[Key]) -> "dict[Key, np.typing.NDArray[np.float64]]":
        """The bins of these cases, as `Scored.reliability` has them; none where a case has none."""
        table = self._read(["suite", "case_key", "reliability"])
        rows = zip(*(table[column].to_pylist() for column in table.column_names), strict=True)
        return {
            Key(suite, key): _bins(bins) for suite, key, bins in rows if bins is not None and Key(suite, key) in keys
        }

    @cached_property
    def _footer(self) -> pq.FileMetaData:
        """Of a file; to read it anew each time takes longer than the columns."""
        return pq.read_metadata(self._source)

    @cached_property
    def _schema(self) -> pa.Schema:
        return self._footer.schema.to_arrow_schema() if isinstance(self._source, Path) else self._source.schema

    @cached_property
    def _about(self) -> dict[str, str]:
        about: dict[str, str] = json.loads((self._schema.metadata or {}).get(_ABOUT, b"{}"))
        return about

    def _read(self, columns: list[str] | None = None) -> pa.Table:
        if isinstance(self._source, Path):
            return pq.ParquetFile(self._source, metadata=self._footer).read(columns)
        return self._source if columns is None else self._source.select(columns)


def catalogue() -> str:
    """Digest of the metrics and aggregates there are, with their versions and definitions."""
    rows = (*METRICS, *AGGREGATES)
    return digest(f"{row.name} {row.version} {row.definition}".encode() for row in rows)


def planned_text(case: PlannedCase) -> str:
    """A case as a scored file has it; equal text is the same case in the same state."""
    return json.dumps(case.to_json())


def table_of(measurements: Sequence[Measurement]) -> pa.Table:
    """A row a measurement, with the columns of `Measurement`; text as dictionaries."""
    rows = pa.array([vars(number) for number in measurements], _NUMBER)
    return _as_now(pa.Table.from_struct_array(rows))


def in_order(numbers: pa.Table) -> pa.Table:
    """Suite by suite in the order of first appearance; else as they stand."""
    suites = numbers.unify_dictionaries()["suite"].combine_chunks()
    order = np.argsort(suites.indices.to_numpy(), kind="stable")
    return numbers.take(order)


def _row(row: ScoredRow, seen: set[str]) -> dict[str, Any]:
    scored = row.scored
    ids = list(scored.correct.index)
    images = digest(str(name).encode() for name in ids)
    first = images not in seen
    seen.add(images)
    return {
        "suite": scored.case.suite,
        "case_key": scored.case.case_key,
        "planned": planned_text(scored.case),
        "fingerprint": row.fingerprint,
        "own": [vars(number) for number in row.own],
        "over": [vars(number) for number in row.over],
        "images": images,
        "ids": ids if first else None,
        "correct": _packed(scored.correct),
        "doubts": list(scored.doubts),
        "decisions": None if scored.decisions is None else _stream(scored.decisions),
        "reliability": None if scored.reliability is None else scored.reliability.ravel().tolist(),
        "points": [{"at": at, "correct": _packed(right)} for at, right in scored.points.items()],
    }


def _scored(row: dict[str, Any], images: Mapping[str, pd.Index]) -> Scored:
    return Scored(
        PlannedCase.from_json(json.loads(row["planned"])),
        tuple(_plain(Measurement(**number)) for number in row["own"]),
        _unpacked(row["correct"], images[row["images"]]),
        tuple(row["doubts"]),
        None if row["decisions"] is None else pa.ipc.open_stream(row["decisions"]).read_pandas(),
        None if row["reliability"] is None else _bins(row["reliability"]),
        {point["at"]: _unpacked(point["correct"], images[row["images"]]) for point in row["points"]},
    )


def _bins(values: list[float]) -> "np.typing.NDArray[np.float64]":
    return np.array(values, np.float64).reshape(-1, 3)


def _plain(number: Measurement) -> Measurement:
    """Without warnings, which are given anew whenever cases are compared."""
    return replace(number, warning="") if number.metric in WARNED and number.warning else number


def _packed(correct: "pd.Series[float]") -> bytes:
    return np.packbits(correct.to_numpy(np.float64) > 0).tobytes()


def _unpacked(bits: bytes, ids: pd.Index) -> "pd.Series[float]":
    right = np.unpackbits(np.frombuffer(bits, np.uint8), count=len(ids))
    return pd.Series(right.astype(np.float64), index=ids)


def _stream(frame: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    text: bytes = sink.getvalue().to_pybytes()
    return text


def _flat(lists: pa.ListArray) -> tuple["np.typing.NDArray[np.int64]", pa.Table]:
    """The numbers of a column, and the row each is from."""
    rows = pc.list_parent_indices(lists).to_numpy()
    return rows, pa.Table.from_struct_array(pc.list_flatten(lists))


def _as_now(numbers: pa.Table) -> pa.Table:
    """Text as dictionaries, and what measurements did not have when the file was written by its default."""
    defaults = {field.name: field.default for field in fields(Measurement)}
    columns = {}
    for field in _NUMBER:
        there = field.name in numbers.column_names
        found = numbers[field.name] if there else pa.array([defaults[field.name]] * len(numbers), field.type)
        columns[field.name] = found.dictionary_encode() if pa.types.is_string(field.type) else found
    return pa.table(columns)
