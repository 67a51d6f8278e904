"""Score what is new or changed in a results folder, and keep the rest."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from robustbench_vit.aggregates.groups import split
from robustbench_vit.aggregates.references import AlexNet
from robustbench_vit.aggregates.scored import Scored, score_case
from robustbench_vit.aggregates.scored_file import Key, ScoredFile, ScoredRow, planned_text
from robustbench_vit.aggregates.scoring import judge_plan, plans
from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store


def scored_files(store: Store, cases: Sequence[PlannedCase] | None = None) -> dict[str, ScoredFile]:
    """The scored file of each model, by model key; made or mended where it does not fit the rows.

    Rows that are no longer there are not asked for: what was scored of them stands. So a folder of manifests and scored
    files alone can be reported, in a tenth of the space or less. A folder that cannot be written is scored in memory.

    Args:
        store: The results folder.
        cases: Its plan, if that is read already.

    Raises:
        StoreError: If the folder holds no results, or a file cannot be read.
    """
    planned = split(store.planned() if cases is None else cases, lambda case: case.model_key)
    return {model: _scored_file(store, model, plan) for model, plan in planned.items()}


def keep_scores(store: Store, scored: Iterable[Scored]) -> int:
    """Take over what other folders scored of cases whose rows are not here.

    Args:
        store: The results folder.
        scored: The cases, as its manifests have them.

    Returns:
        How many files were written; one that says the same already is left alone.

    Raises:
        StoreError: If a file cannot be read or written.
    """
    models = split(scored, lambda one: one.case.model_key)
    fresh = {model: own for model, own in models.items() if not _says(store.scored_file(model), own)}
    for model, own in fresh.items():
        without_rows = {one.case.case_key: "" for one in own}
        ScoredFile.of(_rows(own, without_rows)).write(store.scored_file(model))
    return len(fresh)


def _says(file: Path, scored: Iterable[Scored]) -> bool:
    known = ScoredFile.open(file).known if file.exists() else {}
    cases = {Key(one.case.suite, one.case.case_key): one.case for one in scored}
    return all(key in known and known[key][0] == planned_text(case) for key, case in cases.items())


def _scored_file(store: Store, model: str, plan: Sequence[PlannedCase]) -> ScoredFile:
    file = store.scored_file(model)
    prints = store.fingerprints(model, (case.case_key for case in plan))
    before = _before(file, all(prints[case.case_key] for case in plan if case.n))
    standing = [case for case in plan if before and _stands(case, before, prints)]
    if before and len(standing) == len(plan) == len(before.known):
        return before
    kept = before.scored(Key(case.suite, case.case_key) for case in standing) if before else {}
    scored = [_scored(case, store, kept) for case in plan]
    _check_images(store, scored)
    after = ScoredFile.of(_rows(scored, prints))
    if any(len(one.correct) for one in scored):  # else there is nothing worth a file
        with suppress(StoreError):  # a folder of somebody else's
            after.write(file)
    return after


def _check_images(store: Store, scored: Iterable[Scored]) -> None:
    """Rows of other images than those of the other cases on the same data are of another run.

    Raises:
        StoreError: If two whole cases have different images at one place of the canonical order.
    """
    known: dict[tuple[str, str], Scored] = {}
    for one in (one for one in scored if len(one.correct) == one.case.n > 0):
        other = known.setdefault((one.case.data, one.case.label_space), one)
        both = min(one.case.n, other.case.n)
        if not one.correct.index[:both].equals(other.correct.index[:both]):
            files = [store.case_file(each.case.model_key, each.case.case_key) for each in (one, other)]
            raise StoreError(
                f"{files[0]} and {files[1]} are both said to be of {one.case.data}, and hold different images; copy "
                "again the one that is not of this run, or delete it and run the same command again"
            )


def _before(file: Path, rows_are_there: bool) -> ScoredFile | None:
    """What was scored before; where the rows are there, a file that cannot be used is made again."""
    try:
        return ScoredFile.open(file) if file.exists() else None
    except StoreError:
        if rows_are_there:
            return None
        raise


def _stands(case: PlannedCase, file: ScoredFile, prints: Mapping[str, str]) -> bool:
    """Whether what was scored of a case is what would be scored now."""
    text, fingerprint = file.known.get(Key(case.suite, case.case_key), ("", ""))
    now = prints[case.case_key]
    return text == planned_text(case) and (not now or (file.is_current and fingerprint == now))


def _scored(case: PlannedCase, store: Store, kept: Mapping[Key, Scored]) -> Scored:
    return kept.get(Key(case.suite, case.case_key)) or score_case(case, store.rows)


def _rows(scored: Sequence[Scored], prints: Mapping[str, str]) -> list[ScoredRow]:
    own = {one.case: one for one in scored}
    rows = []
    for plan in plans(list(own)):
        members = [own[case] for case in plan]
        for one, judged in zip(members, judge_plan(members, AlexNet()), strict=True):
            rows.append(ScoredRow(one, judged.own, judged.over, prints[one.case.case_key]))
    return rows
