"""From results folders to results tables of timm."""

import csv
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from io import StringIO
from math import floor, isnan, nan
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from robustbench_vit.aggregates.groups import split
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.catalog import digest
from robustbench_vit.errors import CaseError, SpecError
from robustbench_vit.interchange.clean import clean_cases
from robustbench_vit.interchange.from_timm import COLUMNS
from robustbench_vit.records import PlannedCase
from robustbench_vit.spec import Spec, Value, parse
from robustbench_vit.store.csv_file import harmless
from robustbench_vit.store.files import write_text

_MILLION = 1_000_000

_About: TypeAlias = tuple[str, ...]
"""Suite, data set, geometry and label space of a table."""


class Table(NamedTuple):
    """A file that was written.

    Args:
        file: Where.
        models: How many rows it has.
        images: Fewest and most images behind a row; timm's columns have no place for them.
    """

    file: Path
    models: int
    images: tuple[int, int]


def export_timm(folders: Sequence[Path], out: Path) -> list[Table]:
    """Write accuracies on clean images in the columns of timm.

    Args:
        folders: Results folders; scores without rows will do.
        out: The CSV file. Where there are several suites, data sets, geometries or label spaces, each has a file of its
            own beside it, named after what tells them apart; suites that share all their clean cases have one.

    Returns:
        The files. A case that is not done has no row, and empty is what nobody knows. Rows are sorted by ``top1``.

    Raises:
        StoreError: If a folder holds no results, or a file cannot be read or written.
        CaseError: If no clean case is done.
    """
    reading = Reading(folders)
    cases = clean_cases(reading, lambda case: case.status == "done").values()
    tables = _distinct(split(cases, _about))
    if not tables:
        raise CaseError("there is nothing to export: no clean case is done in these folders")
    facts = {key: known for store in reading.stores for key, known in store.models().items()}
    files = _files(list(tables), out)
    return [_table(files[about], own, facts) for about, own in tables.items()]


def _about(one: Scored) -> _About:
    case = one.case
    return case.suite, case.data, case.geometry, case.label_space


def _distinct(tables: Mapping[_About, list[Scored]]) -> dict[_About, list[Scored]]:
    """Suites that share all their clean cases, as those of one run do, have one table."""
    first: dict[frozenset[tuple[str, str, int]], _About] = {}
    for about, cases in tables.items():
        first.setdefault(frozenset((one.case.model_key, one.case.case_key, one.case.n) for one in cases), about)
    return {about: tables[about] for about in first.values()}


def _table(file: Path, cases: Sequence[Scored], facts: Mapping[str, dict[str, Any]]) -> Table:
    rows = [_row(one, facts.get(one.case.model_key, {})) for one in cases]
    rows.sort(key=lambda row: (-float(row["top1"]), -float(row["top5"] or 0), row["model"]))
    write_text(file, _csv(rows))
    images = [one.case.n for one in cases]
    return Table(file, len(rows), (min(images), max(images)))


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    """Numbers stay as they were rounded, and no spreadsheet takes a name for a formula."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([harmless(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue()


def _row(one: Scored, facts: Mapping[str, Any]) -> dict[str, str]:
    case, parameters = one.case, facts.get("parameters")
    rates = {number.metric: number.value for number in one.numbers}
    row = {"model": _name(case.model), "img_size": _size(case)}
    for metric in ("top1", "top5"):
        row |= _percent(metric, rates.get(metric, nan))
    row["param_count"] = f"{parameters / _MILLION:,.2f}" if parameters else ""
    return row | _crop(case.geometry, str(facts.get("preprocessing", "")))


def _name(model: str) -> str:
    """The name that timm has for it; whatever has options of its own is not timm's model any more."""
    spec = _parsed(model)
    return spec.name if spec and spec.source == "timm" and not spec.args and not spec.positional else model


def _size(case: PlannedCase) -> str:
    """``224×224`` is 224 there; a network that takes any size saw the crop."""
    height, _, width = case.input_size.partition("×")
    crop = _arguments(case.geometry).get("crop")
    return (height if height == width else case.input_size) or (str(crop) if isinstance(crop, int) else "")


def _percent(metric: str, rate: float) -> dict[str, str]:
    if isnan(rate):  # top5 of five classes
        return {metric: "", f"{metric}_err": ""}
    return {metric: f"{100 * rate:.3f}", f"{metric}_err": f"{100 - 100 * rate:.3f}"}


def _crop(geometry: str, preprocessing: str) -> dict[str, str]:
    """Share kept by the crop, and resampling, of the images that the model was given."""
    used = _arguments(geometry)
    resize, crop = used.get("resize"), used.get("crop")
    if not isinstance(resize, int) or not isinstance(crop, int):
        return {"crop_pct": "", "interpolation": ""}
    own = _arguments(preprocessing).get("crop_pct")
    # A model's own recipe rounds the resized side; its share is known better than from whole pixels.
    share = own if isinstance(own, int | Fraction) and floor(crop / own) == resize else Fraction(crop, resize)
    return {"crop_pct": f"{float(share):.3f}", "interpolation": str(used.get("interpolation", "bilinear"))}


def _arguments(text: str) -> dict[str, Value]:
    spec = _parsed(text)
    return spec.args if spec else {}


def _parsed(text: str) -> Spec | None:
    try:
        return parse(text)
    except SpecError:
        return None


def _files(tables: Sequence[_About], out: Path) -> dict[_About, Path]:
    """A file for each table, named by as much as it takes to tell them apart: suite, data set, geometry, labels."""
    if len(tables) == 1:
        return {tables[0]: out}
    several = [place for place, said in enumerate(zip(*tables, strict=True)) if len(set(said)) > 1]
    for count in range(1, len(several) + 1):
        ends = {about: _slug(" ".join(about[place] for place in several[:count])) for about in tables}
        if len(set(ends.values())) == len(tables):
            break
    else:  # names that differ in signs no file name has
        ends = {about: f"{end}-{digest(word.encode() for word in about)[:6]}" for about, end in ends.items()}
    return {about: out.with_name(f"{out.stem}-{end}{out.suffix}") for about, end in ends.items()}


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:80] or "x"
