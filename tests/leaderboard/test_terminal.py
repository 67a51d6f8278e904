"""The leaderboard in a terminal."""

import io

from fake_runs import answers, curve_plan, planned
from rich.console import Console

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard import tables


def printed(cases: list[object], **columns: object) -> str:
    """What a terminal of 100 columns shows, of measurements with these columns."""
    console = Console(width=100, file=io.StringIO())
    for table in tables(score(cases, lambda _: answers(True, False)).assign(**columns)):
        console.print(table)
    return console.file.getvalue()


def test_table_shows_accuracy_curves_and_what_is_missing() -> None:
    """With intervals."""
    text = printed([*curve_plan(), planned("shuffle", status="failed", reason="x")])

    assert "demo@1 on shapetex" in text
    assert "[9.5, 90.5]" in text
    assert "patchdrop" in text
    assert "zoo:a: 1 failed" in text


def test_the_spread_between_seeds_stands_beside_the_interval() -> None:
    """In the same unit; of one seed nothing is said."""
    text = printed(curve_plan(), seeds=3, seed_sd=0.0123)

    assert "[9.5, 90.5] ± 1.2" in text
    assert "± standard deviation between seeds" in " ".join(text.split())
    assert "±" not in printed(curve_plan())


def test_brackets_in_names_are_text() -> None:
    """Rich would read them as markup."""
    assert "[bold]x[/bold]" in printed([planned("clean", "[bold]x[/bold]")])


def test_one_table_a_suite() -> None:
    """Versions never share one."""
    assert len(tables(score([planned(), planned(suite="demo@2")], lambda _: answers(True)))) == 2


def test_a_suite_without_curves_shows_its_cases() -> None:
    """Nothing but dashes helps nobody."""
    text = printed([planned("patchdrop(fill=0.5, ratio=0.5)"), planned("patchdrop(ratio=0.5)")])

    assert "accuracy patchdrop fill=0.5 ratio=0.5" in text
    assert "–" not in text
