"""Data sets: labelled uint8 images in canonical order, decoded under a declared geometry."""

from pathlib import Path
from typing import TYPE_CHECKING

from robustbench_vit.catalog import Row
from robustbench_vit.data.catalog import DATASETS
from robustbench_vit.spec import Spec, as_spec

if TYPE_CHECKING:  # the base class needs torch, listing the catalogue does not (C11)
    from robustbench_vit.data.dataset import Dataset

__all__ = ["DATASETS", "load_dataset"]


def load_dataset(spec: str | Spec) -> "Dataset":
    """Open a data set.

    Args:
        spec: For example ``"shapetex(conflict)"`` or ``"folder(/data/x)"``; `DATASETS` lists the names.

    Raises:
        SpecError: If the name is unknown or an argument does not fit.
        DataError: If the files are not what the data set promises.
    """
    row = DATASETS.row(spec)
    dataset: Dataset = row.load()(**row.bind(spec).args)
    dataset.display = _display(row, spec)
    return dataset


def _display(row: Row, spec: str | Spec) -> str:
    """The spec with defaults left out and folders by their name alone: tables are read on other machines."""
    shown = as_spec(row.display(spec)).args
    paths = {parameter.name for parameter in row.parameters if parameter.kind == "path"}
    args = {name: Path(str(value)).name if name in paths else value for name, value in shown.items()}
    first = (args.pop(row.positional),) if row.positional in args else ()
    return str(Spec(row.name, args, first))
