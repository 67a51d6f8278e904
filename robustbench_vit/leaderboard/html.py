"""What all pages share: templates that escape what users wrote, a head that forbids requests, and the colours."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).parent


def environment(folder: Path) -> Environment:
    """Templates of a folder, and ``head.html.jinja``, which every page includes.

    Args:
        folder: Where the templates of a page lie.
    """
    made = Environment(
        loader=FileSystemLoader([folder, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = breakable
    return made


def breakable(text: str) -> Markup:
    """Text that may break behind the marks inside specs, and not in the middle of a word."""
    return Markup("<wbr>").join(re.split(r"(?<=[_(,=/:@])(?=.)", text))


def style(file: Path) -> str:
    """The colours of all pages, then a style sheet."""
    return "".join(sheet.read_text(encoding="utf-8") for sheet in (_FOLDER / "palette.css", file))
