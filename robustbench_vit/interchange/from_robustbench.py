"""RobustBench's files about models, read as reported numbers.

Source: github RobustBench/robustbench, ``model_info/<data set>/<threat>/<model>.json`` and ``leaderboard/template.py``.
Numbers are percent, as text.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from robustbench_vit.aggregates.honesty import BETWEEN
from robustbench_vit.errors import DataError, SpecError
from robustbench_vit.interchange import checks
from robustbench_vit.interchange.reported import ReportedTable, number
from robustbench_vit.records import Measurement
from robustbench_vit.spec import Spec, parse_value

NORMS = ("linf", "l2")
"""Norms of the threats that are known there."""

REFERENCE = "AlexNet of RobustBench"
"""Their corruption errors are relative to AlexNet as they ran it themselves."""

_CORRUPTIONS = "corruptions"
_STORED = "corruptions(stored)"  # they read published files, and so do our cases of this name
_ATTACKS = {
    "autoattack_acc": ("autoattack", "accuracy that AutoAttack leaves"),
    "external": ("external", "accuracy that the strongest other evaluation known to them leaves"),
}
_CORRUPTED = {"": "", "_2d": "", "_3d": "_3dcc"}  # what stands behind a field, and behind the name of the data set
_FACTS = ("architecture", "venue", "name", "footnote")
_ALIKE = 1e-9  # decimals of k/255 are meant to be k/255


def read_robustbench(files: Sequence[Path], norm: str | None = None, data: str | None = None) -> list[ReportedTable]:
    """Read files about models.

    Args:
        files: JSON files, a model each.
        norm: ``linf`` or ``l2``, if no folder above the file tells.
        data: Name of the data set, if the file does not tell.

    Returns:
        A report a file; models are called ``robustbench:NAME(threat=…)``, for one name may stand for several networks.
        A field ``reported`` (what the authors claim, by whatever attack) is left out.

    Raises:
        DataError: If a file is none about a model, or a number is none or no percentage.
    """
    return [_report(file, _read(file), norm, data) for file in files]


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read a model's numbers from {file}: {error}") from error
    if not isinstance(content, dict) or "clean_acc" not in content:
        raise DataError(f"{file} is no model_info file of RobustBench: it has no field clean_acc")
    return content


def _report(file: Path, info: Mapping[str, Any], norm: str | None, data: str | None) -> ReportedTable:
    about = checks.name(data or info.get("dataset"), f"{file}: dataset (or --data)")
    attacked = any(checks.given(info.get(field)) for field in _ATTACKS)
    threat = _norm(file, norm) if attacked else _CORRUPTIONS
    model = str(Spec(f"robustbench:{checks.name(file.stem, f'{file}: the name')}", {"threat": threat}))
    link = str(info.get("link") or "")
    source = f"RobustBench ({', '.join([file.name, *([link] if _is_link(link) else [])])})"
    numbers = (*_clean(file, info, model, about, source), *_robust(file, info, model, about, source, threat))
    if len(numbers) == 1:
        fields = ", ".join([*_ATTACKS, *(f"corruptions_acc{end}" for end in _CORRUPTED)])
        raise DataError(f"{file} says nothing but clean_acc; expected one of {fields}")
    return ReportedTable("robustbench", f"{about} {threat} {file.stem}", numbers, {model: _facts(info, source, link)})


def _norm(file: Path, norm: str | None) -> str:
    found = (norm or file.resolve().parent.name).lower()
    if found not in NORMS:
        raise DataError(
            f"{file}: neither its folder (Linf, L2) nor --norm tells the norm of the attack; say --norm linf"
        )
    return found


def _clean(file: Path, info: Mapping[str, Any], model: str, data: str, source: str) -> Iterator[Measurement]:
    clean = checks.rate(info["clean_acc"], f"{file}: clean_acc")
    if clean <= 0.01:
        raise DataError(
            f"{file}: clean_acc is {info['clean_acc']}, which looks like a rate and not like percent; "
            "write percent, or leave the file out"
        )
    yield number(model, data, "clean", "top1", clean, source)


def _robust(
    file: Path, info: Mapping[str, Any], model: str, data: str, source: str, threat: str
) -> Iterator[Measurement]:
    for field, (attack, definition) in _ATTACKS.items():
        if checks.given(info.get(field)):
            value = checks.rate(info[field], f"{file}: {field}")
            if value > checks.rate(info["clean_acc"], f"{file}: clean_acc"):
                raise DataError(f"{file}: {field} is above clean_acc, which no attack leaves; check the numbers")
            case = str(Spec(attack, {"eps": _eps(file, info.get("eps")), "norm": threat}))
            own = {"definition": definition, "family": "adversarial", "warning": _warning(info, field)}
            yield number(model, data, case, "robust_accuracy", value, source, **own)
    for end, other in _CORRUPTED.items():
        yield from _corrupted(file, info, model, data + other, source, end)


def _corrupted(
    file: Path, info: Mapping[str, Any], model: str, data: str, source: str, end: str
) -> Iterator[Measurement]:
    accuracy, error = f"corruptions_acc{end}", f"corruptions_mce{end}"
    if checks.given(info.get(accuracy)):
        own = {"family": "corruption", "definition": "mean of top1 over corruptions and severities"}
        value = checks.rate(info[accuracy], f"{file}: {accuracy}")
        yield number(model, data, _STORED, "mean_corruption_accuracy", value, source, **own)
    if checks.given(info.get(error)):
        own = {"family": "corruption", "reference": REFERENCE}
        own["definition"] = f"mean over corruptions of the error relative to that of {REFERENCE}"
        yield number(model, data, _STORED, "mce", float(checks.number(info[error], f"{file}: {error}")), source, **own)


def _eps(file: Path, value: object) -> Fraction:
    """The bound of an attack, pixels in [0,1]."""
    try:
        found = parse_value(str(value).strip())
    except SpecError:
        found = None
    if isinstance(found, bool) or not isinstance(found, int | Fraction) or found <= 0:
        raise DataError(f"{file}: eps must be a number above 0 such as 8/255, got {value!r}")
    whole = Fraction(round(found * 255), 255)
    return whole if abs(whole - found) < _ALIKE else Fraction(found)


def _warning(info: Mapping[str, Any], field: str) -> str:
    """What RobustBench itself says against a number."""
    said = ["RobustBench calls the evaluation unreliable"] if str(info.get("unreliable")).lower() == "true" else []
    if field != "external" and checks.given(info.get("external")):
        said.append(f"RobustBench knows of another evaluation that leaves {info['external']} %")
    return BETWEEN.join(said)


def _facts(info: Mapping[str, Any], source: str, link: str) -> dict[str, Any]:
    known = {"paper" if name == "name" else name: str(info[name]) for name in _FACTS if checks.given(info.get(name))}
    return {"reported_by": source, **known, **({"link": link} if _is_link(link) else {})}


def _is_link(text: str) -> bool:
    """Whatever else stands there is never shown as a link."""
    return text.startswith(("https://", "http://")) and text.isprintable() and not set(text) & set(" \"'<>")
