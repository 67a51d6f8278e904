"""The page: one HTML file that needs no other file and no network."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.references import ALEXNET, unlike_validation
from robustbench_vit.leaderboard.attacks import Attacks, Transfer, attacks, transfers, warnings
from robustbench_vit.leaderboard.charts import Look, curves, look
from robustbench_vit.leaderboard.grids import Grid, grids
from robustbench_vit.leaderboard.labels import short_labels
from robustbench_vit.leaderboard.sections import PERCENT_UNITS, Column, Facts, Section, interval, number
from robustbench_vit.leaderboard.shape_chart import axis_looks, hidden_at_first, shape_chart
from robustbench_vit.leaderboard.shapes import SUMMARY, Consistency, ShapeAxis, consistencies, shape_axes
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Shown:
    """One number as the page shows it.

    Args:
        text: The number.
        interval: Its interval, or nothing.
        sort: What the table sorts by, or nothing.
        first: Whether it shares first place.
        note: Why there is no number.
        left: Where the interval begins, in percent of the cell's width; None for what is not in percent.
        width: How wide the interval is, likewise.
        level: The value itself, in percent.
        second: Another number of the same cell, with its interval.
        warning: Why the number may not mean what it seems to.
    """

    text: str
    interval: str = ""
    sort: str = ""
    first: bool = False
    note: str = ""
    left: float | None = None
    width: float = 0.0
    level: float = 0.0
    second: str = ""
    warning: str = ""


def page(sections: Sequence[Section], facts: Facts) -> str:
    """Render the leaderboard.

    Args:
        sections: What `robustbench_vit.leaderboard.sections.sections` found.
        facts: Facts of models and run.

    Returns:
        HTML. All text from users is escaped, and its content security policy forbids any request.
    """
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    models = list(dict.fromkeys(model for section in sections for model in section.models))
    return environment.get_template("page.html.jinja").render(
        sections=[_section(section, facts, models) for section in sections],
        definitions=list(_definitions(item for section in sections for item in section.measurements)),
        models=_models(sections, facts),
        run=facts.run,
        style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own files
        script=Markup((_FOLDER / "page.js").read_text(encoding="utf-8")),  # noqa: S704
        vega=Markup(_vega()) if any(section.has_charts for section in sections) else "",  # noqa: S704
    )


def _section(section: Section, facts: Facts, models: Sequence[str]) -> dict[str, Any]:
    # A model keeps its colour on the whole page.
    looks = {model: look(position) for position, model in enumerate(models)}
    drawn = list(curves(section, looks))
    labels = short_labels(curve for curve, _ in drawn)
    known = [facts.models.get(model, {}) for model in section.models]
    return {
        "suite": section.suite,
        "data": section.data,
        "columns": [_heading(section, column) for column in section.columns],
        "facts": [name for name in ("parameters", "throughput") if any(one.get(name) is not None for one in known)],
        "rows": [_row(section, model, facts) for model in section.models],
        "grids": [_grid(grid) for grid in grids(section)],
        "attacks": _attacks(attacks(section)),
        "transfers": [_transfer(one) for one in transfers(section)],
        "warnings": warnings(section),
        "shapes": [_shape(axis, looks) for axis in shape_axes(section)],
        "consistencies": [_consistency(one) for one in consistencies(section)],
        "looks": looks,
        "charts": [(labels[curve], curve, specification) for curve, specification in drawn],
        "problems": section.problems,
        "cases": [_case(section, case, geometry) for case, geometry in section.cases],
        "models": section.models,
    }


def _heading(section: Section, column: Column) -> dict[str, Any]:
    row = _definition_row(column.metric)
    title = f"{column.metric}: {section.definition(column)} ({column.case}, geometry {column.geometry})"
    return {"of": column.of, "label": column.label, "percent": row.unit in PERCENT_UNITS, "title": title}


def _row(section: Section, model: str, facts: Facts) -> dict[str, Any]:
    known = facts.models.get(model, {})
    cells = [_shown(section.cell(model, column), model in section.leaders(column)) for column in section.columns]
    counts = {status: section.count(model, status) for status in ("failed", "skipped", "partial")}
    return {
        "model": model,
        "cells": cells,
        "images": section.images(model),
        "parameters": _parameters(known.get("parameters")),
        "throughput": _throughput(known.get("throughput")),
        "missing": sum(counts.values()),
        "missing_note": ", ".join(f"{count} {status}" for status, count in counts.items() if count),
    }


def _grid(grid: Grid) -> dict[str, Any]:
    rows = []
    for row in grid.rows:
        cells = [
            replace(_shown(grid.accuracy(model, row), first=False), second=grid.error(model, row))
            for model in grid.section.models
        ]
        rows.append({"name": row.name, "case": row.case, "several": row.several, "cells": cells})
    return {"label": grid.label, "geometry": grid.geometry, "rows": rows, "definition": grid.definition}


def _attacks(table: Attacks) -> dict[str, Any]:
    rows, models = [], table.section.models
    for row in table.rows:
        cells = [
            replace(_shown(table.section.cell(model, row), first=False), second=table.passes(model, row))
            for model in models
        ]
        shares = [
            (word, [_shown(table.share(model, row, word), first=False) for model in models])
            for word in table.broken_by(row)
        ]
        rows.append({"case": row.case, "label": row.label, "cells": cells, "shares": shares})
    return {"rows": rows}


def _transfer(found: Transfer) -> dict[str, Any]:
    rows = [
        (source, [_shown(found.at(source, model), first=False) for model in found.section.models])
        for source in found.cases
    ]
    return {"attack": found.attack, "geometry": found.geometry, "rows": rows}


def _shape(axis: ShapeAxis, models: Mapping[str, Look]) -> dict[str, Any]:
    looks = axis_looks(axis, models)
    return {
        "label": f"{axis.case}, geometry {axis.geometry}",
        "definition": axis.definition,
        "source": axis.source,
        "looks": looks,
        "hidden": hidden_at_first(axis),
        "chart": shape_chart(axis, looks),
        "heads": SUMMARY.values(),
        "rows": [(maker, [_shown(axis.at(maker, metric), first=False) for metric in SUMMARY]) for maker in axis.makers],
        "categories": [
            (category, [_shown(axis.of(maker, category), first=False) for maker in axis.makers])
            for category in axis.categories
        ],
    }


def _consistency(found: Consistency) -> dict[str, Any]:
    rows = [(one, [_shown(found.at(one, two), first=False) for two in found.makers]) for one in found.makers]
    return {"label": f"{found.case}, geometry {found.geometry}", "definition": found.definition, "rows": rows}


def _case(section: Section, case: str, geometry: str) -> dict[str, Any]:
    cells = [section.at(model, "top1", case, geometry) for model in section.models]
    return {"case": case, "geometry": geometry, "cells": [_shown(cell, first=False) for cell in cells]}


def _shown(measurement: Measurement | None, first: bool) -> Shown:
    if measurement is None:
        return Shown("", note="not in the plan")
    if isnan(measurement.value):
        return Shown("–", note=measurement.reason or measurement.status)
    text, unit = number(measurement.value, measurement.unit), measurement.unit
    note = _note(measurement)
    shown = Shown(text, interval(measurement), repr(measurement.value), first, note, warning=measurement.warning)
    if unit not in PERCENT_UNITS or measurement.low < 0:  # the bar spans 0 to 100 %
        return shown
    low, high = (min(max(100 * end, 0.0), 100.0) for end in (measurement.low, measurement.high))
    return replace(shown, left=round(low, 2), width=round(high - low, 2), level=100 * measurement.value)


def _note(measurement: Measurement) -> str:
    """What to bear in mind about a number, or nothing."""
    notes = ["only some of the images are done"] if measurement.status == "partial" else []
    if measurement.reference == ALEXNET:
        notes.append(unlike_validation(measurement.data, measurement.n))
    return "; ".join(filter(None, notes))


def _breakable(text: str) -> Markup:
    """Text that may break behind the marks inside specs, and not in the middle of a word."""
    return Markup("<wbr>").join(re.split(r"(?<=[_(,=/:@])(?=.)", text))


def _parameters(count: Any) -> Shown:
    """A number of parameters in millions."""
    return Shown("") if count is None else Shown(f"{count / 1e6:.3g} M", sort=repr(float(count)))


def _throughput(rate: Any) -> Shown:
    """Images a second."""
    return Shown("") if rate is None else Shown(f"{rate:,.0f}", sort=repr(float(rate)))


def _definition_row(metric: str) -> Any:
    return METRICS[metric] if metric in METRICS else AGGREGATES[metric]


def _definitions(measurements: Iterable[Measurement]) -> Iterator[dict[str, str]]:
    """What every name on the page means: the definition that travelled with the numbers."""
    # A number's definition says more than that of a number that is not there.
    named = {item.metric: item for item in sorted(measurements, key=lambda item: not isnan(item.value))}
    for name, item in named.items():
        known = name in METRICS or name in AGGREGATES
        better = _definition_row(name).higher_is_better if known else None
        direction = {True: "higher is better", False: "lower is better", None: ""}[better]
        # A metric's definition may end with what was left out of one case; here it speaks of all.
        definition = METRICS[name].definition if name in METRICS else item.definition
        yield {"name": name, "unit": item.unit, "definition": definition, "direction": direction}


def _models(sections: Sequence[Section], facts: Facts) -> dict[str, dict[str, str]]:
    """Facts of the models on the page that are no columns of its tables."""
    names = dict.fromkeys(model for section in sections for model in section.models)
    own = {
        model: {name: str(value) for name, value in facts.models.get(model, {}).items() if value is not None}
        for model in names
    }
    return {model: values for model, values in own.items() if values}


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, in the version Altair writes for."""
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    # Inside a script element the text must not look like the element's end.
    return bundle.replace("</script", "<\\/script")
