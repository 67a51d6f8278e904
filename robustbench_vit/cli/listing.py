"""``robustbench-vit list``: the catalogues, without importing what they name."""

import argparse
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from robustbench_vit.catalog import REQUIRED, Catalog, Row
from robustbench_vit.spec import format_value


def command(options: argparse.Namespace) -> int:
    """Print one room's rows, or one row's parameters."""
    # Without markup, because "[height, width]" is no style.
    console = Console(markup=False, highlight=False)
    if options.room == "suites" and options.name:
        _print_suite(console, options.name)
    elif options.room == "suites":
        _print_suites(console)
    elif options.name:
        _print_row(console, _catalog(options.room)[options.name])
    else:
        _print_rows(console, options.room, _catalog(options.room))
    return 0


def _catalog(room: str) -> Catalog[Row]:
    from robustbench_vit.aggregates.catalog import AGGREGATES
    from robustbench_vit.data.catalog import DATASETS
    from robustbench_vit.metrics.catalog import METRICS
    from robustbench_vit.models.catalog import MODELS
    from robustbench_vit.perturbations import PERTURBATIONS, SALIENCY

    rooms: dict[str, Catalog[Row]] = {
        "aggregates": AGGREGATES,  # type: ignore[dict-item]
        "datasets": DATASETS,
        "metrics": METRICS,  # type: ignore[dict-item]
        "models": MODELS,
        "perturbations": PERTURBATIONS,  # type: ignore[dict-item]
        "saliency": SALIENCY,  # type: ignore[dict-item]
    }
    return rooms[room]


def _print_rows(console: Console, room: str, rows: Iterable[Row]) -> None:
    table = Table(title=room, title_justify="left", box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    table.add_column("parameters")
    for row in rows:
        parameters = ", ".join(_shown(parameter.name, parameter.default) for parameter in row.parameters)
        table.add_row(row.name, row.summary, parameters)
    console.print(table)


def _print_row(console: Console, row: Row) -> None:
    console.print(f"{row.name}: {row.summary}", soft_wrap=True)
    if row.reference:
        console.print(f"source: {row.reference}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for column in ("parameter", "default", "expected", "meaning"):
        table.add_column(column)
    for parameter in row.parameters:
        default = "required" if parameter.default is REQUIRED else format_value(parameter.default)
        table.add_row(parameter.name, default, parameter.expected, parameter.summary)
    console.print(table)


def _print_suites(console: Console) -> None:
    from robustbench_vit.collect import builtin_suites, collect

    table = Table(title="suites", title_justify="left", box=None, pad_edge=False)
    for column in ("name", "version", "cases", "what it measures"):
        table.add_column(column)
    for name, path in sorted(builtin_suites().items()):
        for found in collect([str(path)]):
            table.add_row(name, str(found.suite.version), str(len(found.cases)), found.suite.summary)
    console.print(table)


def _print_suite(console: Console, name: str) -> None:
    from robustbench_vit.collect import collect

    for found in collect([name]):
        suite = found.suite
        console.print(f"{suite}: {suite.summary}", soft_wrap=True)
        console.print(f"models: {', '.join(suite.models) or 'yours, with --model'}", soft_wrap=True)
        own = ", ".join(f"{slot}={spec}" if slot else spec for slot, spec in suite.slots.items())
        console.print(f"data: {own or 'yours, with --data'}", soft_wrap=True)
        console.print(f"images: {suite.limit or 'all'}", soft_wrap=True)
        for case in found.cases:
            console.print(f"  {case.perturbation}{f' on {case.data}' if case.data else ''}", soft_wrap=True)


def _shown(name: str, default: object) -> str:
    return name if default is REQUIRED else f"{name}={format_value(default)}"  # type: ignore[arg-type]
