"""Rules held against results folders of runs that never ran."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from fake_runs import curve_plan, wrong

from robustbench_vit.gates.gate import gate
from robustbench_vit.gates.rules import parse_rule
from robustbench_vit.gates.verdicts import Verdict
from robustbench_vit.records import PlannedCase

N = 400
"""Images of a fake run."""


def judge(run: Path, base: Path | None, *rules: str, **options: object) -> list[Verdict]:
    """The verdicts of rules."""
    strict = bool(options.pop("strict", False))
    return gate(run, [parse_rule(rule, strict=strict) for rule in rules], base, **options)


def one(run: Path, base: Path | None, rule: str, **options: object) -> Verdict:
    """The only verdict of a rule."""
    (verdict,) = judge(run, base, rule, **options)
    return verdict


def flipped(wrongly: int, rightly: int = 0, n: int = N) -> pd.DataFrame:
    """Rows of a model that is wrong on the first half, beside one that errs on so many more and so many fewer."""
    rows = wrong(n // 2, of=n)
    rows.loc[n // 2 : n // 2 + wrongly - 1, "pred"] = 1
    rows.loc[: rightly - 1, "pred"] = 0
    return rows


def patchdrop(region: str, ratio: float, **fields: object) -> PlannedCase:
    """A case of PatchDrop; ``random`` is a default, so its name does not say it."""
    said = "" if region == "random" else f", region={region}"
    case = f"patchdrop(ratio={ratio}{said})"
    (point,) = [one for one in curve_plan(curve="x") if one.case == "x(ratio=0.5)"]
    curve = "patchdrop" if region == "random" else f"patchdrop(region={region})"
    return replace(
        point,
        case=case,
        case_key=case,
        perturbation=f"patchdrop(compat=none, ratio={ratio}, region={region})",
        sweep=replace(point.sweep, curve=curve, at=ratio),
        n=N,
        **fields,
    )
