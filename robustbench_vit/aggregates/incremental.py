"""Score what is new or changed in a results folder, and keep the rest."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from robustbench_vit.aggregates.references import AlexNet
from robustbench_vit.aggregates.scored import Scored, score_case
from robustbench_vit.aggregates.scoring import judge_plan, plans
from robustbench_vit.aggregates.sheet import Key, Line, Sheet, open_sheet, planned_text
from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store


def sheets(store: Store, cases: Sequence[PlannedCase] | None = None) -> dict[str, Sheet]:
    """A sheet a model, by model key; made or mended where its file does not fit the rows.

    Rows that are no longer there are not asked for: what was scored of them stands. So a folder of manifests and sheets
    alone can be reported, in a thousandth of the space. A folder that cannot be written is scored in memory.

    Args:
        store: The results folder.
        cases: Its plan, if that is read already.

    Raises:
        StoreError: If the folder holds no results, or a file cannot be read.
    """
    planned: dict[str, list[PlannedCase]] = {}
    for case in store.planned() if cases is None else cases:
        planned.setdefault(case.model_key, []).append(case)
    return {model: _sheet(store, model, plan) for model, plan in planned.items()}


def _sheet(store: Store, model: str, plan: Sequence[PlannedCase]) -> Sheet:
    file = store.scored_file(model)
    before = open_sheet(file) if file.exists() else None
    prints = store.fingerprints(model, (case.case_key for case in plan))
    standing = [case for case in plan if before and _stands(case, before, prints)]
    if before and len(standing) == len(plan) == len(before.known):
        return before
    kept = before.scored(Key(case.suite, case.case_key) for case in standing) if before else {}
    scored = [_scored(case, store, kept) for case in plan]
    sheet = Sheet.of(_lines(scored, prints))
    with suppress(StoreError):  # a folder of somebody else's
        sheet.write(file)
    return sheet


def _stands(case: PlannedCase, sheet: Sheet, prints: Mapping[str, str]) -> bool:
    """Whether what was scored of a case is what would be scored now."""
    text, fingerprint = sheet.known.get(Key(case.suite, case.case_key), ("", ""))
    now = prints[case.case_key]
    return text == planned_text(case) and (not now or (sheet.is_current and fingerprint == now))


def _scored(case: PlannedCase, store: Store, kept: Mapping[Key, Scored]) -> Scored:
    return kept.get(Key(case.suite, case.case_key)) or score_case(case, store.rows)


def _lines(scored: Sequence[Scored], prints: Mapping[str, str]) -> list[Line]:
    own = {one.case: one for one in scored}
    lines = []
    for plan in plans(list(own)):
        members = [own[case] for case in plan]
        for one, judged in zip(members, judge_plan(members, AlexNet()), strict=True):
            lines.append(Line(one, judged.own, judged.over, prints[one.case.case_key]))
    return lines


def scored_files(store: Store) -> list[Path]:
    """The files that `sheets` leaves."""
    return sorted((store.root / "scored").glob("*.parquet"))
