"""Models from a function in a user's Python file: ``path/to/file.py:function(…)``."""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from robustbench_vit.catalog import digest
from robustbench_vit.errors import ModelError, SpecError, UnknownNameError
from robustbench_vit.models.catalog import FILE
from robustbench_vit.models.image_model import ImageModel, read_logits
from robustbench_vit.models.preprocessing import OVERRIDES, Preprocessing
from robustbench_vit.models.untrained import seeded
from robustbench_vit.spec import Spec, Value

PROBE_SIZE = 224
"""Side of the zero image that tells the number of classes of a network whose input size is unknown."""


def load(name: str, *positional: Value, **arguments: Value) -> ImageModel:
    """Call a function of a Python file.

    What the function's signature names goes to the function. Of the rest, ``mean``, ``std``, ``input_size``,
    ``interpolation``, ``crop_pct`` and ``num_classes`` say how a plain network is used, or replace what a returned
    `ImageModel` says. The text of the file (not of what it imports) and the arguments are part of the model's digest.

    Args:
        name: ``path/to/file.py:function``; the function returns an `ImageModel` or an ``nn.Module``.
        *positional: The spec's positional argument, given to the function.
        **arguments: The spec's keyword arguments.

    Raises:
        SpecError: If the name or an argument does not fit.
        ModelError: If the file or function is missing, fails, or returns no network.
    """
    path, _, attribute = name.rpartition(":")
    text, function = _function(Path(path).expanduser(), attribute)
    own, options = _split(name, function, arguments)
    result = _called(name, function, positional, own)
    given = Spec(attribute, {key: _identity(value) for key, value in own.items()}, tuple(map(_identity, positional)))
    return _assembled(name, result, options, f"{given}\n{text}")


def _function(path: Path, attribute: str) -> tuple[str, Callable[..., Any]]:
    if not path.is_file():
        raise ModelError(f"no such file: {path}; a model of your own is path/to/file.py:function")
    module = _imported(path)
    function = getattr(module, attribute, None)
    if not callable(function):
        public = [key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")]
        raise UnknownNameError(f"function of {path}", attribute, public)
    return path.read_text(encoding="utf-8"), function


def _imported(path: Path) -> ModuleType:
    """Import under a name that no other module has; dataclasses and pickles need it in ``sys.modules``."""
    name = f"robustbench_vit_file_{digest([str(path.resolve()).encode(), path.read_bytes()])}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no Python file; a model of your own is path/to/file.py:function")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ModelError(f"importing {path} fails with {type(error).__name__}: {error}") from error
    return module


def _split(
    name: str, function: Callable[..., Any], arguments: dict[str, Value]
) -> tuple[dict[str, Value], dict[str, Value]]:
    """The function's own arguments, and the checked rest."""
    parameters = inspect.signature(function).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    options = {parameter.name for parameter in FILE.parameters} - set(parameters)
    for key in arguments:
        if key not in parameters and key not in options and not takes_any:
            raise UnknownNameError(f"parameter of {name}", key, {*parameters, *options})
    own = {key: value for key, value in arguments.items() if key not in options}
    rest = Spec(name, {key: value for key, value in arguments.items() if key in options})
    return own, dict(FILE.bind(rest).args)


def _called(name: str, function: Callable[..., Any], positional: tuple[Value, ...], own: dict[str, Value]) -> Any:
    try:
        with seeded():
            return function(*map(_plain, positional), **{key: _plain(value) for key, value in own.items()})
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{name} fails with {type(error).__name__}: {error}") from error


def _assembled(name: str, result: Any, options: dict[str, Value], source: str) -> ImageModel:
    overrides = {key: options[key] for key in OVERRIDES}
    verified = None
    if isinstance(result, ImageModel):
        verified = result.verified
        network, source = result.network, f"{source}\n{result.source}"
        preprocessing = result.preprocessing.replaced(overrides)
        classes = options["num_classes"] or result.num_classes
    elif isinstance(result, nn.Module):
        if overrides["mean"] is None or overrides["std"] is None:
            raise SpecError(
                f"{name} returns a plain network: say how pixels in [0,1] are normalised with mean= and std= (0 and 1 "
                "for none), or let it return a robustbench_vit.models.image_model.ImageModel"
            )
        network, preprocessing = result, Preprocessing((0, 0, 0), (1, 1, 1), None).replaced(overrides)
        classes = options["num_classes"] or _count_classes(name, network, preprocessing)
    else:
        raise ModelError(f"{name} must return an ImageModel or torch.nn.Module, got {type(result).__name__}")
    return ImageModel(
        network,
        preprocessing,
        name=name,
        num_classes=classes,  # type: ignore[arg-type]
        source=source,
        verified=verified,
    )


def _count_classes(name: str, network: nn.Module, preprocessing: Preprocessing) -> int:
    """K of one forward pass on a zero image."""
    height, width = preprocessing.input_size or (PROBE_SIZE, PROBE_SIZE)
    try:
        with torch.no_grad():
            output = network.eval()(torch.zeros(1, 3, height, width))
    except Exception as error:
        raise ModelError(
            f"{name} fails on a 1×3×{height}×{width} image with {type(error).__name__}: {error}; give input_size= and "
            "num_classes="
        ) from error
    logits = read_logits(output, 1)
    if logits is None:
        raise ModelError(
            f"{name} returns no single N×K tensor on a 1×3×{height}×{width} image; return the logits alone"
        )
    return logits.shape[1]


def _plain(value: Value) -> Any:
    """What a user's function expects: floats for fractions, text for nested specs."""
    match value:
        case Fraction():
            return float(value)
        case Spec():
            return str(value)
        case tuple():
            return tuple(map(_plain, value))
    return value


def _identity(value: Value) -> Value:
    """A file's content digest in place of its path."""
    if isinstance(value, str) and Path(value).expanduser().is_file():
        return digest([Path(value).expanduser().read_bytes()])
    return value
