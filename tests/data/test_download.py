"""Fetching through torchvision, without fetching."""

import pytest
import torchvision

from robustbench_vit.data import load_dataset
from robustbench_vit.errors import DataError


@pytest.mark.parametrize(
    ("spec", "name"), [("fashion_mnist", "FashionMNIST"), ("cifar10", "CIFAR10"), ("cifar100", "CIFAR100")]
)
def test_torchvision_fetches_into_the_path(spec, name, tmp_path, monkeypatch, fake_data):
    """With download=true the class of torchvision is asked first, then the files are read as ever."""

    def fetch(root, *, download):
        assert download
        if spec == "fashion_mnist":
            fake_data.fashion_mnist(root / "FashionMNIST" / "raw")
        else:
            fake_data.cifar(root, int(spec.removeprefix("cifar")))

    monkeypatch.setattr(torchvision.datasets, name, fetch)

    assert 20 == len(load_dataset(f'{spec}("{tmp_path}", download=true)'))


def test_a_failed_download_is_named(tmp_path, monkeypatch):
    """The error says what and where."""

    def fail(root, *, download):
        raise RuntimeError("no route")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fail)
    with pytest.raises(DataError, match=r"cannot download CIFAR10 into .*no route"):
        load_dataset(f'cifar10("{tmp_path}", download=true)')


def test_a_download_needs_a_folder():
    """Nothing is written where nobody asked for it."""
    with pytest.raises(DataError, match="needs path="):
        load_dataset("fashion_mnist(download=true)")
