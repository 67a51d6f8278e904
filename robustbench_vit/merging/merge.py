"""Results folders of several people as one (contracts C7 and C8): equal rows meet, different ones are a conflict.

Everything is read and compared before anything is written. Then rows are written first and manifests last, each file at
once, so that a merge that was killed is finished by the same command. Scores are taken over of cases without rows; else
they can be made again, as pages and adversarial examples can.
"""

import json
import shutil
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pyarrow as pa

from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.aggregates.scored_files import keep_scores
from robustbench_vit.aggregates.scoring import plans
from robustbench_vit.errors import StoreError
from robustbench_vit.merging.agreement import agreement
from robustbench_vit.merging.facts import contradictions, foreign, write_facts
from robustbench_vit.merging.holdings import Holdings, models
from robustbench_vit.merging.scores import CaseKey, chosen, key_of, of_plan, scored_alone
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store
from robustbench_vit.store.files import write_atomically, write_text
from robustbench_vit.store.manifests import UNLOADED, united
from robustbench_vit.store.rows import joined, write_case

_NAMED = 8  # conflicts an error names before it counts the rest

_Key: TypeAlias = tuple[str, str]


class Merged(NamedTuple):
    """What a merge did.

    Args:
        models: How many models have rows or scores now.
        cases: How many cases of them.
        written: How many files were written; 0 if the target held everything.
        close: Cases about which folders hold slightly different figures, with the number of images; those of the first
            folder stay.
        foreign: What is no part of a results folder; it was left alone.
    """

    models: int
    cases: int
    written: int
    close: dict[str, int]
    foreign: list[Path]


@dataclass
class _Comparison:
    """What was found when all rows were compared; keys are those of model and case.

    Args:
        names: What a case is called.
        reach: How many canonical positions from 0 on have rows in all folders together.
        own: The same for each folder alone.
        stale: Cases of which the target lacks rows.
        conflicts: What contradicts what, in words.
        close: See `Merged`.
    """

    names: dict[_Key, str]
    reach: dict[_Key, int] = field(default_factory=dict)
    own: dict[tuple[Path, str, str], int] = field(default_factory=dict)
    stale: list[_Key] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    close: dict[str, int] = field(default_factory=dict)

    def held(self, root: Path) -> set[_Key]:
        """The cases that a folder has rows of."""
        return {(model, case) for where, model, case in self.own if where == root}


def merge(folders: Sequence[Path], out: Path) -> Merged:
    """Merge results folders into one.

    Args:
        folders: Results folders; `out` may be one of them.
        out: Where to write. What it holds already is merged as well, as the first folder.

    Returns:
        What was done; merging again does nothing.

    Raises:
        StoreError: If a folder is given twice or holds no results, if a file cannot be read or written, if rows are
            missing that a manifest promises, or if folders contradict each other. Then nothing was written, unless it
            was writing that failed; the same command goes on.
    """
    roots = _roots(folders, out)
    asked = {root: _plan(root) for root in roots}
    found = _compared(asked, out)
    alone = {root: scored_alone(root, plan, found.held(root)) for root, plan in asked.items()}
    scores, conflicts = chosen(alone, found.reach)
    conflicts += [*found.conflicts, *contradictions(roots)]
    if conflicts:
        raise StoreError(_told(conflicts))
    for root, plan in asked.items():
        _check_promises(root, plan, found, alone[root])
    cases = united(list(asked.values()), lambda case: _images(case, found, scores))
    written = _written(roots, found, cases, of_plan(scores, cases), Store(out))
    known = {*found.reach, *((model, case) for _, model, case in scores)}
    left_alone = [file for root in roots for file in foreign(root)]
    return Merged(len({model for model, _ in known}), len(known), written, found.close, left_alone)


# ── what there is ──────────────────────────────────────────────────────────────────────────────────────────────────


def _roots(folders: Sequence[Path], out: Path) -> list[Path]:
    """The folders, the target first if it is there."""
    places = [folder.resolve() for folder in folders]
    for folder, place in zip(folders, places, strict=True):
        if places.count(place) > 1:
            raise StoreError(f"{folder} is given twice; name each results folder once")
        if not _holds_results(folder):
            raise StoreError(f"{folder} holds no results; expected the --out folder of a run, an import or a merge")
    others = [folder for folder, place in zip(folders, places, strict=True) if place != out.resolve()]
    return [out, *others] if out.is_dir() else others


def _holds_results(root: Path) -> bool:
    return _is_planned(root) or any(root.glob("reported/*.json"))


def _is_planned(root: Path) -> bool:
    return any(root.glob("manifests/*/*.json"))


def _plan(root: Path) -> list[PlannedCase]:
    return Store(root).planned() if _is_planned(root) else []


def _compared(asked: Mapping[Path, Sequence[PlannedCase]], out: Path) -> _Comparison:
    planned = [case for plan in asked.values() for case in plan]
    found = _Comparison({(case.model_key, case.case_key): f"{case.case} of {case.model}" for case in planned})
    for model in dict.fromkeys(model for root in asked for model in models(root)):
        holdings = [Holdings(root, model) for root in asked]
        for case in _cases(holdings):
            _compare(found, holdings, case, out)
    return found


