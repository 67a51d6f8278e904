"""What the page shows of one section below the summary: tables and charts of the models that are switched on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from robustbench_vit.leaderboard.attacks import Attacks, Transfer, attacks, transfers
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.columns import ROBUST
from robustbench_vit.leaderboard.grids import Grid, grids
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.page.calibration import panels
from robustbench_vit.leaderboard.page.curves import curves, heats
from robustbench_vit.leaderboard.page.data import Grouped, Makers, Table, by_maker, grouped
from robustbench_vit.leaderboard.page.on_the_line import lines
from robustbench_vit.leaderboard.page.shape_chart import shape_chart
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.leaderboard.shapes import SUMMARY, Consistency, ShapeAxis, consistencies, shape_axes

_FEW = 9  # charts of a block that are open at first
_MOST = 60  # decision makers whose pairs the page has room for


@dataclass(frozen=True)
class Block:
    """A table, or charts that stand side by side.

    Args:
        title: Its heading.
        on: What it is about, behind the heading.
        note: A paragraph below the heading.
        table: Its place among the section's tables; None for charts.
        charts: Places among the section's charts, with their captions and what stands behind these.
        folded: Whether it opens at a click.
        wide: Whether its charts take the whole width.
    """

    title: str
    on: str = ""
    note: str = ""
    table: int | None = None
    charts: tuple[tuple[int, str, str], ...] = ()
    folded: bool = False
    wide: bool = False


@dataclass
class Detail:
    """Blocks of a section and the data they are drawn from.

    Args:
        section: The section.
        makers: Place of every model, and of humans, in the page's list.
    """

    section: Section
    makers: Makers
    blocks: list[Block] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """What the page's script needs."""
        images = {place: self.section.images(name) for name, place in self._here.items()}
        return {"tables": [table.to_json() for table in self.tables], "charts": self.charts, "images": images}

    def add_data(self, table: Table) -> int:
        """Numbers that charts or tables are drawn from; gives their place."""
        self.tables.append(table)
        return len(self.tables) - 1

    def show(self, place: int, title: str, on: str = "", note: str = "", *, folded: bool = False) -> None:
        """The numbers at a place as a table with its heading."""
        self.blocks.append(Block(title, on, note, table=place, folded=folded))

    def add_table(self, table: Table, title: str, on: str = "", note: str = "", *, folded: bool = False) -> int:
        """Numbers and their table at once; gives their place."""
        place = self.add_data(table)
        self.show(place, title, on, note, folded=folded)
        return place

    def add_charts(self, title: str, charts: Sequence[tuple[dict[str, Any], str, str]], *, wide: bool = False) -> None:
        """Charts with their captions and what stands behind these, if there are any; very many open at a click."""
        places = []
        for chart, caption, on in charts:
            places.append((len(self.charts), caption, on))
            self.charts.append(chart)
        if places:
            many = len(places) > _FEW
            title = f"{title} ({len(places)})" if many else title
            self.blocks.append(Block(title, charts=tuple(places), wide=wide, folded=many))

    @property
    def _here(self) -> dict[str, int]:
        known = set(self.section.frame["model"].unique())
        return {name: place for name, place in self.makers.items() if name in known}


def detail(section: Section, makers: Makers, board: Board) -> Detail:
    """Everything about a section.

    Args:
        section: The section; of what other people report, nothing is left to say.
        makers: Place of every model, and of humans, in the page's list.
        board: What the section was found in.
    """
    found = Detail(section, makers)
    if section.is_reported:
        return found
    for grid in grids(section):
        found.add_table(_grid(grid, makers), *_grid_words(grid))
    _add_attacks(found)
    for axis in shape_axes(section):
        _add_shape(found, axis)
    for consistency in consistencies(section):
        found.add_table(_consistency(consistency, makers), "Error consistency, κ", *_consistency_words(consistency))
    _add_cases(found, board)
    return found


def _add_cases(found: Detail, board: Board) -> None:
    """Curves, heat maps, accuracy on the line, calibration, and all cases."""
    section, makers = found.section, found.makers
    short = short_labels((case for case, _ in section.cases), section.full_specs)
    cases = {
        "top1": grouped(section, "top1", makers, short.__getitem__, "case"),
        ROBUST: grouped(section, ROBUST, makers, str, "attack"),
    }
    places = {metric: found.add_data(one.table) for metric, one in cases.items()}
    title = f"Accuracy of all {len(section.cases)} cases, %"
    _add_curves(found, cases, places, title)
    _add_lines(found, cases["top1"], places["top1"], board)
    charts = panels(section, makers, board.reliability)
    found.add_charts("Calibration", [(chart, case, "15 bins; size: images") for case, chart in charts.items()])
    if len(section.cases) > 1:  # the summary has the only one
        found.show(places["top1"], title, folded=True)


def _add_curves(found: Detail, cases: Mapping[str, Grouped], places: Mapping[str, int], title: str) -> None:
    """Curves, and heat maps of the same numbers; the table of that title has them all."""
    drawn = curves(found.section, cases)
    where = {"ends": places["top1"], "numbers": title}
    charts = [{**one.to_json(), **where, "table": places[one.metric]} for one in drawn]
    found.add_charts("Curves", [(chart, one.label, one.more) for chart, one in zip(charts, drawn, strict=True)])
    heat = {"table": places["top1"], "numbers": title}
    found.add_charts(
        "Corruption × severity", [({**one, **heat}, one["label"], "accuracy") for one in heats(drawn)], wide=True
    )


