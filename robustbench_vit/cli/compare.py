"""``robustbench-vit compare``: two models on the same images, without either of them."""

import argparse
from pathlib import Path

from robustbench_vit.cli import EXIT_OK
from robustbench_vit.cli.printing import plain_console
from robustbench_vit.leaderboard.comparison import compare_folders, comparison_tables, remarks
from robustbench_vit.leaderboard.files import write_csv


def command(options: argparse.Namespace) -> int:
    """Print the paired comparison and write comparison.csv."""
    folders = [Path(folder) for folder in options.folders]
    comparison = compare_folders(folders, options.a, options.b, options.reference)
    console = plain_console()
    for table in comparison_tables(comparison):
        console.print(table)
    for text in remarks(comparison):
        console.print(text, soft_wrap=True)
    file = write_csv(comparison.frame(), Path(options.out or folders[0]) / "comparison.csv")
    console.print(f"wrote {file}", soft_wrap=True)
    return EXIT_OK
