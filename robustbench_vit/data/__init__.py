"""Data sets: labelled uint8 images in canonical order, decoded under a declared geometry."""

from robustbench_vit.data.catalog import DATASETS
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.spec import Spec

__all__ = ["DATASETS", "Dataset", "load_dataset"]


def load_dataset(spec: str | Spec) -> Dataset:
    """Open a data set.

    Args:
        spec: For example ``"shapetex(conflict)"`` or ``"folder(/data/x)"``; `DATASETS` lists the names.

    Raises:
        SpecError: If the name is unknown or an argument does not fit.
        DataError: If the files are not what the data set promises.
    """
    target, arguments = DATASETS.load(spec)
    dataset: Dataset = target(**arguments)
    return dataset
