"""Tables of measurements, and measurements out of them.

A table may have hundreds of thousands of rows, so only those that somebody asks for become objects.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from robustbench_vit.records import Measurement

_NAMES = [one.name for one in fields(Measurement)]


def objects(frame: pd.DataFrame) -> Iterator[Measurement]:
    """The rows of a table as measurements."""
    columns = [frame[name].astype(object).tolist() for name in _NAMES]
    for values in zip(*columns, strict=True):
        yield Measurement(*values)


def lean(measurements: pd.DataFrame) -> pd.DataFrame:
    """The same table with its text as categories: a word is kept and compared once, not once a row."""
    text = [name for name, kind in measurements.dtypes.items() if not isinstance(kind, np.dtype) or kind.kind == "O"]
    return measurements.astype(dict.fromkeys(text, "category"))


def counted(frame: pd.DataFrame) -> dict[tuple[str, str], int]:
    """How often each pair of values occurs."""
    found: dict[Any, Any] = frame.astype(object).value_counts().to_dict()
    return found
