"""Data sets whose published form is one array of small pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.catalog import digest
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.pictures import with_geometry


class ArrayDataset(Dataset):
    """Pictures of one split, held in memory; ids are ``<split>/00017`` in the published order.

    Args:
        name: Catalogue name.
        split: First part of the ids.
        images: N×3×H×W uint8.
        labels: N integers in [0, K).
        classes: K class names.
        label_space: Name of the label space.

    Raises:
        DataError: If numbers of images and labels differ, or a label is no class.
    """

    def __init__(
        self,
        *,
        name: str,
        split: str,
        images: Tensor,
        labels: NDArray[np.int64],
        classes: Sequence[str],
        label_space: str,
    ) -> None:
        super().__init__(
            name=name,
            digest=digest([name.encode(), split.encode(), labels.tobytes(), images.numpy().tobytes()]),
            ids=[f"{split}/{index:05d}" for index in range(len(images))],
            labels=labels,
            classes=classes,
            label_space=label_space,
        )
        self._images = images

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Take pictures out of the array; see `Dataset.decode`."""
        return with_geometry(self._images[list(indices)].contiguous(), {}, geometry)
