"""What the page shows of one section below the summary: tables and charts of the models that are switched on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from robustbench_vit.leaderboard.attacks import Attacks, Transfer, attacks, transfers
from robustbench_vit.leaderboard.grids import Grid, grids
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.page.curves import curves, heats
from robustbench_vit.leaderboard.page.data import Grouped, Makers, Table, by_maker, cell, column, grouped
from robustbench_vit.leaderboard.page.on_the_line import lines
from robustbench_vit.leaderboard.page.shape_chart import shape_chart
from robustbench_vit.leaderboard.sections import ROBUST, Section
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

    def add_table(self, table: Table, title: str, on: str = "", note: str = "", *, folded: bool = False) -> None:
        """A table with its heading."""
        self.tables.append(table)
        self.blocks.append(Block(title, on, note, table=len(self.tables) - 1, folded=folded))

    def add_charts(self, title: str, charts: Sequence[tuple[dict[str, Any], str, str]], *, wide: bool = False) -> None:
        """Charts with their captions, if there are any; very many open at a click."""
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


def detail(section: Section, makers: Makers, reliability: pd.DataFrame) -> Detail:
    """Everything about a section.

    Args:
        section: The section; of what other people report, nothing is left to say.
        makers: Place of every model, and of humans, in the page's list.
        reliability: As in `robustbench_vit.leaderboard.board.Board`.
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
    _add_cases(found, reliability)
    return found


def _add_cases(found: Detail, reliability: pd.DataFrame) -> None:
    """Curves, heat maps, accuracy on the line, calibration, and all cases."""
    section, makers = found.section, found.makers
    short = short_labels(case for case, _ in section.cases)
    cases = {
        "top1": grouped(section, "top1", makers, short.__getitem__, "case"),
        ROBUST: grouped(section, ROBUST, makers, str, "attack"),
    }
    drawn = curves(section, cases)
    tables = {name: len(found.tables) + place for place, name in enumerate(cases)}
    found.tables += [one.table for one in cases.values()]
    labels = short_labels(curve.curve for curve in drawn)
    charts = [_placed(curve.to_json(), tables) for curve in drawn]
    whole = [curve.curve if curve.curve != labels[curve.curve] else "" for curve in drawn]
    found.add_charts("Curves", list(zip(charts, (labels[curve.curve] for curve in drawn), whole, strict=True)))
    top1 = {"table": tables["top1"]}
    found.add_charts(
        "Corruption × severity", [({**one, **top1}, one["label"], "accuracy") for one in heats(drawn)], wide=True
    )
    _add_lines(found, cases["top1"], tables["top1"])
    _add_reliability(found, reliability)
    if len(section.cases) > 1:  # the summary has the only one
        title = f"Accuracy of all {len(section.cases)} cases, %"
        found.blocks.append(Block(title, table=tables["top1"], folded=True))


def _placed(chart: dict[str, Any], tables: Mapping[str, int]) -> dict[str, Any]:
    return {**chart, "table": tables[chart["table"]], "ends": tables["top1"]}


def _add_lines(found: Detail, cases: Grouped, table: int) -> None:
    fitted = lines(found.section, found.makers, cases)
    if fitted is None:
        return
    means, charts = fitted
    found.tables.append(means)
    where = {"table": len(found.tables) - 1, "ends": table, "x": "clean accuracy", "y": "mean accuracy"}
    found.add_charts(
        "Accuracy on the line", [({**chart, **where}, chart["label"], "log-odds on both axes") for chart in charts]
    )


def _add_reliability(found: Detail, reliability: pd.DataFrame) -> None:
    section = found.section
    own = reliability[(reliability["suite"] == section.suite) & (reliability["data"] == section.data)]
    charts = [
        ({"kind": "reliability", "bins": _bins(rows, found.makers)}, str(case), "15 bins; size: images")
        for (case, _), rows in own.groupby(["case", "geometry"], sort=False, observed=True)
    ]
    found.add_charts("Calibration", charts)


def _bins(rows: pd.DataFrame, makers: Makers) -> dict[int, list[list[float]]]:
    """Images, mean confidence and accuracy of the bins that are not empty, by maker."""
    rows = rows[(rows["images"] > 0) & rows["model"].isin(list(makers))]
    bins: dict[int, list[list[float]]] = {}
    columns = (rows["model"], rows["images"], rows["confidence"].round(4), rows["accuracy"].round(4))
    for model, images, confidence, accuracy in zip(*(one.tolist() for one in columns), strict=True):
        bins.setdefault(makers[model], []).append([images, confidence, accuracy])
    return bins


def _grid(grid: Grid, makers: Makers) -> Table:
    rows = [{"label": row.name, "title": row.case, "strong": row.several} for row in grid.rows]
    cells = by_maker(
        grid.section.models,
        makers,
        lambda model: [cell(grid.accuracy(model, row), grid.error(model, row)) for row in grid.rows],
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
        table.section.models,
        makers,
        lambda model: [cell(table.section.cell(model, row), table.passes(model, row)) for row in table.rows],
    )
    return Table(rows, cells, "attack")


def _shares(table: Attacks, makers: Makers) -> Table:
    places = [(row, word) for row in table.rows for word in ("", *table.broken_by(row)) if table.broken_by(row)]
    rows = [{"label": word or row.label, "strong": not word} for row, word in places]
    cells = by_maker(
        table.section.models,
        makers,
        lambda model: [cell(table.share(model, row, word)) if word else None for row, word in places],
    )
    return Table(rows, cells, "broken by")


def _transfer(found: Transfer, makers: Makers) -> Table:
    rows = [{"label": source, "strong": True} for source in found.cases]
    cells = by_maker(
        found.section.models, makers, lambda model: column(found.at(source, model) for source in found.cases)
    )
    return Table(rows, cells, "made on ↓, judged by →")


def _add_shape(found: Detail, axis: ShapeAxis) -> None:
    rows = [{"label": head} for head in SUMMARY.values()]
    numbers = by_maker(axis.makers, found.makers, lambda maker: column(axis.at(maker, metric) for metric in SUMMARY))
    of = by_maker(axis.makers, found.makers, lambda maker: column(axis.of(maker, one) for one in axis.categories))
    published = f" Published: {axis.source}" if axis.source else ""
    note = f"Shape bias: {axis.definition}. Vertical lines: over all images.{published}"
    on = f"{axis.case}, geometry {axis.geometry}"
    found.add_table(Table(rows, numbers, "", tint=False), "Shape or texture, %", on, note)
    # The figure's numbers are those of the two tables around it.
    figure = {
        "kind": "shape",
        "template": shape_chart(axis.categories),
        "averages": len(found.tables) - 1,
        "table": len(found.tables),
    }
    found.add_charts("", [(figure, "Decisions for the shape, of those for shape or texture", "")], wide=True)
    categories = Table([{"label": name} for name in axis.categories], of, "category")
    found.add_table(categories, f"Shape bias of {len(axis.categories)} categories, %", folded=True)


def _consistency(found: Consistency, makers: Makers) -> Table:
    names = [name for name in found.makers if name in makers][:_MOST]
    rows = [{"label": name, "maker": makers[name]} for name in names]
    cells = by_maker(names, makers, lambda one: column(found.at(one, two) for two in names))
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
