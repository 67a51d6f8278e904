"""The report of a large leaderboard from scored stores alone: 500 models × 200 cases × 5,000 images.

``tox run -e benchmark -- -k report`` prints seconds and the peak of memory. Twelve models are scored in earnest; the
others are copies of their scored files under other names, in which some images are answered otherwise.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_runs import corruption_plan

from robustbench_vit.aggregates.scored_file import planned_text
from robustbench_vit.aggregates.scored_files import scored_files
from robustbench_vit.records import PlannedCase, Sweep
from robustbench_vit.store import Store

MODELS, CURVES, POINTS, IMAGES, SCORED = 500, 4, 31, 5_000, 12


def plan(model: str) -> list[PlannedCase]:
    """200 cases: clean, the 75 common corruptions, and four curves of 31 points."""
    grid = corruption_plan(model, n=IMAGES, suite="corruptions@1", model_key=model.replace(":", "-"))
    like = grid[0]
    curves = [
        replace(like, case=f"patchdrop(ratio={at}, seed={curve})", family="occlusion", case_key=f"drop-{curve}-{at}",
                perturbation=f"patchdrop(ratio={at}, seed={curve})",
                sweep=Sweep(f"patchdrop(seed={curve})", "information loss", at, 0.0))
        for curve in range(CURVES) for at in np.linspace(0, 1, POINTS + 1)[1:].round(4).tolist()
    ]  # fmt: skip
    return [*grid, *curves]


def rows(case: PlannedCase, position: int, skill: float) -> pd.DataFrame:
    """Answers of a model of some skill, worse in later cases; images are as hard for one model as for another."""
    hard = np.random.default_rng(0).random(IMAGES)
    noise = np.random.default_rng([position, int(1000 * skill)]).normal(0, 0.15, IMAGES)
    right = hard + noise < skill * (1 - position % 76 / 150)
    confidence = np.clip(0.9 - hard / 2, 0.05, 0.95).astype(np.float32)
    own = np.where(right, confidence, np.float32(0.02))
    return pd.DataFrame(
        {
            "id": [f"val/{index:08d}" for index in range(IMAGES)],
            "position": np.arange(IMAGES),
            "label": np.zeros(IMAGES, np.int32),
            "pred": np.where(right, 0, 1).astype(np.int32),
            "confidence": confidence,
            "nll": -np.log(own),
            "p_label": own,
            "p_squared": confidence**2,
            "logsumexp": np.zeros(IMAGES, np.float32),
            "top5_ids": list(np.tile(np.array([[0, 1, 2, 3, 4]], np.int32), (IMAGES, 1))),
        }
    )


def scored(folder: Path, model: str, skill: float) -> Path:
    """A model's scored file, its rows never stored."""
    store = Store(folder)
    cases = plan(model)
    store.record(cases)
    position = {case.case_key: at for at, case in enumerate(cases)}
    store.rows = lambda case: rows(case, position[case.case_key], skill)
    scored_files(store, cases)
    return store.scored_file(cases[0].model_key)


def copied(folder: Path, file: Path, model: str, seed: int) -> None:
    """The same file under another name, in which about one image in 16 is answered otherwise."""
    cases = plan(model)
    Store(folder).record(cases)
    table, generator = pq.read_table(file), np.random.default_rng(seed)
    bits = [np.frombuffer(one, np.uint8) for one in table["correct"].to_pylist()]
    flips = np.bitwise_and.reduce(generator.integers(0, 256, (4, len(bits[0])), dtype=np.uint8))
    table = table.set_column(2, "planned", pa.array([planned_text(case) for case in cases]))
    table = table.set_column(8, "correct", pa.array([(one ^ flips).tobytes() for one in bits], pa.binary()))
    pq.write_table(table, Store(folder).scored_file(cases[0].model_key), compression="zstd")


def large(folder: Path, models: int = MODELS) -> Path:
    """A results folder of manifests and scored files."""
    files = [scored(folder, f"timm:model_{at:03d}", 0.6 + 0.03 * at) for at in range(min(models, SCORED))]
    for at in range(len(files), models):
        copied(folder, files[at % len(files)], f"timm:model_{at:03d}", at)
    return folder


PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from robustbench_vit.leaderboard.report import write_report
began = time.perf_counter()
files = write_report([Path(sys.argv[1])], Path(sys.argv[2]))
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(json.dumps({"seconds": seconds, "GB": peak, "MB": {file.name: file.stat().st_size / 1e6 for file in files}}))
"""


@pytest.mark.parametrize("models", [100, MODELS])
def test_report(benchmark, tmp_path, models):
    """Seconds and memory of `report`, in a process of its own."""
    folder = large(tmp_path / "store", models)
    found: list[dict[str, object]] = []

    def report() -> None:
        command = [sys.executable, "-c", PROGRAM, str(folder), str(tmp_path / "out")]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))

    benchmark.pedantic(report, rounds=1)
    benchmark.extra_info.update(found[-1])
    print(f"\n{models} models: {found[-1]}")
