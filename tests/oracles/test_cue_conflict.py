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
from robustbench_vit.labels import ENTRY_LEVEL
from robustbench_vit.suite import Case, Suite

BATCH = 32


def reference(weights: Path, stimuli: Path) -> dict[str, str]:
    """Category by stem: softmax in float64, mean over the category's indices, the largest."""
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False).eval()
    network.load_state_dict(load_file(weights))
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
def test_decisions_and_shape_bias(shared_data: Path, tmp_path: Path) -> None:
    """ViT-Ti/16: the same category on at least 1275 of 1280 stimuli, shape bias within 0.005."""
    weights, stimuli = shared_data / "weights" / "vit_tiny_patch16_224.safetensors", shared_data / "cue-conflict"
    expected = reference(weights, stimuli)

    run_suite(
        Suite("shape", version=1),
        [Case()],
        models=[f'timm:vit_tiny_patch16_224(checkpoint="{weights}", mean=0.5, std=0.5)'],
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
    assert shape_bias(expected) == pytest.approx(measured, abs=0.005)
