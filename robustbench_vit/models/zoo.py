"""The networks that come with the package."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from robustbench_vit.errors import ModelError
from robustbench_vit.models.checkpoint import read, restore
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.models.preprocessing import HALF, Preprocessing
from robustbench_vit.models.untrained import seeded
from robustbench_vit.spec import Value

BUILDER = "robustbench_vit.zoo:build"
"""A lazy string: no room imports the zoo, whose training script imports every room."""

NATIVE_SIZE = 64
"""Side of shapetex images, the input of a network whose constructor arguments name no other."""


def load(
    name: str,
    *,
    pretrained: bool = True,
    checkpoint: str | None = None,
    num_classes: int | None = None,
    image_size: int | None = None,
    patch_size: int | None = None,
    **overrides: Value,
) -> ImageModel:
    """Build a network of the zoo.

    Args:
        name: One of ``robustbench_vit.zoo.ARCHITECTURES``.
        pretrained: Whether to load the shipped weights. Else they are random, but fixed.
        checkpoint: File that replaces the shipped weights. The metadata of a safetensors file may hold the
            constructor arguments (``architecture``) and mean and std (``preprocessing``), both as JSON.
        num_classes: K.
        image_size: Side of the images a ViT takes.
        patch_size: Side of a ViT's patches.
        **overrides: Fields of `Preprocessing`.

    Raises:
        UnknownNameError: If the zoo has no such network.
        ModelError: If weights are missing or do not fit.
    """
    weights = _weights(name, pretrained, checkpoint)
    metadata = read(weights)[1] if weights else {}
    given = {"num_classes": num_classes, "image_size": image_size, "patch_size": patch_size}
    arguments = _json(metadata, "architecture") | {key: value for key, value in given.items() if value is not None}
    with seeded():
        network = resolve_name(BUILDER)(name, **arguments)
    if weights:
        restore(network, weights)
    size = arguments.get("image_size", NATIVE_SIZE)
    statistics = _json(metadata, "preprocessing")
    preprocessing = Preprocessing(HALF, HALF, (size, size)).replaced(statistics).replaced(overrides)
    source = f"zoo:{name} {json.dumps(arguments, sort_keys=True)}"
    return ImageModel(network, preprocessing, name=name, num_classes=network.head.out_features, source=source)


def _weights(name: str, pretrained: bool, checkpoint: str | None) -> Path | None:
    if checkpoint is not None:
        return Path(checkpoint)
    if not pretrained:
        return None
    shipped = Path(str(files("robustbench_vit.zoo") / "weights" / f"{name}.safetensors"))
    if not shipped.is_file():
        raise ModelError(
            f"the weights of zoo:{name} are not part of this installation (expected {shipped}); train them with "
            f"`python -m robustbench_vit.zoo.train {name} --out {name}.safetensors` and give checkpoint=, or say "
            "pretrained=false"
        )
    return shipped


def _json(metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(metadata.get(key, "{}"))
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
