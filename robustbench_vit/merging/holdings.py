"""What a results folder holds of one model, read whole (for merging)."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from robustbench_vit.store.rows import joined, of_case, read_case, read_part


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
        return [read_part(file) for file in _visible(self.root / "parts" / self.model, "*.parquet")]

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
        tables = of_case(self._parts, case)
        if case in self.files:
            tables.insert(0, read_case(self.files[case]))
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


def _visible(folder: Path, pattern: str) -> list[Path]:
    """What is no temporary file of a writer that was killed."""
    return sorted(file for file in folder.glob(pattern) if not file.name.startswith("."))
