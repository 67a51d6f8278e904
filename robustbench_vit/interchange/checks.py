"""Values in other people's files, checked: each error names the file, the place, and what was expected there."""

import re
from collections.abc import Iterable
from decimal import Decimal

from robustbench_vit.errors import DataError

_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")


def given(value: object) -> bool:
    """Whether there is anything: neither null nor blank text."""
    return value is not None and str(value).strip() != ""


def number(value: object, what: str) -> Decimal:
    """A number of at least 0, as it is written; commas may part thousands and nothing else.

    Args:
        value: What a file says: text, or a number of JSON.
        what: File, place and name, for the error.

    Raises:
        DataError: If it is no finite number, or negative.
    """
    text = str(value).strip()
    text = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text
    if isinstance(value, bool) or not _NUMBER.fullmatch(text):
        raise DataError(f"{what} must be a number of at least 0, got {value!r}")
    return Decimal(text)


def rate(value: object, what: str) -> float:
    """A percentage as a rate in [0,1].

    Raises:
        DataError: If it is no number from 0 to 100.
    """
    found = number(value, what)
    if found > 100:
        raise DataError(f"{what} must be percent, from 0 to 100, got {value!r}")
    return float(found / 100)


def name(value: object, what: str) -> str:
    """Text that can be shown and stored.

    Raises:
        DataError: If it is empty or has control characters.
    """
    text = str(value if value is not None else "").strip()
    if not text or not text.isprintable():
        raise DataError(f"{what} must be a name, got {value!r}")
    return text


def once(places: Iterable[tuple[str, str]]) -> None:
    """Check that nothing is said twice.

    Args:
        places: What, and where it is said.

    Raises:
        DataError: With both places.
    """
    first: dict[str, str] = {}
    for what, where in places:
        if what in first:
            raise DataError(f"{what} is there twice, in {first[what]} and in {where}; leave one of them out")
        first[what] = where
