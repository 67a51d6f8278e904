"""Rules from a TOML file.

::

    rules = ["mce <= +1.0", "auc[patchdrop.random] >= -0.02"]

    [[rule]]
    name = "clean accuracy"
    rule = "top1[clean] >= -0.01"
    strict = false
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.gates.rules import Rule, parse_rule

_KEYS = {"rule": str, "name": str, "strict": bool}


def read_rules(file: Path, *, strict: bool = False) -> list[Rule]:
    """Read the rules of a file: those of the list, then the tables.

    Args:
        file: TOML.
        strict: Of rules that do not say themselves whether they are strict.

    Raises:
        SpecError: If the file cannot be read, holds no rule, or holds anything else; names the file and the place.
    """
    rules = list(_rules(file, _parsed(file), strict=strict))
    if not rules:
        raise SpecError(f'{file} holds no rules; expected rules = ["mce <= +1.0"] or tables [[rule]]')
    return rules


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot read the rules in {file}: {error}") from error


def _rules(file: Path, found: dict[str, Any], *, strict: bool) -> Iterator[Rule]:
    for key in found:
        if key not in {"rules", "rule"}:
            raise UnknownNameError(f"key in {file}", key, ["rules", "rule"])
    for key in ("rules", "rule"):
        entries = found.get(key, [])
        if not isinstance(entries, list):
            raise SpecError(f"{file}, {key}: expected {'a list of texts' if key == 'rules' else 'tables [[rule]]'}")
        for number, entry in enumerate(entries, start=1):
            yield _rule(f"{file}, {key} {number}", {"rule": entry} if key == "rules" else entry, strict=strict)


def _rule(place: str, entry: Any, *, strict: bool) -> Rule:
    if not isinstance(entry, dict):
        raise SpecError(f'{place}: expected a table with the key rule, e.g. rule = "mce <= +1.0", got {entry!r}')
    for key, value in entry.items():
        if key not in _KEYS:
            raise UnknownNameError(f"key in {place}", key, _KEYS)
        if not isinstance(value, _KEYS[key]):
            raise SpecError(f"{place}, {key}: expected {_KEYS[key].__name__}, got {value!r}")
    if "rule" not in entry:
        raise SpecError(f'{place}: the key rule is missing, e.g. rule = "mce <= +1.0"')
    try:
        return parse_rule(entry["rule"], name=entry.get("name", ""), strict=entry.get("strict", strict))
    except SpecError as error:
        raise SpecError(f"{place}: {error}") from error
