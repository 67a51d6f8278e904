"""Fetching small published data sets through torchvision, which knows their addresses and checksums."""

from pathlib import Path

import torchvision

from robustbench_vit.errors import DataError


def download(name: str, root: str | None) -> None:
    """Fetch a data set into a torchvision root; what is there already is checked, not fetched again.

    Args:
        name: Class of ``torchvision.datasets``: ``CIFAR10``, ``CIFAR100`` or ``FashionMNIST``.
        root: Folder to fetch into.

    Raises:
        DataError: If no folder is given or the download fails.
    """
    if root is None:
        raise DataError("download=true needs path=, the folder to fetch into")
    try:
        getattr(torchvision.datasets, name)(Path(root).expanduser(), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(f"cannot download {name} into {root}: {error}") from error
