"""Verdicts in a terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.verdicts import Outcome, Verdict, telling

LEGEND = (
    "RUN − BASE: on the images that both have seen; would show: the smallest true difference that so many images show "
    "with a chance of about 80 %"
)
"""What the heads of a table about differences mean."""

_STYLES: dict[Outcome, str] = {
    "met": "green",
    "not told apart": "green",
    "failed": "bold red",
    "no number": "bold red",
}


def verdict_tables(verdicts: Sequence[Verdict]) -> Iterator[Table]:
    """A table a rule, with a row a verdict: what was found, with its interval, and on what."""
    told = telling(verdicts, always=("suite", "data"))
    for rule, found in groupby(verdicts, lambda verdict: verdict.rule):
        yield _table(rule, list(found), told)


def _table(rule: Rule, verdicts: Sequence[Verdict], told: Sequence[str]) -> Table:
    # Text, never str: names come from users, and rich would read brackets in them as markup.
    named = f"{rule.name}: {rule.said}" if rule.name else rule.said
    table = Table(title=Text(named, style="bold"), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("model, of", overflow="fold")
    for head in ("RUN − BASE", "n", "would\nshow", "verdict") if rule.relative else ("RUN", "n", "verdict"):
        table.add_column(head, justify="right", no_wrap=True, vertical="top")
    for verdict in verdicts:
        table.add_row(*_cells(verdict, told))
    return table


def remarks(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Sentences about what failed, what is missing, and what to bear in mind."""
    told = telling(verdicts)
    for verdict in verdicts:
        if not verdict.passed:
            yield f"{verdict.outcome}: {verdict.sentence(told)}"
    for text in dict.fromkeys(verdict.warning for verdict in verdicts if verdict.warning):
        about = dict.fromkeys(f"{one.rule} of {one.where(told)}" for one in verdicts if one.warning == text)
        yield f"note: {', '.join(about)}: {text}"


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many passed."""
    failed = sum(not verdict.passed for verdict in verdicts)
    return (
        f"gate {'failed' if failed else 'passed'}: {len(verdicts) - failed} of {len(verdicts)} numbers keep the rules"
    )


def _cells(verdict: Verdict, told: Sequence[str]) -> list[Text]:
    about = Text(verdict.model)
    if verdict.origin.case:
        about.append(f"\n{verdict.origin.case}")
        about.append(f" · {' · '.join(verdict.origin.told(told))}", style="dim")
    number = Text(verdict.written(verdict.found.value))
    if verdict.found.n:
        number.append(f"\n{verdict.interval}", style="dim")
    shown = [Text(verdict.written(verdict.detectable).lstrip("+"))] if verdict.rule.relative else []
    outcome = Text(verdict.outcome, style=_STYLES[verdict.outcome])
    return [about, number, Text(f"{verdict.found.n:,}" if verdict.found.n else "–"), *shown, outcome]
