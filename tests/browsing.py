"""A page in a browser, with what it complained of and asked for."""

from pathlib import Path
from typing import Any


class Visit:
    """A page in the browser, with what it complained of and asked for.

    Args:
        browser: The browser.
        file: The page.
        width: Of the window, pixels.
    """

    def __init__(self, browser: Any, file: Path, width: int) -> None:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light")
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_function("!document.getElementById('board') || globalThis.board")

    def scroll(self) -> None:
        """Bring everything to the screen once, so that it is drawn."""
        height = self.page.evaluate("document.documentElement.scrollHeight")
        for top in range(0, height, 600):
            self.page.evaluate(f"scrollTo(0, {top})")
            self.page.wait_for_timeout(60)
        self.page.evaluate("scrollTo(0, 0)")

    def column(self, place: int) -> list[str]:
        """Texts of a visible column of the summary, top to bottom."""
        cells = self.page.locator(f"#board tbody tr > :nth-child({place + 1})").all_inner_texts()
        return [text.split("\n")[0].strip() for text in cells]

    def models(self) -> list[str]:
        """Models in the order of the summary."""
        return self.page.locator("#board tbody th.model").evaluate_all("cells => cells.map(cell => cell.dataset.sort)")