def _add_lines(found: Detail, cases: Grouped, clean: int, board: Board) -> None:
    shown = lines(found.section, found.makers, cases, board.lines)
    if shown is None:
        return
    means, charts = shown
    where = {"table": found.add_data(means), "ends": clean, "x": "clean accuracy", "y": "mean accuracy"}
    found.add_charts(
        "Accuracy on the line", [({**chart, **where}, chart["label"], _line_words(chart)) for chart in charts]
    )


def _line_words(chart: Mapping[str, Any]) -> str:
    equal = "; dotted: y = x" if chart["equal"] else ""
    fit = f"; dashed: fit through {chart['models']} models" if "fit" in chart else ""
    return f"log-odds on both axes{equal}{fit}"


def _grid(grid: Grid, makers: Makers) -> Table:
    rows = [{"label": row.name, "title": row.case, "strong": row.several} for row in grid.rows]
    cells = by_maker(
        grid.section,
        makers,
        grid.section.models,
        lambda model: (grid.accuracy(model, row) for row in grid.rows),
        lambda model: (grid.error(model, row) for row in grid.rows),
    )
    return Table(rows, cells, "corruption")


def _grid_words(grid: Grid) -> tuple[str, str, str]:
    title = "Mean accuracy over severities 1 to 5, %" + (", and corruption error" if grid.definition else "")
    note = f"CE: {grid.definition}. mCE: the mean of CE over the 15." if grid.definition else ""
    return title, grid.label, note


def _add_attacks(found: Detail) -> None:
    section, makers = found.section, found.makers
    if (table := attacks(section)).rows:
        found.add_table(_attacks(table, makers), "Robust accuracy, %, and passes for an image")
        found.add_table(_shares(table, makers), "What broke the images, share of all images in %", folded=True)
    for transfer in transfers(section):
        found.add_table(_transfer(transfer, makers), "Transfer: robust accuracy, %", transfer.attack)


def _attacks(table: Attacks, makers: Makers) -> Table:
    rows = [{"label": row.label, "title": row.case, "strong": True} for row in table.rows]
    cells = by_maker(
        table.section,
        makers,
        table.section.models,
        lambda model: (table.section.cell(model, row) for row in table.rows),
        lambda model: (table.passes(model, row) for row in table.rows),
    )
    return Table(rows, cells, "attack")


def _shares(table: Attacks, makers: Makers) -> Table:
    places = [(row, word) for row in table.rows for word in ("", *table.broken_by(row)) if table.broken_by(row)]
    rows = [{"label": word or row.label, "strong": not word} for row, word in places]
    cells = by_maker(
        table.section,
        makers,
        table.section.models,
        lambda model: (table.share(model, row, word) if word else None for row, word in places),
    )
    return Table(rows, cells, "broken by")


def _transfer(found: Transfer, makers: Makers) -> Table:
    rows = [{"label": source, "strong": True} for source in found.cases]
    judged = found.section.models
    cells = by_maker(found.section, makers, judged, lambda model: (found.at(source, model) for source in found.cases))
    return Table(rows, cells, "made on ↓, judged by →")


def _add_shape(found: Detail, axis: ShapeAxis) -> None:
    published = f" Published: {axis.source}" if axis.source else ""
    note = f"Shape bias: {axis.definition}. Vertical lines: over all images.{published}"
    on = f"{axis.case}, geometry {axis.geometry}"
    averages = found.add_table(_shape_summary(found, axis), "Shape or texture, %", on, note)
    categories = found.add_data(_shape_categories(found, axis))
    title = f"Shape bias of {len(axis.categories)} categories, %"
    where = {"averages": averages, "table": categories, "numbers": title}
    figure = {"kind": "shape", "template": shape_chart(axis.categories), **where}
    found.add_charts("", [(figure, "Decisions for the shape, of those for shape or texture", "")], wide=True)
    found.show(categories, title, folded=True)


def _shape_summary(found: Detail, axis: ShapeAxis) -> Table:
    rows = [{"label": head} for head in SUMMARY.values()]
    makers, section = found.makers, found.section
    cells = by_maker(section, makers, axis.makers, lambda maker: (axis.at(maker, metric) for metric in SUMMARY))
    return Table(rows, cells, "", tint=False)


def _shape_categories(found: Detail, axis: ShapeAxis) -> Table:
    rows = [{"label": name} for name in axis.categories]
    makers, section = found.makers, found.section
    cells = by_maker(section, makers, axis.makers, lambda maker: (axis.of(maker, one) for one in axis.categories))
    return Table(rows, cells, "category")


def _consistency(found: Consistency, makers: Makers) -> Table:
    names = [name for name in found.makers if name in makers][:_MOST]
    rows = [{"label": name, "maker": makers[name]} for name in names]
    cells = by_maker(found.section, makers, names, lambda one: (found.at(one, two) for two in names))
    return Table(rows, cells, "", digits=3, tint=False)


def _consistency_words(found: Consistency) -> tuple[str, str]:
    left = f" Of {len(found.makers)} decision makers, the first {_MOST}." if len(found.makers) > _MOST else ""
    definition = f"{found.definition}. 1: the same images are right; 0: no more of them than by chance.{left}"
    return f"{found.case}, geometry {found.geometry}", definition


def makers_of(section: Section) -> Iterator[tuple[str, bool]]:
    """Decision makers that are no models of the section, and whether they are humans."""
    for axis in shape_axes(section):
        yield from ((maker, maker in axis.humans) for maker in axis.makers if maker not in section.models)
    for found in consistencies(section):
        yield from ((maker, True) for maker in found.makers if maker not in section.models)