def _cases(holdings: Sequence[Holdings]) -> list[str]:
    return sorted(set[str]().union(*(holding.cases for holding in holdings)))


def _compare(found: _Comparison, holdings: Sequence[Holdings], case: str, out: Path) -> None:
    """Compare what the folders hold of one case, each with those before it."""
    model = holdings[0].model
    name = found.names.get((model, case), f"{case} of {model}")  # rows without a manifest are of a run that was killed
    together: pa.Table | None = None
    for holding in holdings:
        if (rows := holding.rows(case)) is None:
            continue
        found.own[holding.root, model, case] = _reach(rows)
        if together is not None:
            if differing := _differing_columns(name, holding.root, together, rows):
                found.conflicts.append(differing)
                continue  # such rows cannot be joined
            _note(found, name, holding.root, together, rows)
        together = rows if together is None else joined([together, rows])
    if together is None:
        return
    found.reach[model, case] = _reach(together)
    if len(together["position"].unique()) < len(together):
        found.conflicts.append(f"{name}: different images stand at one place of the canonical order")
    if holdings[0].root != out or holdings[0].rows_in_file(case) < len(together):
        found.stale.append((model, case))


def _differing_columns(name: str, root: Path, before: pa.Table, rows: pa.Table) -> str:
    """Columns that only one folder has, or of another type; nothing if there are none."""
    first, second = ({field.name: str(field.type) for field in table.schema} for table in (before, rows))
    differing = [column for column in first | second if first.get(column) != second.get(column)]
    told = ", ".join(f"{one} ({first.get(one, 'none')} and {second.get(one, 'none')})" for one in differing)
    return f"{name}: columns differ in {root}: {told}" if differing else ""


def _note(found: _Comparison, name: str, root: Path, before: pa.Table, rows: pa.Table) -> None:
    said = agreement(before, rows.select(before.schema.names))
    if said.conflicts:
        found.conflicts.append(f"{name}: {len(said.conflicts)} images differ in {root}, such as {said.example}")
    if said.close:
        found.close[name] = found.close.get(name, 0) + said.close


def _reach(rows: pa.Table) -> int:
    """How many canonical positions from 0 on have rows."""
    held = set(rows["position"].to_pylist())
    return next(place for place in range(len(held) + 1) if place not in held)


def _check_promises(root: Path, plan: Sequence[PlannedCase], found: _Comparison, scored: Container[CaseKey]) -> None:
    """A case that is done has its rows, or scores that stand for them, unless half of the folder was left behind."""
    for case in plan:
        rows = found.own.get((root, case.model_key, case.case_key), 0)
        if case.status == "done" and rows < case.n and key_of(case) not in scored:
            raise StoreError(
                f"{root} is half a results folder: its manifest says that {case.case} of {case.model} is done on "
                f"{case.n} images, and there are rows of {rows} and no scores; copy the folder again, with cases/ and "
                "parts/, or with scored/"
            )


def _images(case: PlannedCase, found: _Comparison, scores: Mapping[CaseKey, Scored]) -> int:
    """How many canonical positions from 0 on have rows in all folders together, or scores where nobody has rows."""
    one = scores.get(key_of(case))
    scored = one.case.n if one and one.case.status == "done" else 0
    return max(scored, found.reach.get((case.model_key, case.case_key), 0))


def _told(conflicts: Sequence[str]) -> str:
    shown = "".join(f"\n  {text}" for text in conflicts[:_NAMED])
    more = f"\n  and {len(conflicts) - _NAMED} more" if len(conflicts) > _NAMED else ""
    return (
        f"the folders contradict each other, nothing was written:{shown}{more}\n"
        "delete the file that is wrong, or report the folders apart"
    )


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _written(
    roots: Sequence[Path], found: _Comparison, cases: Sequence[PlannedCase], scores: Sequence[Scored], out: Store
) -> int:
    """Write what the target lacks; how many files that took."""
    out.prepare()
    with out.locked():
        for model in dict.fromkeys(model for model, _ in found.stale):
            holdings = [Holdings(root, model) for root in roots]
            for case in (case for of, case in found.stale if of == model):
                _write_rows([holding for holding in holdings if case in holding.cases], case, out)
        kept = keep_scores(out, scores) + write_facts(roots, out.root)
        return len(found.stale) + kept + _write_manifests(cases, out.root)


def _write_rows(holdings: Sequence[Holdings], case: str, out: Store) -> None:
    target = out.case_file(holdings[0].model, case)
    if len(holdings) == 1 and holdings[0].is_file(case):
        write_atomically(target, partial(shutil.copyfile, holdings[0].files[case]))
        return
    rows = joined([rows for holding in holdings if (rows := holding.rows(case)) is not None])
    write_case(rows, target)


def _write_manifests(cases: Sequence[PlannedCase], out: Path) -> int:
    written = 0
    files = {out / "manifests" / plan[0].suite / f"{plan[0].model_key}.json": plan for plan in plans(cases)}
    for file, own in files.items():
        text = json.dumps([case.to_json() for case in own], indent=1)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            write_text(file, text)
            written += 1
    for file in out.glob(f"manifests/*/{UNLOADED}*.json"):
        if file not in files:  # the model could be loaded elsewhere
            file.unlink()
    return written
