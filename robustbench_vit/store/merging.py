"""Results folders of several people as one (contracts C7 and C8): equal rows meet, different ones are a conflict.

Everything is read and compared before anything is written. Then rows are written first and manifests last, each file at
once, so that a merge that was killed is finished by the same command. Scores, pages and adversarial examples are not
merged: they can be made again.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase
from robustbench_vit.store.agreement import agreement
from robustbench_vit.store.facts import contradictions, foreign, write_facts
from robustbench_vit.store.files import write_atomically, write_text
from robustbench_vit.store.holdings import Holdings, joined, models
from robustbench_vit.store.manifests import UNLOADED, by_file, united
from robustbench_vit.store.store import Store

_NAMED = 8  # conflicts an error names before it counts the rest

_Key: TypeAlias = tuple[str, str]


class Merged(NamedTuple):
    """What a merge did.

    Args:
        models: How many models have rows now.
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
    plans = [_plan(root) for root in roots]
    found = _compared(roots, plans, out)
    found.conflicts += contradictions(roots)
    if found.conflicts:
        raise StoreError(_told(found.conflicts))
    for root, plan in zip(roots, plans, strict=True):
        _check_promises(root, plan, found)
    cases = united(plans, lambda case: found.reach.get((case.model_key, case.case_key), 0))
    written = _written(roots, found, cases, Store(out))
    count = len({model for model, _ in found.reach})
    return Merged(count, len(found.reach), written, found.close, [file for root in roots for file in foreign(root)])


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


def _compared(roots: Sequence[Path], plans: Sequence[Sequence[PlannedCase]], out: Path) -> _Comparison:
    planned = [case for plan in plans for case in plan]
    found = _Comparison({(case.model_key, case.case_key): f"{case.case} of {case.model}" for case in planned})
    for model in dict.fromkeys(model for root in roots for model in models(root)):
        holdings = [Holdings(root, model) for root in roots]
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


def _check_promises(root: Path, plan: Sequence[PlannedCase], found: _Comparison) -> None:
    """A case that is done has its rows, unless half of the folder was left behind."""
    for case in plan:
        rows = found.own.get((root, case.model_key, case.case_key), 0)
        if case.status == "done" and rows < case.n:
            raise StoreError(
                f"{root} is half a results folder: its manifest says that {case.case} of {case.model} is done on "
                f"{case.n} images, and there are rows of {rows}; copy the folder again, with cases/ and parts/"
            )


def _told(conflicts: Sequence[str]) -> str:
    shown = "".join(f"\n  {text}" for text in conflicts[:_NAMED])
    more = f"\n  and {len(conflicts) - _NAMED} more" if len(conflicts) > _NAMED else ""
    return (
        f"the folders contradict each other, nothing was written:{shown}{more}\n"
        "delete the file that is wrong, or report the folders apart"
    )


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _written(roots: Sequence[Path], found: _Comparison, cases: Sequence[PlannedCase], out: Store) -> int:
    """Write what the target lacks; how many files that took."""
    out.prepare()
    with out._lock():  # noqa: SLF001 - the same room
        for model in dict.fromkeys(model for model, _ in found.stale):
            holdings = [Holdings(root, model) for root in roots]
            for case in (case for of, case in found.stale if of == model):
                _write_rows([holding for holding in holdings if case in holding.cases], case, out)
        return len(found.stale) + write_facts(roots, out.root) + _write_manifests(cases, out.root)


def _write_rows(holdings: Sequence[Holdings], case: str, out: Store) -> None:
    target = out.case_file(holdings[0].model, case)
    if len(holdings) == 1 and holdings[0].is_file(case):
        write_atomically(target, partial(shutil.copyfile, holdings[0].files[case]))
        return
    rows = joined([rows for holding in holdings if (rows := holding.rows(case)) is not None])
    write_atomically(target, lambda path: pq.write_table(rows, path))


def _write_manifests(cases: Sequence[PlannedCase], out: Path) -> int:
    written = 0
    files = {out / "manifests" / suite / f"{model}.json": own for (suite, model), own in by_file(cases).items()}
    for file, own in files.items():
        text = json.dumps([case.to_json() for case in own], indent=1)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            write_text(file, text)
            written += 1
    for file in out.glob(f"manifests/*/{UNLOADED}*.json"):
        if file not in files:  # the model could be loaded elsewhere
            file.unlink()
    return written
