"""Cases and rows that are not there."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fake_gates import N, flipped, judge, one
from fake_runs import planned

from robustbench_vit.gates.missing import listed
from robustbench_vit.store import Store


def test_an_optional_case_that_does_not_fit_is_left_out(keep):
    """If it fitted the other run, it is missed."""
    shuffle = planned("shuffle(grid=7)", n=N, tags=("optional",))
    skipped = keep("skipped", {planned(n=N): flipped(0), replace(shuffle, status="skipped"): pd.DataFrame()})
    done = keep("done", {planned(n=N): flipped(0), shuffle: flipped(0)})

    assert ["met"] == [v.outcome for v in judge(skipped, skipped, "top1 >= -0.02")]
    assert ["met", "no number"] == [v.outcome for v in judge(skipped, done, "top1 >= -0.02")]


@pytest.fixture
def run(keep):
    """Two cases that are done."""
    return keep("run", {planned(n=N): flipped(0), planned("other", n=N): flipped(0)})


def cut(run: Path, rows: int) -> None:
    """Leave only so many rows of the clean case."""
    file = Store(run).case_file("key-zoo:a", "clean-0")
    if rows:
        pq.write_table(pq.read_table(file).slice(0, rows), file)
    else:
        file.unlink()


@pytest.mark.parametrize("rows", [0, 100])
def test_rows_that_went_missing_in_run(run, base, rows):
    """A manifest says done, the file is gone or was cut short: no number of any metric comes out, and why."""
    cut(run, rows)
    relative, absolute = one(run, base, "top1[clean] >= -0.5"), judge(run, None, "mean_confidence <= 1")

    assert ["no number", "no number", "met"] == [verdict.outcome for verdict in (relative, *absolute)]
    assert relative.reason.startswith("in RUN rows are missing of clean; run the same command again")
    assert absolute[0].reason.startswith("rows are missing of clean; run the same command again")


@pytest.mark.parametrize("rows", [0, 100])
def test_rows_that_went_missing_in_base(run, base, rows):
    """The side is named."""
    cut(base, rows)

    assert one(run, base, "top1[clean] >= -0.5").reason.startswith("in BASE rows are missing of clean")


def test_rows_of_other_images(keep, base):
    """The same case, counted in full, over images of which the other side has seen half."""
    rows = flipped(0)
    rows["id"] = [f"{'val' if place < N // 2 else 'test'}/{place:05d}" for place in range(N)]
    run = keep("other", {planned(n=N): rows})

    assert f"RUN and BASE share {N // 2} images and not {N}" in one(run, base, "top1 >= -0.5").reason


def test_many_names_are_counted():
    """The first four are named."""
    assert "a, b, c, d and 2 more" == listed("abcdef")
    assert "a, b" == listed("ab")
