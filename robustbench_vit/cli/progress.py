"""Progress of a run in the terminal: images done, rate and time left."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_SECONDS = 10  # between two lines on a pipe


class Rate(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        """Text of the column."""
        return Text(f"{task.speed:,.0f} img/s" if task.speed else "– img/s")


class TerminalProgress:
    """Shows a run as a bar; on a pipe, as a line every ten seconds.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_interactive,
        )
        self.task = self.bar.add_task("starting", total=0)
        self._total = self._done = 0
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bar.stop()

    def total(self, images: int) -> None:
        """So many more images are to be done."""
        self._total += images
        self.bar.update(self.task, total=self._total)

    def advance(self, images: int, what: str) -> None:
        """So many images of a case are done."""
        self.bar.update(self.task, advance=images, description=what)
        self._done += images
        now = time.monotonic()
        if self.bar.disable and now - self._told > _SECONDS:
            self._told = now
            rate = self._done / (now - self._began)
            self.say(f"{self._done:,} of {self._total:,} images, {rate:,.0f} img/s, {what}")

    def say(self, text: str) -> None:
        """Something worth a line happened."""
        self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
