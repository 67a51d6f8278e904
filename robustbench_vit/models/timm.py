"""Classifiers of timm, with timm's own preprocessing."""

from typing import Any

import timm
from timm.data.config import resolve_model_data_config

from robustbench_vit.errors import ModelError, UnknownNameError
from robustbench_vit.models.checkpoint import restore
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.models.preprocessing import Preprocessing
from robustbench_vit.models.untrained import seeded
from robustbench_vit.spec import Value

HUB = ("hf_hub:", "hf-hub:", "local-dir:")
"""Schemes that timm resolves itself."""


def load(
    name: str,
    *,
    pretrained: bool = True,
    checkpoint: str | None = None,
    num_classes: int | None = None,
    **overrides: Value,
) -> ImageModel:
    """Build a timm classifier.

    Args:
        name: As timm spells it, with or without tag, or ``hf_hub:org/name``.
        pretrained: Whether to fetch published weights; a checkpoint replaces them. Else they are random, but fixed.
        checkpoint: File with the weights.
        num_classes: K; default timm's own.
        **overrides: Fields of `Preprocessing`.

    Raises:
        UnknownNameError: If timm has no such model.
        ModelError: If weights cannot be had or loaded, or there is no classification head.
    """
    _check_name(name)
    fetch = pretrained and checkpoint is None
    network = _create(name, fetch, {} if num_classes is None else {"num_classes": num_classes})
    _resize_input(name, network, overrides.get("input_size"))
    if checkpoint is not None:
        restore(network, checkpoint)
    _check_head(name, network, fetch)
    config = resolve_model_data_config(network)  # type: ignore[no-untyped-call]
    preprocessing = preprocessing_of(config).replaced(overrides)
    source = f"timm:{network.pretrained_cfg.get('architecture') or name}"
    return ImageModel(network, preprocessing, name=name, num_classes=int(network.num_classes), source=source)


def _check_name(name: str) -> None:
    if name.startswith(HUB):
        return
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        raise UnknownNameError("timm model", name, timm.list_models())
    try:
        timm.get_pretrained_cfg(name)
    except RuntimeError:
        raise UnknownNameError("timm model", name, timm.list_pretrained(f"{architecture}.*")) from None


def _create(name: str, fetch: bool, arguments: dict[str, Any]) -> Any:
    try:
        with seeded():
            return timm.create_model(name, pretrained=fetch, **arguments)
    except Exception as error:  # timm and the hub raise many kinds
        advice = "give checkpoint=PATH, or pretrained=false for a network with random weights" if fetch else "check it"
        raise ModelError(f"timm cannot build {name}: {error}; {advice}") from error


def preprocessing_of(config: dict[str, Any]) -> Preprocessing:
    """What timm's data configuration says, e.g. ``timm.data.resolve_model_data_config(network)``."""
    return Preprocessing(
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        input_size=tuple(config["input_size"][1:]),
        interpolation=config["interpolation"],
        crop_pct=config["crop_pct"],
        crop_mode=config["crop_mode"],
    )


def _resize_input(name: str, network: Any, size: Value) -> None:
    """Tell a network of fixed input size the size it gets; timm then resamples its position embedding."""
    config = network.pretrained_cfg
    if (
        size is None
        or not config.get("fixed_input_size")
        or size in {config["input_size"][1], config["input_size"][1:]}
    ):
        return
    if not hasattr(network, "set_input_size"):
        raise ModelError(f"timm:{name} takes images of {config['input_size'][1:]} only; leave input_size out")
    network.set_input_size(img_size=size)


def _check_head(name: str, network: Any, fetched: bool) -> None:
    """A missing head returns features, and a replaced one is random: both give plausible nonsense."""
    if not network.num_classes:
        raise ModelError(f"timm:{name} has no classification head; give a checkpoint= that has one and num_classes=")
    published = network.pretrained_cfg.get("num_classes")
    if fetched and published and network.num_classes != published:
        raise ModelError(
            f"timm:{name} was published with {published} classes, so a head of {network.num_classes} would be random; "
            "give a checkpoint=, leave num_classes out, or say pretrained=false"
        )
