"""The page as a test sees it: its tags, what a reader sees without a script, and the data that the script draws."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class Page(HTMLParser):
    """A parsed page.

    Args:
        file: ``leaderboard.html``.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.words: list[str] = []
        self._inside = ""
        self.html = file.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag."""
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in {"script", "style"} else ""
        if self._inside == "script":
            self.scripts.append((dict(attrs).get("type"), ""))
        if tag in {"small", "td", "th", "p", "dd", "dt", "br", "span"}:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """Leave the script."""
        self._inside = ""
        if tag in {"td", "th", "p", "dd", "dt", "h2", "h3", "summary"}:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        """Remember what is seen, and scripts."""
        if self._inside == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = kind, text + data
        elif not self._inside:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader sees without a script."""
        return " ".join("".join(self.words).split())

    @property
    def contents(self) -> list[dict[str, Any]]:
        """The data of each section."""
        return self._json[:-1]

    @property
    def makers(self) -> list[dict[str, Any]]:
        """Models and humans, with their looks."""
        found: list[dict[str, Any]] = self._json[-1]["makers"]
        return found

    def rows(self, table: dict[str, Any], model: str) -> dict[str, Any]:
        """The cells of a model by the labels of their rows."""
        place = next(place for place, maker in enumerate(self.makers) if maker["name"] == model)
        return dict(zip((row["label"] for row in table["rows"]), table["cells"][str(place)], strict=True))

    def points(self, chart: dict[str, Any], model: str, section: int = 0) -> list[tuple[float, Any]]:
        """Place on the axis and value in percent of the points of a curve."""
        tables = self.contents[section]["tables"]
        place = next(place for place, maker in enumerate(self.makers) if maker["name"] == model)
        found = []
        for table, pairs in ((chart["ends"], chart["clean"]), (chart["table"], chart["points"])):
            cells = tables[table]["cells"].get(str(place), [])
            found += [(at, cells[row][0] if isinstance(cells[row], list) else None) for row, at in pairs if cells]
        return sorted(found)

    @property
    def _json(self) -> list[dict[str, Any]]:
        return [json.loads(text) for kind, text in self.scripts if kind == "application/json"]
