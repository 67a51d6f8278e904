"""``robustbench-vit report``: the leaderboard of results folders, without any model."""

import argparse
from pathlib import Path

from rich.console import Console

from robustbench_vit.leaderboard.report import write_report


def command(options: argparse.Namespace) -> int:
    """Write results.csv, leaderboard.csv, leaderboard.html and leaderboard.md."""
    folders = [Path(folder) for folder in options.folders]
    for file in write_report(folders, Path(options.out or folders[0]), options.reference, options.trials):
        Console().print(f"wrote {file}", highlight=False, soft_wrap=True)
    return 0
