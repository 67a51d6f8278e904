"""``robustbench-vit gate``: hold a run against rules, without any model."""

import argparse
from pathlib import Path

from robustbench_vit.cli import EXIT_GATE, EXIT_OK
from robustbench_vit.cli.printing import plain_console
from robustbench_vit.gates.gate import gate
from robustbench_vit.gates.junit import write_junit
from robustbench_vit.gates.rulebook import read_rules
from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.table import LEGEND, remarks, summary, verdict_tables


def command(options: argparse.Namespace) -> int:
    """Print the verdicts; exit code 1 says that a rule was not kept."""
    rules = [parse_rule(text, strict=options.strict) for text in options.rule]
    rules += [rule for file in options.rules for rule in read_rules(Path(file), strict=options.strict)]
    against = Path(options.against) if options.against else None
    verdicts = gate(Path(options.run), rules, against, options.model, options.reference, options.data)
    console = plain_console()
    for table in verdict_tables(verdicts):
        console.print(table)
    if any(rule.relative for rule in rules):
        console.print(LEGEND)
    for text in remarks(verdicts):
        console.print(text, soft_wrap=True)
    if options.junit:
        console.print(f"wrote {write_junit(verdicts, Path(options.junit))}", soft_wrap=True)
    console.print(summary(verdicts))
    return EXIT_OK if all(verdict.passed for verdict in verdicts) else EXIT_GATE
