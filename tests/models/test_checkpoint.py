"""Checkpoints: wrappers come off, everything else is strict, and every failure names file and next step."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from robustbench_vit.errors import ModelError
from robustbench_vit.models.checkpoint import restore


def network(classes: int = 3) -> nn.Module:
    """A small network with buffers."""
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, classes))


def saved(tmp_path: Path, contents: Any) -> Path:
    """A file of torch.save."""
    path = tmp_path / "checkpoint.pth"
    torch.save(contents, path)
    return path


def prefixed(prefix: str, state: dict[str, Any]) -> dict[str, Any]:
    """The same tensors under longer names."""
    return {prefix + name: tensor for name, tensor in state.items()}


def same(first: nn.Module, second: nn.Module) -> bool:
    """Whether two networks hold the same tensors."""
    return all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"model": state, "epoch": 3},
        lambda state: {"state_dict": prefixed("module.", state), "best": 0.5},
        lambda state: prefixed("_orig_mod.module.", state),
        lambda state: {"state_dict": prefixed("model.", state)},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {"model": network().state_dict(), "model_ema": state},
        lambda state: {"state_dict": network().state_dict(), "state_dict_ema": prefixed("module.", state)},
        lambda state: {**state, "epoch": 3},
    ],
    ids=["bare", "model", "parallel", "compiled", "lightning", "nested", "ema", "timm ema", "mixed"],
)
def test_wrappers_come_off(wrap: Any, tmp_path: Path) -> None:
    """What training scripts put around the weights does not matter; averaged weights win."""
    source, target = network(), network()

    restore(target, saved(tmp_path, wrap(source.state_dict())))

    assert same(source, target)


def test_averaged_model_of_torch(tmp_path: Path) -> None:
    """Its counter is no weight."""
    source, target = network(), network()

    restore(target, saved(tmp_path, AveragedModel(source).state_dict()))

    assert same(source, target)


def test_a_prefix_of_the_network_stays(tmp_path: Path) -> None:
    """A wrapper class that itself says ``model.`` is loaded as it is."""
    source, target = nn.ModuleDict({"model": network()}), nn.ModuleDict({"model": network()})

    restore(target, saved(tmp_path, source.state_dict()))

    assert same(source, target)


def test_safetensors_with_metadata(tmp_path: Path) -> None:
    """Tensors are loaded, also of another float type, and metadata returned."""
    source, target = network(), network()
    path = tmp_path / "weights.safetensors"
    save_file({name: tensor.clone() for name, tensor in source.bfloat16().state_dict().items()}, path, {"by": "us"})

    metadata = restore(target, path)

    assert {"by": "us"} == metadata
    assert same(source.float(), target)


def test_missing_counters_are_no_weights(tmp_path: Path) -> None:
    """Files older than ``num_batches_tracked`` load."""
    source, target = network(), network()
    old = {name: tensor for name, tensor in source.state_dict().items() if "tracked" not in name}

    restore(target, saved(tmp_path, old))

    assert same(source, target)


def test_another_head_names_num_classes(tmp_path: Path) -> None:
    """The message counts, shows shapes, and says what to give."""
    path = saved(tmp_path, network(classes=10).state_dict())

    with pytest.raises(ModelError, match=r"2 of 9 of another shape \(2.weight is 10×4, expected 3×4.*num_classes=10"):
        restore(network(), path)


def test_missing_and_unexpected_names_are_counted(tmp_path: Path) -> None:
    """With a few of each."""
    state = network().state_dict()
    state["extra"] = state.pop("0.weight")

    with pytest.raises(ModelError, match=r"1 of 9 missing \(0.weight\); 1 of 9 unexpected \(extra\)"):
        restore(network(), saved(tmp_path, state))


def test_objects_in_a_pickle_are_refused(tmp_path: Path) -> None:
    """Nothing is run, and the message says how to convert."""
    path = saved(tmp_path, {"model": network().state_dict(), "args": argparse.Namespace(lr=0.1)})

    with pytest.raises(ModelError, match=r"could run code.*save_file"):
        restore(network(), path)


@pytest.mark.parametrize("name", ["half.pth", "half.safetensors"])
def test_a_file_cut_in_half_is_named(name: str, tmp_path: Path) -> None:
    """With its size, so that a broken download is seen."""
    path = tmp_path / name
    state = {"weight": torch.zeros(100, 100)}
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(ModelError, match=rf"cannot read checkpoint .*{name} \(\d+ bytes\).*fetch it again"):
        restore(network(), path)


@pytest.mark.parametrize("contents", [b"", b"<html>not found</html>" * 9])
def test_garbage_is_named(contents: bytes, tmp_path: Path) -> None:
    """Empty files and error pages."""
    path = tmp_path / "garbage.pth"
    path.write_bytes(contents)

    with pytest.raises(ModelError, match="cannot read checkpoint"):
        restore(network(), path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Together with what the argument takes."""
    with pytest.raises(ModelError, match=r"no such checkpoint: .*absent.pth"):
        restore(network(), tmp_path / "absent.pth")


@pytest.mark.parametrize(("contents", "came"), [([1, 2], "holds a list"), ({"epoch": 3}, "keys are epoch")])
def test_files_without_weights_are_named(contents: Any, came: str, tmp_path: Path) -> None:
    """A log or an optimiser state is no checkpoint."""
    with pytest.raises(ModelError, match=came):
        restore(network(), saved(tmp_path, contents))
