"""What the engine costs beside a bare loop over the same batches through the same model, in one run."""

import statistics
import time
from itertools import count
from pathlib import Path

import pytest
import torch

from robustbench_vit.api import run_suite
from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.suite import Case, Suite

IMAGES, BATCH, ROUNDS = 512, 64, 7


@pytest.fixture(scope="module")
def setting():
    """A model of usual weight and a data set held in memory, so that both sides do the same work."""
    data = load_dataset(f"shapetex(n={IMAGES})")
    blocks = [data.batch(start, start + 256) for start in range(0, IMAGES, 256)]
    data.batch = lambda start, stop, geometry=None: blocks[start // 256]
    return load_model("timm:resnet18(pretrained=false, num_classes=10, input_size=64)"), data, blocks


def bare(model, blocks):
    """The loop everyone writes: batches, forward pass, arg max."""
    right = 0
    with torch.no_grad():
        for block in blocks:
            for start in range(0, len(block), BATCH):
                pixels = block.images[start : start + BATCH].float() / 255
                right += (model(pixels).argmax(1) == block.labels[start : start + BATCH]).sum()
    return int(right)


def engine(model, data, out: Path):
    """The clean case through the engine, rows written."""
    suite = Suite("benchmark", version=1)
    return run_suite(suite, [Case()], models=[model], data={"": data}, out=out, batch_size=BATCH, device="cpu")


def test_clean_pass_against_a_bare_loop(benchmark, setting, tmp_path):
    """Rounds alternate, so that both see the same machine; the ratio of medians is reported."""
    model, data, blocks = setting
    bare(model, blocks)
    engine(model, data, tmp_path / "warm")
    bares, engines, folders = [], [], (tmp_path / str(number) for number in count())

    def both():
        began = time.perf_counter()
        bare(model, blocks)
        middle = time.perf_counter()
        engine(model, data, next(folders))
        bares.append(middle - began)
        engines.append(time.perf_counter() - middle)

    benchmark.pedantic(both, rounds=ROUNDS)
    ratios = sorted(e / b for e, b in zip(engines, bares, strict=True))
    benchmark.extra_info["engine over bare loop"] = {
        "median": round(statistics.median(ratios), 4),
        "lowest": round(ratios[0], 4),
        "highest": round(ratios[-1], 4),
    }
    print(f"\nengine / bare loop: {benchmark.extra_info['engine over bare loop']}")
