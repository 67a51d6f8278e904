"""What commands print."""

import os

from rich.console import Console

_LOG = 120  # columns where nobody's window says how many there are, as in the log of continuous integration


def plain_console() -> Console:
    """A console that takes text as it is: names of users are neither markup nor emoji."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _LOG
    return console


def counted(number: int, noun: str) -> str:
    """A number with its noun, of which there may be one.

    Example:
        >>> counted(1, "case"), counted(2_000, "image")
        ('1 case', '2,000 images')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
