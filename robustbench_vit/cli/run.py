"""``robustbench-vit run``: collect, run, score, render."""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from robustbench_vit.cli import EXIT_FAILED_CASES, EXIT_OK
from robustbench_vit.cli.progress import TerminalProgress
from robustbench_vit.collect import CollectedSuite, collect, data_slots
from robustbench_vit.errors import SpecError
from robustbench_vit.records import PlannedCase
from robustbench_vit.spec import split_specs


def command(options: argparse.Namespace) -> int:
    """Run the suites; exit code 3 says that some cases failed."""
    console = Console()
    suites = collect(options.suites, keyword=options.keyword, markers=options.markers)
    out = Path(options.out or f"results/{suites[0].suite.name}")
    settings = _settings(options)
    if options.plan:
        return _print_plan(console, suites, options, settings)
    devices = _devices(options.device)
    if len(devices) > 1:
        return _one_process_each(console, devices, options, out)
    began = time.monotonic()
    records = _run(console, suites, options, out, {**settings, "device": devices[0]})
    console.print(f"{_count(records)} in {time.monotonic() - began:.0f} s", highlight=False)
    if settings["shard"][1] == 1:
        _report(console, out)
    return EXIT_FAILED_CASES if any(record.status == "failed" for record in records) else EXIT_OK


def _run(
    console: Console, suites: Sequence[CollectedSuite], options: argparse.Namespace, out: Path, settings: dict[str, Any]
) -> list[PlannedCase]:
    from robustbench_vit.api import run_suite

    records: list[PlannedCase] = []
    with TerminalProgress(console) as progress:
        for found in suites:
            plan = run_suite(
                found.suite,
                found.cases,
                models=_models(options) or found.suite.models,
                data=data_slots(options.data, found.suite.data),
                out=out,
                progress=progress,
                **{**settings, "limit": options.limit or found.suite.limit},
            )
            records += plan.records
    return records


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    index, _, count = options.shard.partition("/")
    if not (index.isdigit() and count.isdigit()):
        raise SpecError(f"--shard must be I/N such as 2/4, got {options.shard}")
    if options.batch_size != "auto" and not options.batch_size.isdigit():
        raise SpecError(f"--batch-size must be auto or a number, got {options.batch_size}")
    return {
        "limit": options.limit,
        "batch_size": "auto" if options.batch_size == "auto" else int(options.batch_size),
        "dtype": options.dtype,
        "seed": options.seed,
        "workers": options.workers,
        "shard": (int(index), int(count)),
        "geometry": options.geometry,
        "channels_last": options.channels_last,
        "compile": options.compile,
        "cache": options.cache,
    }


def _models(options: argparse.Namespace) -> list[str]:
    return [spec for text in options.model for spec in split_specs(text)]


def _devices(wanted: str) -> list[str]:
    """All GPUs under ``auto``, or what was asked for."""
    if wanted != "auto":
        return wanted.split(",")
    import torch

    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]


def _one_process_each(console: Console, devices: Sequence[str], options: argparse.Namespace, out: Path) -> int:
    """One process a device, each with its shard of the blocks; the store merges by itself."""
    if options.shard != "1/1":
        raise SpecError("--shard and several devices cannot be combined; give each job one device")
    again = [sys.executable, "-m", "robustbench_vit", *_without_device(sys.argv[1:])]
    jobs = [
        subprocess.Popen([*again, "--out", str(out), "--device", device, "--shard", f"{i}/{len(devices)}"])  # noqa: S603 - our own command line, no shell
        for i, device in enumerate(devices, start=1)
    ]
    codes = [job.wait() for job in jobs]
    if max(codes) in (EXIT_OK, EXIT_FAILED_CASES):
        _report(console, out)
    return max(codes)


def _without_device(arguments: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument != "--device" and not argument.startswith("--device="):
            kept.append(argument)
        skip = argument == "--device"
    return kept


def _report(console: Console, out: Path) -> None:
    from robustbench_vit.leaderboard.report import terminal_tables, write_report

    files = write_report([out], out)
    for table in terminal_tables([out]):
        console.print(table)
    for file in files:
        console.print(f"wrote {file}", highlight=False, soft_wrap=True)


def _count(records: Sequence[PlannedCase]) -> str:
    counts = {status: sum(record.status == status for record in records) for status in ("done", "failed", "skipped")}
    partial = len(records) - sum(counts.values())
    words = [f"{count} {status}" for status, count in counts.items() if count or status == "done"]
    return f"{len(records)} cases: {', '.join(words)}{f', {partial} partial' if partial else ''}"


def _print_plan(
    console: Console, suites: Sequence[CollectedSuite], options: argparse.Namespace, settings: dict[str, Any]
) -> int:
    from robustbench_vit.evaluation.estimate import estimate

    total = 0.0
    for found in suites:
        data = data_slots(options.data, found.suite.data)
        models = _models(options) or list(found.suite.models)
        limit = options.limit or found.suite.limit
        wanted = {**settings, "limit": limit, "device": _devices(options.device)[0]}
        for line in estimate(found.cases, models, data, wanted):
            total += line.seconds
            console.print(f"{found.suite} · {line}", highlight=False, soft_wrap=True)
    console.print(f"estimated time: {total / 60:.1f} min", highlight=False)
    return EXIT_OK
