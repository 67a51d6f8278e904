"""What is not done, and why."""

from dataclasses import replace

from fake_runs import answers, curve_plan

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard.problems import problems
from robustbench_vit.leaderboard.sections import sections


def test_what_is_not_done_is_told_once_a_reason() -> None:
    """With all cases and models that share it, failures first."""
    plans = [curve_plan(model, n=1) for model in ("zoo:a", "zoo:b")]
    cases = [case for clean, half, full in plans for case in (clean, *both(half, full))]
    found = problems(sections(score(cases, lambda _: answers(True))))

    assert [(one.status, one.models, one.cases, one.reason) for one in found] == [
        ("failed", ("zoo:a", "zoo:b"), ("patchdrop(ratio=1.0)",), "out of memory"),
        ("skipped", ("zoo:a", "zoo:b"), ("patchdrop(ratio=0.5)",), "no data"),
    ]


def both(half: object, full: object) -> tuple[object, object]:
    """One case that was skipped, and one that failed."""
    return replace(half, status="skipped", reason="no data"), replace(full, status="failed", reason="out of memory")
