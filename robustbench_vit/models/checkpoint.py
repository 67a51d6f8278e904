"""Checkpoints: weights in whatever wrapping people save them, read safely and loaded strictly."""

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from robustbench_vit.errors import ModelError

WRAPPERS = (
    # Averaged weights first: they are what papers evaluate.
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
    "state_dict",
    "model_state_dict",
    "model",
    "network",
    "net",
)
"""Keys under which training scripts keep the weights, in order of preference."""

PREFIXES = ("module.", "_orig_mod.", "model.")
"""What data parallelism, compilation and Lightning put before every name."""


def restore(network: nn.Module, path: str | Path) -> Mapping[str, str]:
    """Load a checkpoint into a network, strictly.

    Args:
        network: Changed in place.
        path: A safetensors file, or a file of ``torch.save`` that holds tensors only.

    Returns:
        The metadata of a safetensors file, else nothing.

    Raises:
        ModelError: If the file is missing, damaged or unsafe, or a tensor is missing, unexpected or of another shape.
    """
    contents, metadata = read(path)
    expected = network.state_dict()
    weights = unwrapped(contents, expected, path)
    _check(weights, expected, path)
    # Counters of seen batches do not enter the outputs, and old files lack them.
    network.load_state_dict({**expected, **weights}, strict=True)
    return metadata


def read(path: str | Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """What a checkpoint file holds, and its metadata, on the CPU.

    Raises:
        ModelError: If the file is missing, damaged, or holds objects that could run code.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ModelError(f"no such checkpoint: {path}; checkpoint= takes a safetensors file or one of torch.save")
    try:
        contents, metadata = _read_safetensors(path) if path.suffix == ".safetensors" else (_read_torch(path), {})
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"cannot read checkpoint {path} ({path.stat().st_size} bytes): {_first_line(error)}; "
            "it looks damaged or cut short, fetch it again"
        ) from error
    if not isinstance(contents, Mapping):
        raise ModelError(f"checkpoint {path} holds a {type(contents).__name__}, expected named tensors")
    return contents, metadata


def unwrapped(contents: Mapping[str, Any], expected: Iterable[str], path: str | Path) -> dict[str, Tensor]:
    """The named tensors inside a checkpoint, without wrappers and prefixes.

    Args:
        contents: What the file holds.
        expected: The names the network knows; a prefix they have themselves is kept.
        path: For messages.

    Raises:
        ModelError: If there are no tensors inside.
    """
    keys = list(contents)
    while wrapper := next((key for key in WRAPPERS if isinstance(contents.get(key), Mapping)), None):
        contents = contents[wrapper]
    weights = {name: value for name, value in contents.items() if isinstance(value, Tensor)}
    weights.pop("n_averaged", None)  # counter of torch.optim.swa_utils.AveragedModel
    if not weights:
        raise ModelError(f"checkpoint {path} holds no weights; its keys are {_few(map(str, keys))}")
    known = tuple(expected)
    while prefix := _superfluous(weights, known):
        weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    return weights


def _superfluous(weights: Iterable[str], known: tuple[str, ...]) -> str | None:
    """A prefix that every name of the file has and no name of the network."""
    names = tuple(weights)
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in names) and not any(name.startswith(prefix) for name in known):
            return prefix
    return None


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 - the file is no mapping


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" not in str(error):
            raise ValueError(_first_line(error)) from error
        raise ModelError(
            f"checkpoint {path} holds more than tensors, and opening it could run code. If you trust it, convert it "
            "once: load it with torch.load(..., weights_only=False) and write its state_dict() with "
            "safetensors.torch.save_file"
        ) from error


def _check(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: str | Path) -> None:
    missing = [name for name in expected if name not in weights and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in weights if name not in expected]
    misshapen = [name for name in weights if name in expected and weights[name].shape != expected[name].shape]
    if not missing and not unexpected and not misshapen:
        return
    shapes = [f"{name} is {_shape(weights[name])}, expected {_shape(expected[name])}" for name in misshapen]
    parts = {"missing": missing, "unexpected": unexpected, "of another shape": shapes}
    counts = "; ".join(
        f"{len(names)} of {len(expected)} {what} ({_few(names)})" for what, names in parts.items() if names
    )
    raise ModelError(f"checkpoint {path} does not fit the model: {counts}; {_advice(weights, expected, misshapen)}")


def _advice(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], misshapen: list[str]) -> str:
    """The next step: a head of another size has a bias and a weight that differ in their first dimension alone."""
    for name in misshapen:
        bias, here = weights[name].shape, expected[name].shape
        if name.endswith(".bias") and len(bias) == len(here) == 1 and name.removesuffix("bias") + "weight" in misshapen:
            return f"if {name} is the head, give num_classes={bias[0]}"
    if any("pos" in name for name in misshapen):
        return "if the file was trained at another resolution, give that input_size="
    return "check that name, num_classes and input_size are those it was saved from"


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a scalar"


def _few(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
