"""Verdicts in a terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from robustbench_vit.gates.verdicts import Outcome, Verdict

_STYLES: dict[Outcome, str] = {
    "met": "green",
    "not told apart": "green",
    "failed": "bold red",
    "no number": "bold red",
}


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """A row a verdict: what was found, with its interval, and what the rule allows."""
    # Text, never str: names come from users, and rich would read brackets in them as markup.
    table = Table()
    for head in ("rule", "model", "of"):
        table.add_column(head, overflow="fold")
    for head in ("found, 95 % interval", "n", "would show", "verdict"):
        table.add_column(head, justify="right", overflow="fold")
    for verdict in verdicts:
        table.add_row(*_cells(verdict))
    if any(verdict.rule.relative for verdict in verdicts):
        table.caption = Text(
            "found: RUN − BASE where the bound has a sign, on the images both have seen; would show: the smallest true "
            "difference that n images show with a chance of 80 %"
        )
    return table


def remarks(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Sentences about what failed, what is missing, and what to bear in mind."""
    for verdict in verdicts:
        if not verdict.passed:
            yield f"{verdict.outcome}: {verdict.sentence}"
    for text in dict.fromkeys(verdict.warning for verdict in verdicts if verdict.warning):
        about = dict.fromkeys(f"{one.rule} {one.place.case}" for one in verdicts if one.warning == text)
        yield f"note: {', '.join(about)}: {text}"


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many passed."""
    failed = sum(not verdict.passed for verdict in verdicts)
    return (
        f"gate {'failed' if failed else 'passed'}: {len(verdicts) - failed} of {len(verdicts)} numbers keep the rules"
    )


def _cells(verdict: Verdict) -> list[Text]:
    number = Text(verdict.written(verdict.value))
    if verdict.n:
        number.append(f"\n[{verdict.written(verdict.low)}, {verdict.written(verdict.high)}]", style="dim")
    return [
        Text(str(verdict.rule)),
        Text(verdict.model),
        Text(verdict.place.case).append(f"\n{verdict.place.suite}", style="dim"),
        number,
        Text(f"{verdict.n:,}"),
        Text(verdict.written(verdict.detectable).lstrip("+")),
        Text(verdict.outcome, style=_STYLES[verdict.outcome]),
    ]
