"""Classifiers of torchvision, with the preprocessing of their weights."""

from typing import Any

import torchvision
from torchvision.models import WeightsEnum, get_model, get_model_weights

from robustbench_vit.errors import ModelError, UnknownNameError
from robustbench_vit.models.checkpoint import restore
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.models.preprocessing import Preprocessing
from robustbench_vit.models.untrained import seeded
from robustbench_vit.spec import Value


def load(
    name: str,
    *,
    weights: str | None = "DEFAULT",
    checkpoint: str | None = None,
    num_classes: int | None = None,
    **overrides: Value,
) -> ImageModel:
    """Build a torchvision classifier.

    Args:
        name: As torchvision spells it.
        weights: Published weights, e.g. ``IMAGENET1K_V1``; None is random, but fixed. They also decide the
            preprocessing (without them, that of the default weights). A checkpoint replaces them.
        checkpoint: File with the weights.
        num_classes: K; only without published weights.
        **overrides: Fields of `Preprocessing`.

    Raises:
        UnknownNameError: If torchvision has no such classifier or no such weights.
        ModelError: If weights cannot be had or loaded.
    """
    classifiers = torchvision.models.list_models(module=torchvision.models)
    if name not in classifiers:
        raise UnknownNameError("torchvision model", name, classifiers)
    published = _published(name, weights or "DEFAULT")
    fetch = weights is not None and checkpoint is None
    network = _create(name, published if fetch else None, num_classes)
    if checkpoint is not None:
        restore(network, checkpoint)
    classes = num_classes or len(published.meta["categories"])
    preprocessing = preprocessing_of(published).replaced(overrides)
    return ImageModel(network, preprocessing, name=name, num_classes=classes, source=f"torchvision:{name}")


def _published(name: str, weights: str) -> WeightsEnum:
    members = get_model_weights(name).__members__
    if weights not in members:
        raise UnknownNameError(f"weights of torchvision:{name}", weights, members)
    return members[weights]


def _create(name: str, published: WeightsEnum | None, num_classes: int | None) -> Any:
    arguments: dict[str, Any] = {} if num_classes is None else {"num_classes": num_classes}
    if published is None:
        with seeded():
            return get_model(name, weights=None, **arguments)
    try:
        return get_model(name, weights=published, **arguments)
    except ValueError as error:
        raise ModelError(f"torchvision:{name}: {error}; leave num_classes out, or say weights=none") from error
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"torchvision cannot get {published} of {name}: {error}; give checkpoint=PATH, or weights=none for a "
            "network with random weights"
        ) from error


def preprocessing_of(published: WeightsEnum) -> Preprocessing:
    """What the transforms that come with published weights say."""
    recipe = published.transforms()
    (crop,), (resize,) = recipe.crop_size, recipe.resize_size
    return Preprocessing(
        mean=tuple(recipe.mean),
        std=tuple(recipe.std),
        input_size=(crop, crop),
        interpolation=recipe.interpolation.value,
        crop_pct=crop / resize,
    )
