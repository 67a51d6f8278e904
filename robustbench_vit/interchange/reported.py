"""Numbers from other people's tables: kept beside a run's own, marked "reported", never mixed with them.

::

    OUT/reported/<source>-<about>-<digest>.json   numbers of one table, or of one model
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from math import isfinite, nan
from pathlib import Path
from typing import Any

import pandas as pd

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.catalog import digest
from robustbench_vit.errors import DataError, StoreError
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement
from robustbench_vit.store.files import read_json, write_text

FOLDER = "reported"
"""Where reported numbers lie in a results folder; also the suite of their rows, and their status."""

AS_REPORTED = "as reported"
"""Geometry of their rows: whatever those who measured chose."""

_COLUMNS = tuple(field.name for field in fields(Measurement))
_DEFAULTS = {field.name: field.default for field in fields(Measurement) if field.default is not MISSING}
_TEXT = [field.name for field in fields(Measurement) if field.type is str]
_UNKNOWN: dict[str, Any] = {"n": 0, "low": nan, "high": nan, "status": FOLDER, "suite": FOLDER}  # tables do not say


@dataclass(frozen=True)
class ReportedTable:
    """What one table says about a data set, or one file about a model.

    Args:
        source: Whose it is: ``timm`` or ``robustbench``.
        about: What it is about, within the source; importing it again replaces what was there.
        measurements: The numbers.
        models: Facts of models by their names, such as ``parameters``.
    """

    source: str
    about: str
    measurements: tuple[Measurement, ...]
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of its file."""
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.source} {self.about}").strip("-.")[:60]
        return f"{slug}-{digest([self.source.encode(), self.about.encode()])[:12]}.json"


def number(model: str, data: str, case: str, metric: str, value: float, by: str, **more: Any) -> Measurement:
    """A reported number.

    Args:
        model: Who it is about.
        data: Name of the data set.
        case: ``clean``, or what was done to the images.
        metric: Name in the catalogue of metrics or aggregates.
        value: In the metric's unit.
        by: Who says so, for a reader: ``timm (results-imagenet.csv)``.
        **more: Other fields of `Measurement`; ``definition`` where the metric's own summary does not fit.
    """
    row = METRICS[metric] if metric in METRICS else AGGREGATES[metric]
    said = f"reported by {by}, not run here"
    more["definition"] = f"{more.get('definition', row.summary)}; {said}"
    known = {"unit": row.unit, "family": "clean", "geometry": AS_REPORTED, "perturbation": case, "reason": said, **more}
    known = {**_UNKNOWN, **known}
    return Measurement(model=model, data=data, case=case, metric=metric, value=value, **known)


def write_reported(reports: Sequence[ReportedTable], out: Path) -> list[Path]:
    """Write what others report into a results folder, a file each.

    Returns:
        The files. One that was there under the same name is replaced.

    Raises:
        DataError: If two are about the same.
        StoreError: If the folder cannot be written.
    """
    names: set[str] = set()
    for report in reports:
        if report.name in names:
            raise DataError(f"two files are both {report.source}'s about {report.about}; import one of them")
        names.add(report.name)
    for report in reports:
        write_text(out / FOLDER / report.name, _json(report))
    return [out / FOLDER / report.name for report in reports]


def reported(folders: Sequence[Path]) -> pd.DataFrame:
    """The numbers that others reported.

    Args:
        folders: Results folders, with reported numbers or without.

    Returns:
        A row a number, with the columns of `Measurement`: ``status`` and ``suite`` are ``reported``, ``n`` is 0 and
        ``low`` and ``high`` are NaN, because tables say neither; ``reason`` says where the number is from.

    Raises:
        StoreError: If a file cannot be read, or two folders hold different numbers about the same.
    """
    rows = [values for found in _files(folders).values() for values in found["measurements"]]
    frame = pd.DataFrame([asdict(_measurement(values)) for values in rows], columns=list(_COLUMNS))
    _check_once(frame)
    return frame


def reported_models(folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Facts of the models that others reported about, by name: ``parameters``, ``architecture``, ``link`` and more."""
    models: dict[str, dict[str, Any]] = {}
    for found in _files(folders).values():
        for name, facts in found["models"].items():
            models.setdefault(name, {}).update(facts)
    return models


def holds_reported(folder: Path) -> bool:
    """Whether a results folder has reported numbers, so that it can be shown without any run."""
    return any((folder / FOLDER).glob("*.json"))


def _json(report: ReportedTable) -> str:
    rows = [_said(item) for item in report.measurements]
    return json.dumps({"measurements": rows, "models": report.models}, indent=1, allow_nan=False)


def _said(item: Measurement) -> dict[str, Any]:
    """The fields that say something."""
    silent = {**_DEFAULTS, **_UNKNOWN}
    said = {name: value for name, value in asdict(item).items() if name not in silent or value != silent[name]}
    return {name: value for name, value in said.items() if not isinstance(value, float) or isfinite(value)}


def _files(folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """What the files hold, by name."""
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for file in (file for folder in folders for file in sorted((folder / FOLDER).glob("*.json"))):
        content = _read(file)
        other = found.setdefault(file.name, (file, content))
        if other[1] != content:
            raise StoreError(
                f"{file} and {other[0]} hold different numbers about the same; delete the one that is out of date"
            )
    return {name: content for name, (_, content) in found.items()}


def _read(file: Path) -> dict[str, Any]:
    content = read_json(file)
    try:
        for values in content["measurements"]:
            _measurement(values)
        models = {name: dict(facts) for name, facts in content["models"].items()}
        return {"measurements": content["measurements"], "models": models}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"cannot read {file}: {error!r}; delete it and import the numbers again") from error


def _measurement(values: Mapping[str, Any]) -> Measurement:
    if not isinstance(values["value"], int | float):
        raise TypeError(f"{values['value']!r} is no number")
    found = Measurement(**{**_UNKNOWN, **values})
    if wrong := [name for name in _TEXT if not isinstance(getattr(found, name), str)]:
        raise TypeError(f"{', '.join(wrong)} must be text")
    return found


def _check_once(frame: pd.DataFrame) -> None:
    """Two files of other names could still speak about the same."""
    twice = frame[frame.duplicated(["data", "model", "metric", "case"])]
    if len(twice):
        one = twice.iloc[0]
        raise StoreError(
            f"{one['metric']} of {one['case']} by {one['model']} on {one['data']} is reported twice; "
            f"delete one of its files in {FOLDER}/"
        )
