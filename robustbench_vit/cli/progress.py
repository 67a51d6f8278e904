"""Progress of a run in the terminal: images done, rate and time left."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Rate(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        """Text of the column."""
        return Text(f"{task.speed:,.0f} img/s" if task.speed else "– img/s")


class TerminalProgress:
    """Shows a run; on a pipe it prints lines only.

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
        self._total = 0

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

    def say(self, text: str) -> None:
        """Something worth a line happened."""
        self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
