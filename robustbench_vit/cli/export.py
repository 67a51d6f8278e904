"""``robustbench-vit export``: results in the files of others."""

import argparse
from pathlib import Path

from rich.console import Console

from robustbench_vit.cli import EXIT_OK
from robustbench_vit.cli.printing import counted
from robustbench_vit.interchange.to_timm import export_timm
from robustbench_vit.interchange.to_trials import export_trials
from robustbench_vit.merging.publish import publish


def command(options: argparse.Namespace) -> int:
    """Write decisions in the columns of model-vs-human, one CSV file a model."""
    for file in export_trials([Path(folder) for folder in options.folders], Path(options.out)):
        Console().print(f"wrote {file}", highlight=False, soft_wrap=True)
    return EXIT_OK


def timm(options: argparse.Namespace) -> int:
    """Write accuracies in the columns of timm, which say nothing of the number of images."""
    console = Console(markup=False, highlight=False)
    for table in export_timm([Path(folder) for folder in options.folders], Path(options.out)):
        low, high = table.images
        images = counted(high, "image") if low == high else f"{low:,} to {high:,} images"
        console.print(f"wrote {table.file}: {counted(table.models, 'model')} on {images}", soft_wrap=True)
    return EXIT_OK


def scores(options: argparse.Namespace) -> int:
    """Write a results folder without rows."""
    models = publish(Path(options.folder), Path(options.out))
    Console(markup=False, highlight=False).print(
        f"wrote plans and scores of {counted(models, 'model')} into {options.out}; "
        f"`robustbench-vit report {options.out}` makes its pages",
        soft_wrap=True,
    )
    return EXIT_OK
