"""Killed at random moments, a run loses at most one block and ends in the same case files (contract C7)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys, time
from pathlib import Path
import torch
from torch import nn
from robustbench_vit.api import run_suite
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.suite import Case, Suite

torch.set_num_threads(1)

class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.linspace(-1, 1, 480).view(48, 10).sin())

    def forward(self, images):
        time.sleep(0.02)
        return nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) @ self.weights

model = ImageModel(Slow(), Preprocessing((0.5,) * 3, (0.5,) * 3, None), name="slow", num_classes=10)
cases = [Case(), Case("patchdrop(0.5)"), Case("fourier_noise(0.3)")]
print("begun", flush=True)
data = {"": "shapetex(n=1500)"}
run_suite(Suite("toy", version=1), cases, models=[model], data=data, out=Path(sys.argv[1]), device="cpu")
"""


def start(out):
    """A run in a process of its own, begun."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(out)], stdout=subprocess.PIPE, env=environment)
    assert process.stdout.readline() == b"begun\n"
    return process


def blocks(out):
    """How many blocks are finished, in parts or in case files."""
    return len(list(Path(out).glob("parts/*/*.parquet"))) or 6 * bool(list(Path(out).glob("cases/*/*.parquet")))


def case_files(out):
    """Content of all case files by name."""
    return {file.name: file.read_bytes() for file in sorted(Path(out).glob("cases/*/*.parquet"))}


def kill_often(out, times):
    """Kill a run again and again, later each time within a block; then let it end."""
    for number in range(times):
        process, before = start(out), blocks(out)
        time.sleep(0.05 + (number * 0.37) % 1.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert blocks(out) >= before
    with start(out) as process:
        assert process.wait() == 0


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_lose_at_most_a_block(tmp_path, times):
    """Finished blocks stay finished, and the files are those of an undisturbed run, byte for byte."""
    with start(tmp_path / "whole") as process:
        assert process.wait() == 0
    kill_often(tmp_path / "killed", times)

    assert case_files(tmp_path / "whole") == case_files(tmp_path / "killed")
    assert [] == list(tmp_path.glob("killed/parts/*/*.parquet"))
