"""Charts as Vega-Lite specifications without data: the page puts in the points of the models that are switched on."""

from collections.abc import Mapping
from math import log
from typing import Any, Literal, NamedTuple

import altair as alt

COLOURS = 8
"""Number of colours the page defines (``--series-0`` …); models beyond that are told apart by their dashes."""

FONT = "system-ui, sans-serif"
"""Vega measures text with it, so it must be a real list of fonts and not ``inherit``."""

DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 2), (8, 3, 2, 3))
"""Dash patterns of the lines, in pixels."""

X, Y = "@x", "@y"
"""Stand where the page puts the titles of a chart's axes."""

POINTS = alt.NamedData("points")
"""The data that the page puts in."""

_PERCENT = [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999]


class Look(NamedTuple):
    """How a model is drawn.

    Args:
        colour: A variable of the page's style sheet.
        dash: Dash pattern of its lines, in pixels.
    """

    colour: str
    dash: tuple[int, ...]


def look(position: int) -> Look:
    """The look of the page's model at this position."""
    return Look(f"var(--series-{position % COLOURS})", DASHES[position // COLOURS % len(DASHES)])


def templates() -> Mapping[str, dict[str, Any]]:
    """The specifications by kind.

    ``curve``: accuracy along an axis, with 95 % bands; ``steps``: along one with nothing between integers, such as
    severities; ``eps``: along the root of it, because interesting eps span orders of magnitude and begin at 0.
    ``heat``: accuracy of one model by corruption and severity. ``line``: accuracy against clean accuracy, both as
    log-odds, with a fitted line. ``reliability``: accuracy against confidence.
    """
    charts = {
        "curve": _curve("linear", alt.Axis()),
        "steps": _curve("linear", alt.Axis(tickMinStep=1)),
        "eps": _curve("sqrt", alt.Axis()),
        "heat": _heat(),
        "line": _line(),
        "reliability": _reliability(),
    }
    return {kind: themed(chart).to_dict() for kind, chart in charts.items()}


def colour() -> Any:
    """Each point brings its own colour: a variable of the style sheet."""
    return alt.Color("colour:N", legend=None, scale=None)


def dash() -> Any:
    """Each point brings its own dashes."""
    return alt.StrokeDash("dash:N", legend=None, scale=None)


def interval_of(value: str, title: str) -> list[Any]:
    """Tooltip of a number in percent with its interval."""
    ends = [alt.Tooltip(f"{end}:Q", format=".1%") for end in ("low", "high")]
    return [alt.Tooltip(f"{value}:Q", title=title, format=".1%"), *ends, alt.Tooltip("n:Q", title="images")]


def themed(chart: Any) -> Any:
    """Colours are variables of the style sheet, so that light and dark need no second chart."""
    return chart.configure(
        background="transparent", font=FONT, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    ).configure_view(stroke=None).configure_axis(
        gridColor="var(--rule)",
        domainColor="var(--rule-strong)",
        tickColor="var(--rule-strong)",
        labelColor="var(--muted)",
        titleColor="var(--muted)",
        titleFontWeight="normal",
        labelFontSize=11,
        titleFontSize=12,
        titlePadding=8,
    )  # fmt: skip


def _curve(kind: Literal["sqrt", "linear"], ticks: Any) -> Any:
    x = alt.X("at:Q", title=X, scale=alt.Scale(type=kind, zero=False, nice=False, padding=8), axis=ticks)
    y = alt.Y("value:Q", title=Y, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))
    tooltip = [alt.Tooltip("model:N"), alt.Tooltip("case:N"), *interval_of("value", Y)]
    base = alt.Chart(POINTS).encode(x, colour(), alt.Detail("model:N"))
    band = base.mark_area(opacity=0.16).encode(alt.Y("low:Q", title=Y), alt.Y2("high:Q"))
    line = base.mark_line(strokeWidth=2).encode(y, dash())
    points = base.mark_point(size=36, filled=True, opacity=1).encode(y, tooltip=tooltip)
    return alt.layer(band, line, points).properties(width="container", height=230)


def _heat() -> Any:
    x = alt.X("at:O", title=X, axis=alt.Axis(labelAngle=0, ticks=False, domain=False, orient="top"))
    y = alt.Y("row:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False))
    # Opacity instead of colours, so that the ground shows through in light and dark.
    depth = alt.Opacity("value:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.03, 0.62]))
    tooltip = [alt.Tooltip("model:N"), alt.Tooltip("case:N"), *interval_of("value", "accuracy")]
    base = alt.Chart(POINTS).encode(x, y, tooltip=tooltip)
    cells = base.mark_rect(fill="var(--tint)").encode(depth)
    numbers = base.mark_text(fill="var(--text)", fontSize=11).encode(alt.Text("value:Q", format=".0%"))
    return alt.layer(cells, numbers).properties(width="container", height=375)


def _line() -> Any:
    at: list[float] = [log(p / (1 - p)) for p in _PERCENT]
    axis = alt.Axis(values=at, labelExpr="format(1/(1+exp(-datum.value)),'~p')")
    scale = alt.Scale(zero=False, nice=False, padding=14)
    x = alt.X("x:Q", title=X, scale=scale, axis=axis)
    y = alt.Y("y:Q", title=Y, scale=scale, axis=axis)
    names = {"clean": "clean accuracy", "value": "accuracy"}
    tooltip = [alt.Tooltip("model:N"), *(alt.Tooltip(f"{n}:Q", title=t, format=".1%") for n, t in names.items())]
    base = alt.Chart(POINTS)
    marks = base.transform_filter("datum.kind == 'model'")
    across = marks.mark_rule(opacity=0.45).encode(alt.X("x_low:Q", title=X), alt.X2("x_high:Q"), y, colour())
    along = marks.mark_rule(opacity=0.45).encode(x, alt.Y("y_low:Q", title=Y), alt.Y2("y_high:Q"), colour())
    dots = marks.mark_point(filled=True, opacity=1).encode(
        x, y, colour(), alt.Size("size:Q", legend=None, scale=None), tooltip=tooltip
    )
    fit = base.transform_filter("datum.kind == 'fit'").mark_line(color="var(--muted)", strokeDash=[5, 4]).encode(x, y)
    return alt.layer(fit, across, along, dots).properties(width="container", height=320)


def _reliability() -> Any:
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("confidence:Q", title="mean confidence", scale=scale, axis=alt.Axis(format=".0%", tickCount=5))
    y = alt.Y("accuracy:Q", title="accuracy", scale=scale, axis=alt.Axis(format=".0%", tickCount=5))
    tooltip = [
        alt.Tooltip("model:N"),
        alt.Tooltip("confidence:Q", format=".1%"),
        alt.Tooltip("accuracy:Q", format=".1%"),
        alt.Tooltip("images:Q"),
    ]
    base = alt.Chart(POINTS)
    ideal = base.transform_filter("datum.kind == 'ideal'").mark_line(color="var(--muted)", strokeDash=[5, 4])
    own = base.transform_filter("datum.kind == 'model'").encode(x, y, colour(), alt.Detail("model:N"))
    line = own.mark_line(strokeWidth=2).encode(dash())
    size = alt.Size("images:Q", legend=None, scale=alt.Scale(range=[12, 260]))
    points = own.mark_point(filled=True, opacity=0.85).encode(size, tooltip=tooltip)
    return alt.layer(ideal.encode(x, y), line, points).properties(width="container", height=320)
