"""Data sets: labelled uint8 images in canonical order, decoded under a declared geometry."""

from typing import TYPE_CHECKING

from robustbench_vit.data.catalog import DATASETS
from robustbench_vit.spec import Spec

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
    dataset.display = row.label(spec)
    return dataset
