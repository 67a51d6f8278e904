"""The comparison of two models in a terminal, and as a file."""

from collections.abc import Iterator
from itertools import groupby
from math import isnan
from pathlib import Path
from statistics import median

from rich.table import Table
from rich.text import Text

from robustbench_vit.aggregates.comparison import compare
from robustbench_vit.aggregates.difference import TIE, Comparison, Difference
from robustbench_vit.aggregates.names import without_seed
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.leaderboard.attacks import MARK
from robustbench_vit.leaderboard.columns import ROBUST, SHOWN
from robustbench_vit.leaderboard.formatting import number
from robustbench_vit.leaderboard.labels import attack_labels, short_labels
from robustbench_vit.metrics.detectable import POWER

_SHOWN = 6  # cases named that only one model has, before the rest are counted


def compare_folders(folders: list[Path], a: str, b: str, reference: str | None = None) -> Comparison:
    """Compare two models of results folders; see `robustbench_vit.aggregates.comparison.compare`."""
    reading = Reading(folders)
    return compare(list(reading.where), reading.case, a, b, reference)


def comparison_tables(comparison: Comparison) -> Iterator[Table]:
    """A table a suite and data set: cases with McNemar's test, then what is over several with the permutation test.

    Args:
        comparison: As `robustbench_vit.aggregates.comparison.compare` gives it.
    """
    for (suite, data), rows in groupby(comparison.rows, key=lambda row: (row.suite, row.data)):
        yield _table(comparison, f"{suite} on {data}", list(rows))


def remarks(comparison: Comparison) -> Iterator[str]:
    """Sentences to bear in mind: what these images could show, what was left out, and doubts."""
    able = [row.detectable for row in comparison.rows if row.is_case and not isnan(row.detectable)]
    if able:
        yield (
            f"A true difference of {100 * median(able):.1f} points (median over the cases, {100 * min(able):.1f} to "
            f"{100 * max(able):.1f}) would be found in a case with a chance of about {POWER:.0%}, at p < 0.05 before "
            "Holm's adjustment; of smaller ones a tie says little."
        )
    else:
        yield "There are too few images for any difference to be found."
    if comparison.alone:
        alone = _alone(comparison)
        more = f" and {len(alone) - _SHOWN} more" if len(alone) > _SHOWN else ""
        yield f"Left out, because only one model has them: {', '.join(alone[:_SHOWN])}{more}."
    for text, rows in groupby(comparison.rows, key=lambda row: row.warning):
        if text:
            yield f"{MARK} {', '.join(dict.fromkeys(row.case for row in rows))}: {text}."


def _alone(comparison: Comparison) -> list[str]:
    """Seeds that only one model has, and of the others cases."""
    shared = {seed for row in comparison.rows for seed in row.seeds.split(", ")}
    names = [
        f"{case.case} ({case.model})"
        if str(case.seed) in shared
        else f"seed {case.seed} ({without_seed(case.model, case.seed)})"
        for case in comparison.alone
    ]
    return list(dict.fromkeys(sorted(names, key=lambda name: not name.startswith("seed "))))


def _table(comparison: Comparison, title: str, rows: list[Difference]) -> Table:
    # Text, never str: names come from users, and rich would read brackets in them as markup.
    table = Table(title=Text(f"{title}\nA: {comparison.a}\nB: {comparison.b}", style="bold"))
    table.add_column("", overflow="fold", min_width=20)
    for head in ("A", "B", "B − A", "n", "only A / B", "p", "better"):
        table.add_column(head, justify="right", no_wrap=head != "B − A")  # or why there is no difference
    labels, seeds = _labels(rows), list(dict.fromkeys(row.seeds for row in rows))
    for is_case, part in groupby(rows, key=lambda row: row.is_case):
        for row in part:
            label = labels[row.case] if is_case else f"{SHOWN.get(row.metric, row.metric)} {labels[row.case]}"
            table.add_row(Text(label if len(seeds) == 1 else f"{label} · {_seeds(row)}"), *_cells(comparison, row))
        table.add_section()
    over = f", mean over {_seeds(rows[0])}" if len(seeds) == 1 and "," in seeds[0] else ""
    table.caption = Text(
        f"in %{over}, 95 % interval; only A / B: images that one has right alone; p: of a case McNemar's exact test, "
        "of a number over several cases, or over seeds that differ, the permutation test that exchanges the models "
        "image by image, with Holm's adjustment over all rows; * is p < 0.05"
    )
    return table


def _seeds(row: Difference) -> str:
    return f"{'seeds' if ',' in row.seeds else 'seed'} {row.seeds}"


def _labels(rows: list[Difference]) -> dict[str, str]:
    cases, groups = ([row for row in rows if row.is_case is is_case] for is_case in (True, False))
    attacks = [row.case for row in cases if row.metric == ROBUST]
    names = dict.fromkeys(row.case for row in groups)
    return {**short_labels(names), **short_labels(row.case for row in cases), **attack_labels(attacks)}


def _cells(comparison: Comparison, row: Difference) -> list[Text]:
    if isnan(row.difference):
        return [Text(""), Text(""), Text(row.reason, style="dim"), Text("0"), Text(""), Text(""), Text("")]
    apart = row.better != TIE
    winner = {comparison.a: "A *", comparison.b: "B *"}.get(row.better, row.better)
    sign = "+" if row.difference > 0 else ""
    return [
        _number(row.a, row.a_low, row.a_high, row.unit),
        _number(row.b, row.b_low, row.b_high, row.unit),
        _number(row.difference, row.low, row.high, row.unit, sign),
        Text(f"{row.n:,}"),
        Text("" if row.only_a is None else f"{row.only_a} / {row.only_b}"),
        Text("" if isnan(row.p_holm) else "< 0.0001" if row.p_holm < 1e-4 else f"{row.p_holm:.4f}"),
        Text(f"{winner} {MARK}" if row.warning else winner, style="bold" if apart else "dim"),
    ]


def _number(value: float, low: float, high: float, unit: str, sign: str = "") -> Text:
    text = Text(f"{sign}{number(value, unit)}")
    return text.append(f"\n[{number(low, unit)}, {number(high, unit)}]", style="dim")
