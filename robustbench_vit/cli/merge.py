"""``robustbench-vit merge``: results folders of several people into one."""

import argparse
from pathlib import Path

from rich.console import Console

from robustbench_vit.cli import EXIT_OK
from robustbench_vit.cli.printing import counted
from robustbench_vit.merging import merge


def command(options: argparse.Namespace) -> int:
    """Merge, and say what was kept and what was left alone."""
    console = Console(markup=False, highlight=False, soft_wrap=True)
    done = merge([Path(folder) for folder in options.folders], Path(options.out))
    for case, images in done.close.items():
        console.print(
            f"{case}: figures of {counted(images, 'image')} differ in their last digits, those of the first folder stay"
        )
    for file in done.foreign:
        console.print(f"left alone, no part of a results folder: {file}")
    wrote = f"wrote {counted(done.written, 'file')}" if done.written else "nothing was new"
    console.print(
        f"{options.out} holds {counted(done.cases, 'case')} of {counted(done.models, 'model')}; {wrote}; "
        f"`robustbench-vit report {options.out}` makes its pages"
    )
    return EXIT_OK
