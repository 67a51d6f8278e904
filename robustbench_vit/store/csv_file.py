"""results.csv: a row a measurement. A million of them are written in seconds, a slice at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from robustbench_vit.errors import SpecError
from robustbench_vit.spec import format_value, parse
from robustbench_vit.store.files import write_atomically

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_ROWS = 100_000  # written at once


def write_table(frame: pd.DataFrame, file: Path) -> Path:
    """Write a table as CSV whose text no spreadsheet takes for a formula.

    Args:
        frame: Any; columns of text may be categorical.
        file: Replaced at once.

    Raises:
        StoreError: If the system refuses.
    """
    write_atomically(file, lambda temporary: _write(frame, temporary))
    return file


def with_parameters(measurements: pd.DataFrame) -> pd.DataFrame:
    """The measurements with a column of the parameters of their canonical specs."""
    return measurements.assign(parameters=mapped(measurements["perturbation"], parameters))


def parameters(spec: str) -> str:
    """What stands between the brackets of a spec.

    Example:
        >>> parameters("pgd(eps=4/255, norm=linf)"), parameters("clean")
        ('eps=4/255, norm=linf', '')
    """
    try:
        found = parse(spec) if spec else None
    except SpecError:  # whatever a plugin calls its cases
        return ""
    if found is None:
        return ""
    said = [format_value(value) for value in found.positional]
    return ", ".join([*said, *(f"{name}={format_value(value)}" for name, value in found.args.items())])


def harmless(value: Any) -> Any:
    """Text that begins like a formula gets a leading apostrophe (OWASP, "CSV injection")."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _write(frame: pd.DataFrame, file: Path) -> None:
    names = ",".join(_quoted(harmless(str(name))) for name in frame.columns)
    with file.open("wb") as stream:
        stream.write(f"{names}\n".encode())
        safe = {str(place): _arrow(frame.iloc[:, place]) for place in range(frame.shape[1])}
        table = pa.table(safe)
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        for batch in table.to_batches(max_chunksize=_ROWS):
            pyarrow.csv.write_csv(_decoded(batch), stream, options)


def _arrow(column: "pd.Series[Any]") -> Any:
    """Numbers as they are, text as harmless words and their places."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pa.array(column, from_pandas=True)
    text = mapped(column, harmless)
    missing = text.cat.codes.to_numpy() < 0
    words = pa.array(text.cat.categories.tolist(), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(text.cat.codes.to_numpy(), mask=missing), words)


def _decoded(batch: Any) -> Any:
    columns = [one.dictionary_decode() if isinstance(one, pa.DictionaryArray) else one for one in batch.columns]
    return pa.record_batch(columns, names=batch.schema.names)


def mapped(column: "pd.Series[Any]", function: Callable[[Any], Any]) -> "pd.Series[Any]":
    """The column with a function applied to each word once, however often it occurs; as categories."""
    words = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    places, known = pd.factorize(np.array([str(function(word)) for word in words.cat.categories], dtype=object))
    codes = np.append(places, -1)[words.cat.codes]  # what is missing has code -1, and stays so
    categories: Any = known
    return pd.Series(pd.Categorical.from_codes(codes, categories), index=column.index)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n\r') else text
