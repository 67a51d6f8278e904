"""``robustbench-vit import``: numbers of other people's tables into a results folder."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from robustbench_vit.cli import EXIT_OK
from robustbench_vit.cli.printing import counted
from robustbench_vit.errors import DataError
from robustbench_vit.interchange.from_robustbench import read_robustbench
from robustbench_vit.interchange.from_timm import read_timm
from robustbench_vit.interchange.reported import ReportedTable, write_reported


def timm(options: argparse.Namespace) -> int:
    """Import results tables of timm."""
    return _write(read_timm([Path(file) for file in options.files], options.data), Path(options.out))


def robustbench(options: argparse.Namespace) -> int:
    """Import RobustBench's files about models."""
    files = list(_files(Path(file) for file in options.files))
    return _write(read_robustbench(files, options.norm, options.data), Path(options.out))


def _files(paths: Iterator[Path]) -> Iterator[Path]:
    for path in paths:
        found = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        if not found:
            raise DataError(f"{path} holds no JSON files; expected model_info/<data set>/<threat>/<model>.json")
        yield from found


def _write(reports: Sequence[ReportedTable], out: Path) -> int:
    files = write_reported(reports, out)
    models = {item.model for report in reports for item in report.measurements}
    numbers = sum(len(report.measurements) for report in reports)
    console = Console(markup=False, highlight=False)
    console.print(
        f"wrote {counted(numbers, 'reported number')} of {counted(len(models), 'model')} into {files[0].parent}; "
        f"`robustbench-vit report {out}` shows them",
        soft_wrap=True,
    )
    return EXIT_OK
