"""The results folder of a run: parts while running, one parquet a (model, case) when complete (contract C7).

::

    OUT/cases/<model>/<case>.parquet     rows of one case, sorted by sample id, when a run has ended
    OUT/cases/<model>/model.json         digest, preprocessing, parameters of the model
    OUT/parts/<model>/<block>.parquet    rows of all cases run on one block, until they are compacted
    OUT/manifests/<suite>@<v>/<model>.json   which cases the suite asked for, and how each ended
    OUT/runs/<time>.json                 circumstances: versions, device, arguments, times
    OUT/scored/<model>.parquet           what scoring made of the rows; can be made again, and stands without them
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from robustbench_vit.catalog import digest
from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase
from robustbench_vit.store.files import read_json, write_atomically, write_text
from robustbench_vit.store.rows import joined, of_case, read_case, read_part, write_case

_Kinds: TypeAlias = Mapping[str, type]

_OF_MODEL: _Kinds = {"model": str, "digest": str}
_OF_RUN: _Kinds = {
    **dict.fromkeys(("model_key", "device", "began"), str),
    **dict.fromkeys(("options", "versions"), dict),
    "suites": list,
}


class Store:
    """Reads and writes one results folder.

    Args:
        root: The folder; made when something is written.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    # ── while running ──────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Make sure the folder can be written before anything is computed.

        Raises:
            StoreError: If it cannot.
        """
        probe = self.root / ".writable"
        write_text(probe, "")
        probe.unlink(missing_ok=True)

    def commit(self, model_key: str, block: int, tables: dict[str, pa.Table]) -> None:
        """Write the rows of all cases run on one block; the name is a function of what the part holds."""
        tagged = [
            table.append_column("case", pa.array([case_key] * len(table), pa.string()))
            for case_key, table in sorted(tables.items())
        ]
        rows = pa.concat_tables(tagged, promote_options="default")
        ids = next(iter(tables.values()))["id"].to_pylist()
        name = f"{block:06d}-{digest(text.encode() for text in [*sorted(tables), *ids])[:12]}.parquet"
        write_atomically(self._parts(model_key) / name, lambda path: pq.write_table(rows, path))

    def positions(self, model_key: str, case_keys: Iterable[str]) -> dict[str, set[int]]:
        """Which canonical positions have rows, in case files and parts, for each case.

        Raises:
            StoreError: If a file cannot be read.
        """
        with self.locked():  # between a part and its case file, rows are in neither
            return self._positions(model_key, case_keys)

    def _positions(self, model_key: str, case_keys: Iterable[str]) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {key: set() for key in case_keys}
        for key, held in found.items():
            if (file := self.case_file(model_key, key)).exists():
                held.update(read_case(file, ["position"])["position"].to_pylist())
        for part in self._part_files(model_key):
            table = read_part(part, ["case", "position"])
            for key, position in zip(table["case"].to_pylist(), table["position"].to_pylist(), strict=True):
                if key in found:
                    found[key].add(position)
        return found

    def compact(self, model_key: str, case_keys: Sequence[str]) -> None:
        """Move the rows of these cases from parts into case files; parts with nothing else in them go."""
        with self.locked():
            parts = {file: read_part(file) for file in self._part_files(model_key)}
            for key in case_keys:
                self._compact_case(model_key, key, parts.values())
            for file, table in parts.items():
                if set(table["case"].unique().to_pylist()) <= set(case_keys):
                    file.unlink(missing_ok=True)

    def _compact_case(self, model_key: str, case_key: str, parts: Iterable[pa.Table]) -> None:
        fresh = of_case(parts, case_key)
        if not fresh:
            return
        # The same sample may lie in an old case file and in overlapping parts; its rows are equal, the first stays.
        rows = joined([*self._case_rows(model_key, case_key), *fresh])
        write_case(rows, self.case_file(model_key, case_key))

    def locked(self) -> FileLock:
        """Nobody else moves rows or writes manifests while this is entered."""
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / ".lock")

    # ── what was asked, and what came of it ────────────────────────────────────────────────────────────────────

    def record(self, cases: Sequence[PlannedCase]) -> None:
        """Merge cases into the manifests of their suite and model; entries of other cases stay.

        Entries of the same declaration go: those without rows (skipped, or failed before anything was known of them),
        and those that another version of the perturbation or of the data left behind.
        """
        with self.locked():
            for suite, model_key in dict.fromkeys((case.suite, case.model_key) for case in cases):
                file = self.root / "manifests" / suite / f"{model_key}.json"
                asked = [case for case in cases if (case.suite, case.model_key) == (suite, model_key)]
                known = {case.case_key: case for case in self._manifest(file)}
                kept = {key: before for key, before in known.items() if not _superseded(before, asked)}
                held = self._positions(model_key, [case.case_key for case in asked if case.status == "partial"])
                fullest = {case.case_key: case for case in sorted(asked, key=lambda case: case.n)}
                mine = {case.case_key: fullest[case.case_key] for case in asked}  # in plan order
                mine = {key: _settled(case, held, known.get(key)) for key, case in mine.items()}
                merged = [case.to_json() for case in {**kept, **mine}.values()]
                write_text(file, json.dumps(merged, indent=1))

    def forget(self, model_key: str) -> None:
        """Remove a model from the manifests, e.g. one that could not be loaded and now can."""
        for file in self.root.glob(f"manifests/*/{model_key}.json"):
            file.unlink(missing_ok=True)

    def planned(self) -> list[PlannedCase]:
        """All cases of all manifests, by suite and model, in plan order.

        Raises:
            StoreError: If the folder holds no results or a manifest cannot be read.
        """
        files = sorted(self.root.glob("manifests/*/*.json"))
        if not files:
            raise StoreError(self._nothing)
        return [case for file in files for case in self._manifest(file)]

    @property
    def _nothing(self) -> str:
        """Why there are no results."""
        if any(self.root.glob("reported/*.json")):
            return (
                f"{self.root} holds numbers that others reported, and nothing in it was run; expected the --out folder "
                "of a run"
            )
        return f"{self.root} holds no results; expected the --out folder of a run"

    @property
    def is_run(self) -> bool:
        """Whether anything was run into the folder."""
        return any(self.root.glob("manifests/*/*.json"))

    def rows(self, case: PlannedCase) -> pd.DataFrame:
        """Rows of the samples a case asks for, sorted by id; parts that are not compacted yet included.

        Raises:
            StoreError: If a file cannot be read.
        """
        # Between a part and its case file rows are in neither; without parts there is nothing to wait for, and a
        # folder that is only read needs no lock.
        with self.locked() if self._part_files(case.model_key) else nullcontext():
            parts = [read_part(file) for file in self._part_files(case.model_key)]
            tables = [*self._case_rows(case.model_key, case.case_key), *of_case(parts, case.case_key)]
        if not tables:
            return pd.DataFrame({"id": [], "position": [], "label": [], "pred": []})
        frame: pd.DataFrame = joined(tables).to_pandas()
        return frame[frame["position"] < case.n].reset_index(drop=True)

    def needed_rows(self, case: PlannedCase) -> pd.DataFrame:
        """As `rows`, where scores alone will not do.

        Raises:
            StoreError: If a file cannot be read, or there are no rows of a case that has some in the run's own folder.
        """
        found = self.rows(case)
        if case.was_run and case.n and not len(found):
            raise StoreError(
                f"{self.root} holds {'scores and ' if self.scored_file(case.model_key).exists() else ''}no rows of "
                f"{case.case} of {case.model}, and rows of each image are needed here; they are in the --out folder of "
                "the run, below cases/"
            )
        return found

    def _case_rows(self, model_key: str, case_key: str) -> list[pa.Table]:
        file = self.case_file(model_key, case_key)
        return [read_case(file)] if file.exists() else []

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Write a JSON file below the root."""
        write_text(self.root / name, json.dumps(values, indent=1, default=str))

    def models(self) -> dict[str, dict[str, Any]]:
        """Facts about each model, by model key.

        Raises:
            StoreError: If a file cannot be read, or is not about a model.
        """
        return {file.parent.name: _facts(file, _OF_MODEL) for file in sorted(self.root.glob("cases/*/model.json"))}

    def runs(self) -> list[dict[str, Any]]:
        """Circumstances of each run, oldest first.

        Raises:
            StoreError: If a file cannot be read, or is not about a run.
        """
        return [_facts(file, _OF_RUN) for file in sorted(self.root.glob("runs/*.json"))]

    def case_file(self, model_key: str, case_key: str) -> Path:
        """Where the rows of a complete case lie."""
        return self.root / "cases" / model_key / f"{case_key}.parquet"

    def scored_file(self, model_key: str) -> Path:
        """Where the scores of a model lie."""
        return self.root / "scored" / f"{model_key}.parquet"

    def fingerprints(self, model_key: str, case_keys: Iterable[str]) -> dict[str, str]:
        """For each case what changes when its rows do; empty if there are none."""
        folder = self.root / "cases" / model_key
        files = {file.name: _state(file) for file in folder.iterdir()} if folder.is_dir() else {}
        parts = [_state(file) for file in self._part_files(model_key)]  # any of them may hold rows of any case
        return {key: " ".join(filter(None, [files.get(f"{key}.parquet"), *parts])) for key in case_keys}

    def _parts(self, model_key: str) -> Path:
        return self.root / "parts" / model_key

    def _part_files(self, model_key: str) -> list[Path]:
        return sorted(self._parts(model_key).glob("*.parquet"))

    def _manifest(self, file: Path) -> list[PlannedCase]:
        if not file.exists():
            return []
        found = read_json(file)
        try:
            cases = [PlannedCase.from_json(values) for values in found]
        except (AttributeError, TypeError) as error:
            raise _no_manifest(file, error) from error
        if not cases:
            raise _no_manifest(file, f"it is {found}")
        return cases


