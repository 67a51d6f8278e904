"""``robustbench-vit make``: write a stored set of perturbed images, or of conflicting shapes and textures."""

import argparse
import time
from pathlib import Path

from rich.console import Console

from robustbench_vit.cli import EXIT_OK
from robustbench_vit.cli.progress import TerminalProgress
from robustbench_vit.collect import collect
from robustbench_vit.errors import SpecError
from robustbench_vit.evaluation.options import Options
from robustbench_vit.spec import split_specs
from robustbench_vit.suite import Case


def command(options: argparse.Namespace) -> int:
    """Make the set and say how to open it."""
    from robustbench_vit.data import load_dataset
    from robustbench_vit.make.corrupted import make_corrupted

    console = Console(markup=False, highlight=False)
    names = ("limit", "seed", "device", "workers", "geometry")
    settings = Options(**{name: getattr(options, name) for name in names})
    cases, out, began = _cases(options), Path(options.out), time.monotonic()
    with TerminalProgress(console) as progress:
        made = make_corrupted(load_dataset(options.data), cases, out, options.format, settings, progress)
    conditions = sum(map(len, made.conditions.values()))
    console.print(
        f"{conditions} conditions × {made.n} images in {time.monotonic() - began:.0f} s; open them with "
        f"--data 'folder_c({out})'",
        soft_wrap=True,
    )
    return EXIT_OK


def cue_conflict(options: argparse.Namespace) -> int:
    """Make the set and say how to open it."""
    from robustbench_vit.make.cue_conflict import make_cue_conflict

    console = Console(markup=False, highlight=False)
    content, texture, out = (Path(path).expanduser() for path in (options.content, options.texture, options.out))
    settings = {name: getattr(options, name) for name in ("strength", "seed", "size", "per_pair")}
    began = time.monotonic()
    with TerminalProgress(console) as progress:
        made = make_cue_conflict(content, texture, out, **settings, progress=progress)
    console.print(
        f"{len(made.files)} images of {len(made.classes)} classes in {time.monotonic() - began:.0f} s; open them with "
        f"--data 'cue_conflict({options.out})'",
        soft_wrap=True,
    )
    return EXIT_OK


def _cases(options: argparse.Namespace) -> list[Case]:
    """Cases of the suites, then the perturbations given by themselves."""
    if not options.suite and not options.perturbation:
        raise SpecError("there is nothing to make; give --suite NAME or --perturbation SPEC")
    if options.keyword and not options.suite:
        raise SpecError("-k selects cases of suites; give --suite NAME as well")
    collected = collect(options.suite, keyword=options.keyword) if options.suite else []
    given = [Case(spec) for text in options.perturbation for spec in split_specs(text)]
    return [*(case for found in collected for case in found.cases), *given]
