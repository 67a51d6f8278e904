"""Three small networks trained on `shapetex`; their weights ship in ``weights/``, their figures in its model card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from robustbench_vit.errors import UnknownNameError

WEIGHTS = Path(__file__).parent / "weights"

ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "resnet_xs": {"stem_stride": 2},
    "vit_xs": {"image_size": 64, "patch_size": 8},
    "vit_xs_nopos": {"image_size": 64, "patch_size": 8, "positions": False},
}
"""Constructor arguments of each network; a checkpoint's metadata may replace them."""


def build(name: str, **arguments: Any) -> nn.Module:
    """An untrained network of the zoo.

    Args:
        name: One of `ARCHITECTURES`.
        **arguments: Replace constructor arguments, e.g. ``num_classes``, ``image_size``, ``patch_size``.

    Raises:
        UnknownNameError: If the zoo has no such network.
    """
    from robustbench_vit.zoo.resnet import ResNet
    from robustbench_vit.zoo.vit import ViT

    if name not in ARCHITECTURES:
        raise UnknownNameError("zoo model", name, ARCHITECTURES)
    network = ResNet if name.startswith("resnet") else ViT
    return network(**{**ARCHITECTURES[name], **arguments})