def _no_manifest(file: Path, why: object) -> StoreError:
    return StoreError(
        f"{file} is not a list of cases, and nothing else belongs there: {why}; copy it again, move it elsewhere, or "
        "delete it and run the same command again"
    )


def _state(file: Path) -> str:
    stat = file.stat()
    return f"{file.name}:{stat.st_size}:{stat.st_mtime_ns}"


def _facts(file: Path, kinds: _Kinds) -> dict[str, Any]:
    """A JSON object that has these names, with values of these kinds."""
    found = read_json(file)
    if not isinstance(found, dict):
        raise StoreError(f"{file} is not what a run writes there: it is no JSON object; move it elsewhere")
    if wrong := [name for name, kind in kinds.items() if not isinstance(found.get(name), kind)]:
        raise StoreError(f"{file} is not what a run writes there: it has no {', '.join(wrong)}; move it elsewhere")
    return found


def _superseded(before: PlannedCase, asked: Sequence[PlannedCase]) -> bool:
    """Whether an entry gives way to what is recorded now; under the same key it is replaced where it stands."""
    if any(case.case_key == before.case_key for case in asked):
        return False
    again = any(case.identity == before.identity for case in asked)
    unknown = before.num_classes == 0 and any((c.case, c.data) == (before.case, before.data) for c in asked)
    return before.status == "skipped" or again or unknown


def _settled(case: PlannedCase, held: dict[str, set[int]], before: PlannedCase | None) -> PlannedCase:
    """What a shard that has only part of the rows may say: another may have ended since, or have failed."""
    if case.status != "partial":
        return case
    if held[case.case_key].issuperset(range(case.n)):
        return replace(case, status="done")
    return before if before and before.status == "failed" else case
