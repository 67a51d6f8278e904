"""Where a run reports to; the command line shows it, tests and Python stay silent."""

from typing import Protocol


class Progress(Protocol):
    """Where a run reports to."""

    def total(self, images: int) -> None:
        """So many more images are to be done."""

    def advance(self, images: int, what: str) -> None:
        """So many images of a case are done."""

    def say(self, text: str) -> None:
        """Something worth a line happened."""


class Silence:
    """Progress nobody watches."""

    def total(self, images: int) -> None:
        """Ignore it."""

    def advance(self, images: int, what: str) -> None:
        """Ignore it."""

    def say(self, text: str) -> None:
        """Ignore it."""
