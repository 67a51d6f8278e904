"""``robustbench-vit doctor``: what is wrong with a model, before a long run finds out."""

import argparse
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from robustbench_vit.cli import EXIT_FAILED_CASES, EXIT_OK
from robustbench_vit.errors import SpecError
from robustbench_vit.evaluation.block import resolve_device
from robustbench_vit.evaluation.doctor import Finding, examine

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def command(options: argparse.Namespace) -> int:
    """Print the findings; exit code 3 says that one of them is a problem."""
    if options.limit < 1:
        raise SpecError(f"--limit must be at least 1, got {options.limit}")
    findings = examine(options.model, options.data, options.limit, device=resolve_device(options.device))
    Console().print(_table(f"{options.model} on {options.data}", findings))
    return EXIT_FAILED_CASES if any(finding.status == "problem" for finding in findings) else EXIT_OK


def _table(title: str, findings: Iterable[Finding]) -> Table:
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for column in ("check", "status", "what was seen"):
        table.add_column(column)
    for finding in findings:
        table.add_row(finding.name, Text(finding.status, style=_STYLES[finding.status]), Text(finding.detail))
    return table
