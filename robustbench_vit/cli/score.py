"""``robustbench-vit score``: score what is new in results folders and write results.csv, without any model."""

import argparse
from pathlib import Path

from rich.console import Console

from robustbench_vit.leaderboard.report import write_results


def command(options: argparse.Namespace) -> int:
    """Write results.csv."""
    folders = [Path(folder) for folder in options.folders]
    file = write_results(folders, Path(options.out or folders[0]), options.reference, options.trials)
    Console().print(f"wrote {file}", highlight=False, soft_wrap=True)
    return 0
