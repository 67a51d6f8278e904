"""``robustbench-vit preview``: the images of a suite, or those that the models of a store lost first."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from robustbench_vit.cli import EXIT_FAILED_CASES, EXIT_OK
from robustbench_vit.collect import CollectedSuite, collect, data_slots, require
from robustbench_vit.errors import DataError, SpecError
from robustbench_vit.evaluation.options import Options
from robustbench_vit.store.files import write_text

if TYPE_CHECKING:  # torch comes with it
    from robustbench_vit.data.dataset import Dataset
    from robustbench_vit.preview.failures import Failures
    from robustbench_vit.preview.pictures import Shot

_LARGE = 20e6
"""Bytes of a page beyond which a browser takes its time."""

_FIRST = 6
"""Failures a curve, where nobody says how many."""


@dataclass(frozen=True)
class _Wanted:
    """A suite with its data, opened."""

    found: CollectedSuite
    slots: "Mapping[str, Dataset]"


def command(options: argparse.Namespace) -> int:
    """Write the page."""
    console = Console(markup=False, highlight=False, emoji=False)
    if options.images is not None and options.images < 1:
        raise SpecError(f"--images must be at least 1, got {options.images}")
    if options.store and (options.index, options.id, options.seed, options.geometry) != (None, None, 0, None):
        raise SpecError("--in shows what its rows are about; leave out --index, --id, --seed and --geometry")
    file = _file(options)
    settings = Options(seed=options.seed, device=options.device, geometry=options.geometry)
    wanted = _opened(options, settings)
    title = ", ".join(str(one.found.suite) for one in wanted)
    if options.store:
        text, is_empty = _failures(title, wanted, options), False
    else:
        text, is_empty = _gallery(console, title, wanted, options, settings)
    write_text(file, text)
    size = len(text.encode())
    held = "nothing but reasons" if is_empty else "images of the data set"
    console.print(f"wrote {file} ({size / 1e6:.1f} MB); it holds {held}", soft_wrap=True)
    if size > _LARGE:
        console.print("this is a lot for a browser; choose fewer --images, or fewer cases with -k")
    return EXIT_FAILED_CASES if is_empty else EXIT_OK


def _file(options: argparse.Namespace) -> Path:
    """Where to write.

    Raises:
        SpecError: If a folder is there.
    """
    name = "failures.html" if options.store else "preview.html"
    file = Path(options.out or name)
    if file.is_dir():
        raise SpecError(f"the page is one file, and {file} is a folder; give --out a file, such as {file / name}")
    return file


def _opened(options: argparse.Namespace, settings: Options) -> list[_Wanted]:
    """The suites with the data sets that their cases name, each opened once."""
    from robustbench_vit.evaluation.work import open_slots

    wanted: list[_Wanted] = []
    opened: dict[str, Dataset] = {}
    for found in collect(options.suites, keyword=options.keyword):
        slots = data_slots(options.data, found.suite.slots)
        require(found.suite, found.cases, ["none is needed"], slots)
        named = {case.data or "" for case in found.cases}
        specs = {slot: spec for slot, spec in slots.items() if slot in named}
        fresh = {spec: spec for spec in specs.values() if spec not in opened}
        opened |= open_slots(fresh, settings)
        wanted.append(_Wanted(found, {slot: opened[spec] for slot, spec in specs.items()}))
    return wanted


def _gallery(
    console: Console, title: str, wanted: Sequence[_Wanted], options: argparse.Namespace, settings: Options
) -> tuple[str, bool]:
    """The page, and whether it has no pictures."""
    from robustbench_vit.models import load_model
    from robustbench_vit.preview.gallery import rooms
    from robustbench_vit.preview.page import gallery_page
    from robustbench_vit.preview.pictures import Studio

    model = load_model(options.model) if options.model else None
    shots: dict[tuple[object, ...], Shot] = {}
    for one in wanted:
        start = _start(one.slots, options)
        studio = Studio(one.slots, start, options.images or 1, settings, model)
        taken = studio.shots(one.found.suite, one.found.cases)
        shots |= {(shot.record.case, shot.record.data, shot.record.geometry, shot.record.tags): shot for shot in taken}
    shown = sum(bool(shot.pictures) for shot in shots.values())
    console.print(f"{shown} of {len(shots)} cases can be shown{'' if model else ' without a model'}", soft_wrap=True)
    if not shown:
        console.print(f"nothing can be shown: {_reasons(shots.values())}", soft_wrap=True)
    facts = {"seed": str(options.seed)} | ({"model": model.name} if model else {})
    return gallery_page(title, rooms(shots.values()), facts), not shown


def _reasons(shots: "Iterable[Shot]") -> str:
    """Why there are no pictures, each reason once."""
    return "; ".join(dict.fromkeys(shot.record.reason for shot in shots)) or "none was asked for"


def _start(slots: "Mapping[str, Dataset]", options: argparse.Namespace) -> int:
    """Canonical position of the first image.

    Raises:
        DataError: If there is no such image.
    """
    from robustbench_vit.preview.pictures import place_of

    if options.id is not None:
        return place_of(slots, options.id)
    most = max((len(data) for data in slots.values()), default=0)
    index = options.index or 0
    if slots and not 0 <= index < most:
        raise DataError(f"--index must be a position from 0 to {most - 1}, got {index}")
    return int(index)


def _failures(title: str, wanted: Sequence[_Wanted], options: argparse.Namespace) -> str:
    from robustbench_vit.preview.failures import Explorer
    from robustbench_vit.preview.page import failures_page
    from robustbench_vit.store import Store

    store = Store(options.store)
    found: list[Failures] = []
    for one in wanted:
        explorer = Explorer(store, one.slots, one.found.cases, options.model)
        found += explorer.failures(one.found.suite, options.images or _FIRST)
    return failures_page(title, found, {"results": store.root.name})
