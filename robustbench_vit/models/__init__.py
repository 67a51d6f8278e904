"""Models: networks as differentiable functions from pixels to logits, with their preprocessing inside."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from robustbench_vit.catalog import Row
from robustbench_vit.errors import ModelError, SpecError
from robustbench_vit.models.catalog import FILE, MODELS
from robustbench_vit.models.preprocessing import HALF, OVERRIDES, Preprocessing
from robustbench_vit.spec import Spec, as_spec

if TYPE_CHECKING:  # networks need torch, listing the catalogue does not (C11)
    from robustbench_vit.models.image_model import ImageModel

__all__ = ["MODELS", "load_model"]


def load_model(spec: str | Spec) -> "ImageModel":
    """Load a model in evaluation mode, with frozen weights; gradients flow to the pixels alone.

    Args:
        spec: ``timm:NAME(…)``, ``torchvision:NAME(…)``, ``zoo:NAME(…)``, ``path/to/file.py:function(…)`` or the name
            of a plugin; `MODELS` lists the arguments of each.

    Raises:
        SpecError: If the name is unknown or an argument does not fit.
        ModelError: If weights cannot be had, or do not fit.

    Example:
        >>> load_model("zoo:vit_xs(pretrained=false)").num_classes
        10
    """
    spec = as_spec(spec)
    row = row_of(spec)
    if row is FILE:
        model, name = row.load()(spec.name, *spec.positional, **spec.args), _label(spec)
    else:
        arguments = row.bind(spec).args
        # A mistake in the preprocessing shows before gigabytes of weights are fetched.
        Preprocessing(HALF, HALF, None).replaced({name: arguments.get(name) for name in OVERRIDES})
        model, name = row.load()(*([spec.name] if spec.source else []), **arguments), row.label(spec)
    return _finished(model, name)


def row_of(spec: str | Spec) -> Row:
    """The catalogue row that loads a spec.

    Raises:
        SpecError: If there is none.
    """
    spec = as_spec(spec)
    if spec.source is None and spec.name.rpartition(":")[0].endswith(".py"):
        return FILE
    if spec.source == "zoo" or (spec.source is None and "/" in spec.name):
        return MODELS[f"zoo:{spec.name}" if spec.source else spec.name]
    if spec.source in MODELS.names:
        return MODELS[spec.source]
    raise SpecError(
        f"{spec} names no model; write timm:NAME, torchvision:NAME, zoo:NAME or path/to/file.py:function "
        "(`robustbench-vit list models` shows them)"
    )


def _label(spec: Spec) -> str:
    """A file model's spec with the file by its name alone: tables are read on other machines."""
    return str(replace(spec, name=spec.name.rpartition("/")[2]))


def _finished(model: Any, name: str) -> "ImageModel":
    from robustbench_vit.models.image_model import ImageModel

    if not isinstance(model, ImageModel):
        raise ModelError(f"{name} must load an ImageModel, got {type(model).__name__}")
    model.name = name
    return model.eval().requires_grad_(False)
