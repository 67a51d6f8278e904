"""``robustbench-vit export trials``: decisions in the columns of model-vs-human."""

import argparse
from pathlib import Path

from rich.console import Console

from robustbench_vit.cli import EXIT_OK
from robustbench_vit.leaderboard.export import export_trials


def command(options: argparse.Namespace) -> int:
    """Write one CSV file a model."""
    for file in export_trials([Path(folder) for folder in options.folders], Path(options.out)):
        Console().print(f"wrote {file}", highlight=False, soft_wrap=True)
    return EXIT_OK
