"""``robustbench-vit run``: collect, run, score, render."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from robustbench_vit.cli import EXIT_FAILED_CASES, EXIT_GATE, EXIT_OK
from robustbench_vit.cli.expectations import are_met
from robustbench_vit.cli.printing import counted
from robustbench_vit.cli.progress import TerminalProgress
from robustbench_vit.collect import CollectedSuite, collect, data_slots, require
from robustbench_vit.errors import RobustbenchError, SpecError
from robustbench_vit.evaluation.options import Options, read_batch_size, read_seeds, read_shard
from robustbench_vit.records import PlannedCase
from robustbench_vit.spec import split_specs

if TYPE_CHECKING:
    from robustbench_vit.api import Plan


def command(options: argparse.Namespace) -> int:
    """Run the suites; exit code 3 says that some cases failed, 1 that an expectation of a suite is not met."""
    console = Console(markup=False, highlight=False, emoji=False)
    settings, seeds = _settings(options), read_seeds(options.seed)
    collected = collect(options.suites, keyword=options.keyword, markers=options.markers)
    wanted = [_wanted(found, options) for found in collected]
    out = Path(options.out or "results/" + "+".join(dict.fromkeys(found.suite.name for found in collected)))
    devices = _devices(options.device)
    if options.plan:
        return _print_plan(console, wanted, {**settings, "device": devices[0]}, len(seeds))
    if len(devices) > 1:
        code = _one_process_each(console, devices, options, out)
        if code != EXIT_OK or not any(rules for found in collected for rules in found.expected):
            return code
        # What is expected is asked of the whole run: here everything is done, and only looked up.
    began = time.monotonic()
    runs = [{**one, "seed": seed} for one in wanted for seed in seeds]
    plans = _run(console, runs, out, {**settings, "device": devices[0]})
    records = [record for plan in plans for record in plan.records]
    console.print(f"{_count(records)} in {time.monotonic() - began:.0f} s")
    if settings["shard"][1] == 1:
        _report(console, out)
    if any(record.status == "failed" for record in records):
        return EXIT_FAILED_CASES
    if settings["shard"][1] > 1:  # another shard may hold the rest
        return EXIT_OK
    return EXIT_OK if are_met(console, [found for found in collected for _ in seeds], plans) else EXIT_GATE


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of `Options` that concern all suites alike, checked before anything is imported or loaded."""
    names = ("dtype", "workers", "geometry", "channels_last", "compile", "cache")
    settings = {name: getattr(options, name) for name in names}
    settings |= {"batch_size": read_batch_size(options.batch_size), "shard": read_shard(options.shard)}
    Options(**settings, limit=options.limit)
    return settings


def _wanted(found: CollectedSuite, options: argparse.Namespace) -> dict[str, Any]:
    """A suite's cases with what they run on: what the user gave, else the suite's own."""
    models = [spec for text in options.model for spec in split_specs(text)] or list(found.suite.models)
    data = data_slots(options.data, found.suite.slots)
    require(found.suite, found.cases, models, data)
    limit = found.suite.limit if options.limit is None else options.limit
    return {"suite": found.suite, "cases": found.cases, "models": models, "data": data, "limit": limit}


def _run(console: Console, wanted: Sequence[dict[str, Any]], out: Path, settings: dict[str, Any]) -> "list[Plan]":
    from robustbench_vit.api import run_suite

    with TerminalProgress(console) as progress:
        return [run_suite(**one, out=out, progress=progress, **settings) for one in wanted]


def _devices(wanted: str) -> list[str]:
    """All GPUs under ``auto``, or what was asked for."""
    if wanted != "auto":
        return [device.strip() for device in wanted.split(",")]
    import torch

    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]


def _one_process_each(console: Console, devices: Sequence[str], options: argparse.Namespace, out: Path) -> int:
    """One process a device, each with its shard of the blocks; the store merges by itself."""
    if options.shard != "1/1":
        raise SpecError("--shard and several devices cannot be combined; give each job one device")
    codes = _finished(list(_started(devices, options, out)))
    for device, code in zip(devices, codes, strict=True):
        if code not in (EXIT_OK, EXIT_FAILED_CASES):
            raise RobustbenchError(
                f"the process on {device} ended with exit code {code}; what was finished is kept, the same command "
                "goes on"
            )
    _report(console, out)
    return max(codes)


def _started(devices: Sequence[str], options: argparse.Namespace, out: Path) -> Iterator["subprocess.Popen[bytes]"]:
    for number, device in enumerate(devices, start=1):
        again = _arguments(options, out=out, device=device, shard=f"{number}/{len(devices)}")
        # All have the same to do, so the bar of the first speaks for all.
        terminal = {} if number == 1 else {"TERM": "dumb"}
        yield subprocess.Popen([sys.executable, "-m", "robustbench_vit", *again], env={**os.environ, **terminal})  # noqa: S603 - our own command line, no shell


def _finished(jobs: Sequence["subprocess.Popen[bytes]"]) -> list[int]:
    """Wait for all; whatever ends the waiting ends the jobs."""
    try:
        return [job.wait() for job in jobs]
    finally:
        for job in jobs:
            job.terminate()
            job.wait()


def _arguments(options: argparse.Namespace, **changed: object) -> list[str]:
    """The command line that says the same as the parsed options."""
    words = []
    for name, value in {**vars(options), **changed}.items():
        flag = f"--{name.replace('_', '-')}"
        if name in ("command", "suites") or value is None or value is False or value == "":
            continue
        if value is True:
            words.append(flag)
        else:
            words += [f"{flag}={one}" for one in (value if isinstance(value, list) else [value])]
    return ["run", *words, "--", *options.suites]


def _report(console: Console, out: Path) -> None:
    from robustbench_vit.leaderboard.report import render
    from robustbench_vit.leaderboard.terminal import tables

    measurements, files = render([out], out)
    for table in tables(measurements):
        console.print(table)
    for file in files:
        console.print(f"wrote {file}", soft_wrap=True)


def _count(records: Sequence[PlannedCase]) -> str:
    counts = {status: sum(record.status == status for record in records) for status in ("done", "failed", "skipped")}
    partial = len(records) - sum(counts.values())
    words = [f"{count} {status}" for status, count in counts.items() if count or status == "done"]
    return f"{counted(len(records), 'case')}: {', '.join(words)}{f', {partial} partial' if partial else ''}"


def _print_plan(console: Console, wanted: Sequence[dict[str, Any]], settings: dict[str, Any], seeds: int) -> int:
    from robustbench_vit.evaluation.estimate import estimate

    total = 0.0
    for one in wanted:
        for line in estimate(one["cases"], one["models"], one["data"], {**settings, "limit": one["limit"]}):
            total += line.seconds
            console.print(f"{one['suite']} · {line}", soft_wrap=True)
    several = f", for {seeds} seeds {seeds * total / 60:.1f} min" if seeds > 1 else ""
    console.print(f"estimated time: {total / 60:.1f} min{several}")
    return EXIT_OK
