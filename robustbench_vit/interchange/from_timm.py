"""Results tables of timm, read as reported numbers.

Source: github huggingface/pytorch-image-models, folder ``results``. A table is about one data set; accuracies are
percent with three decimals, parameters millions with two.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from robustbench_vit.errors import DataError
from robustbench_vit.interchange import checks
from robustbench_vit.interchange.reported import ReportedTable, number
from robustbench_vit.records import Measurement

COLUMNS = (
    "model",
    "img_size",
    "top1",
    "top1_err",
    "top5",
    "top5_err",
    "param_count",
    "crop_pct",
    "interpolation",
)
"""The columns, in the order of timm's newer tables."""

_NEEDED = ("model", "top1")
_OURS = {
    "imagenetv2-matched-frequency": "imagenet_v2_matched_frequency",
    "inv2-matched-frequency": "imagenet_v2_matched_frequency",
    "sketch": "imagenet_sketch",
}  # what the catalogue of data sets would call them; other names only change their hyphens
_SUM = 0.02  # percent that an accuracy and its error may miss 100 by, both being rounded
_RATES = "these look like rates and not like percent: multiply accuracies and errors by 100"


def read_timm(files: Sequence[Path], data: str | None = None) -> list[ReportedTable]:
    """Read results tables of timm.

    Args:
        files: CSV files named ``results-<data set>.csv``. Needed columns are ``model`` and ``top1``; ``top5``,
            ``param_count``, ``img_size``, ``crop_pct`` and ``interpolation`` are read where they are.
        data: Name of the data set, if file names do not tell.

    Returns:
        A report a file; models are called ``timm:NAME``.

    Raises:
        DataError: If a file is no such table, a number is none or no percentage, or a model is there twice.
    """
    return [_report(file, data or _data(file)) for file in files]


def _data(file: Path) -> str:
    found = re.fullmatch(r"results-(.+)\.csv", file.name)
    if not found and not file.is_file():
        raise DataError(f"{file} is no file; expected a results table of timm, such as results-imagenet-a.csv")
    if not found:
        raise DataError(f"{file}: the name does not tell the data set, as results-imagenet-a.csv does; say --data NAME")
    return _OURS.get(found[1], found[1].replace("-", "_"))


def _report(file: Path, data: str) -> ReportedTable:
    rows = list(_rows(file))
    checks.once((_model(row, where), where) for where, row in rows)
    _check_percent(file, rows)
    measurements = [item for where, row in rows for item in _measurements(row, where, data, file)]
    models = {_model(row, where): _facts(row, where, file) for where, row in rows}
    return ReportedTable("timm", data, tuple(measurements), models)


def _rows(file: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The rows, each with its place in words."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, skipinitialspace=True, strict=True)
            _check_columns(file, reader.fieldnames or ())
            for row in reader:
                where = f"{file}, line {reader.line_num}"
                if None in row or None in row.values():
                    raise DataError(f"{where}: expected {len(reader.fieldnames or ())} fields, as the first line has")
                yield where, row
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"cannot read a results table from {file}: {error}") from error


def _check_columns(file: Path, found: Sequence[str]) -> None:
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        shown = ", ".join(found) or "nothing"
        raise DataError(
            f"{file} has no column {' and no '.join(missing)}; expected a results table of timm, got {shown}"
        )
    checks.once((f"the column {name}", f"{file}, line 1") for name in found)


def _model(row: Mapping[str, str], where: str) -> str:
    return f"timm:{checks.name(row['model'], f'{where}: model')}"


def _check_percent(file: Path, rows: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """Accuracy and error tell percent from rates; without errors, a table with nothing above 1 is taken for rates."""
    if not rows:
        raise DataError(f"{file} has no rows")
    alone = []
    for where, row in rows:
        for metric in ("top1", "top5"):
            if not checks.given(row.get(metric)):
                continue
            accuracy = checks.number(row[metric], f"{where}: {metric}")
            if not checks.given(row.get(f"{metric}_err")):
                alone.append(accuracy)
                continue
            total = float(accuracy + checks.number(row[f"{metric}_err"], f"{where}: {metric}_err"))
            if abs(total - 1) < _SUM:
                raise DataError(f"{where}: {metric} and {metric}_err sum to 1; {_RATES}")
            if abs(total - 100) > _SUM:
                raise DataError(f"{where}: {metric} and {metric}_err must sum to 100, they sum to {total:g}")
    if alone and max(alone) <= 1:
        raise DataError(f"{file}: no accuracy is above 1; {_RATES}; if they are percent, add the column top1_err")


def _measurements(row: Mapping[str, str], where: str, data: str, file: Path) -> Iterator[Measurement]:
    size = checks.number(row["img_size"], f"{where}: img_size") if checks.given(row.get("img_size")) else ""
    shape = f"{size}×{size}" if size else ""
    found = {
        metric: checks.rate(row[metric], f"{where}: {metric}")
        for metric in ("top1", "top5")
        if metric == "top1" or checks.given(row.get(metric))
    }
    if found.get("top5", 1.0) < found["top1"]:
        raise DataError(f"{where}: top5 is below top1, which cannot be; check the columns")
    for metric, value in found.items():
        yield number(_model(row, where), data, "clean", metric, value, f"timm ({file.name})", input_size=shape)


def _facts(row: Mapping[str, str], where: str, file: Path) -> dict[str, Any]:
    facts: dict[str, Any] = {"reported_by": f"timm ({file.name})"}
    if checks.given(row.get("param_count")):
        facts["parameters"] = int(1_000_000 * checks.number(row["param_count"], f"{where}: param_count"))
    if checks.given(row.get("crop_pct")):
        facts["crop_pct"] = float(checks.number(row["crop_pct"], f"{where}: crop_pct"))
    if checks.given(row.get("interpolation")):
        facts["interpolation"] = checks.name(row["interpolation"], f"{where}: interpolation")
    return facts
