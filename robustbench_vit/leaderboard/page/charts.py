"""Charts as Vega-Lite specifications without data: the page puts in the points of the models that are switched on."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import altair as alt

COLOURS = 8
"""Number of colours the page defines (``--series-0`` …)."""

FONT = "system-ui, sans-serif"
"""Vega measures text with it, so it must be a real list of fonts and not ``inherit``."""

DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 2), (8, 3, 2, 3))
"""Dash patterns of the lines, in pixels."""

SHAPES = ("circle", "square", "triangle-up", "cross", "triangle-down")
"""Shapes of the points; the diamond is that of humans."""

X, Y, TICKS = "@x", "@y", "@ticks"
"""Stand where the page puts the titles of a chart's axes, and where the first one has its ticks."""

POINTS = alt.NamedData("points")
"""The data that the page puts in."""


class Look(NamedTuple):
    """How a model is drawn.

    Args:
        colour: A variable of the page's style sheet.
        dash: Dash pattern of its lines, in pixels.
        shape: Shape of its points, by Vega's name.
    """

    colour: str
    dash: tuple[int, ...]
    shape: str


def look(position: int) -> Look:
    """The look of the page's model at this position: no two of 40 are alike, and nobody needs the colours alone."""
    dash = DASHES[position // (COLOURS // 2) % len(DASHES)]
    return Look(f"var(--series-{position % COLOURS})", dash, SHAPES[position % len(SHAPES)])


def templates() -> Mapping[str, dict[str, Any]]:
    """The specifications by kind.

    ``curve``: accuracy along an axis, with 95 % bands; ``eps``: along the root of it, because interesting eps span
    orders of magnitude and begin at 0. ``heat``: accuracy of one model by corruption and severity. ``line``: accuracy
    against clean accuracy, both as log-odds. ``reliability``: accuracy against confidence.

    A screen reader is told the points alone, in words; bands and lines say nothing more.
    """
    charts = {
        "curve": _curve("linear"),
        "eps": _curve("sqrt"),
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


def shape() -> Any:
    """Each point brings its own shape."""
    return alt.Shape("shape:N", legend=None, scale=None)


def words() -> Any:
    """Each point says in words what it is."""
    return alt.Description("words:N")


def interval_of(value: str, title: str, *ends: str, n: str = "n") -> list[Any]:
    """Tooltip of a number in percent with its interval and the images behind it.

    Args:
        value: Field of the number.
        title: What it is.
        *ends: Fields of the interval's ends; ``low`` and ``high`` if none are given.
        n: Field of the number of images.
    """
    shown = [alt.Tooltip(f"{end}:Q", title=end.replace("_", " "), format=".1%") for end in ends or ("low", "high")]
    return [alt.Tooltip(f"{value}:Q", title=title, format=".1%"), *shown, alt.Tooltip(f"{n}:Q", title="images")]


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


def _curve(kind: Literal["sqrt", "linear"]) -> Any:
    axis = alt.Axis(values=alt.ExprRef("ticks"), labelExpr="format(datum.value,'.3~g')", labelOverlap="greedy")
    x = alt.X("at:Q", title=X, scale=alt.Scale(type=kind, zero=False, nice=False, padding=8), axis=axis)
    y = alt.Y("value:Q", title=Y, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))
    place = alt.Tooltip("at:Q", title=X, format=".3~g")
    tooltip = [alt.Tooltip("model:N"), alt.Tooltip("case:N"), place, *interval_of("value", Y)]
    base = alt.Chart(POINTS).encode(x, colour(), alt.Detail("model:N"))
    band = base.mark_area(opacity=0.16, aria=False).encode(alt.Y("low:Q", title=Y), alt.Y2("high:Q"))
    line = base.mark_line(strokeWidth=2, aria=False).encode(y, dash())
    points = base.mark_point(size=36, filled=True, opacity=1).encode(y, shape(), words(), tooltip=tooltip)
    chart = alt.layer(band, line, points).properties(width="container", height=230)
    return chart.add_params(alt.param(name="ticks", value=TICKS))


def _heat() -> Any:
    x = alt.X("at:O", title=X, axis=alt.Axis(labelAngle=0, ticks=False, domain=False, orient="top"))
    y = alt.Y("row:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False))
    # Opacity instead of colours, so that the ground shows through in light and dark.
    depth = alt.Opacity("value:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.03, 0.62]))
    tooltip = [alt.Tooltip("model:N"), alt.Tooltip("case:N"), *interval_of("value", "accuracy")]
    base = alt.Chart(POINTS).encode(x, y, tooltip=tooltip)
    cells = base.mark_rect(fill="var(--tint)").encode(depth, words())
    numbers = base.mark_text(fill="var(--text)", fontSize=11, aria=False).encode(alt.Text("value:Q", format=".0%"))
    return alt.layer(cells, numbers).properties(width="container", height=375)


def _line() -> Any:
    x, y = _odds("x", X), _odds("y", Y)
    tooltip = [
        alt.Tooltip("model:N"),
        *interval_of("clean", "clean accuracy", "clean_low", "clean_high", n="clean_n"),
        *interval_of("value", "accuracy"),
    ]
    points = alt.Chart(POINTS)
    marks = points.transform_filter("datum.kind == 'model'")
    rule = marks.mark_rule(opacity=0.45, aria=False)
    across = rule.encode(alt.X("x_low:Q", title=X), alt.X2("x_high:Q"), y, colour())
    along = rule.encode(x, alt.Y("y_low:Q", title=Y), alt.Y2("y_high:Q"), colour())
    dots = marks.mark_point(filled=True, opacity=1).encode(
        x, y, colour(), shape(), words(), alt.Size("size:Q", legend=None, scale=None), tooltip=tooltip
    )
    line = _grey(points, "datum.kind == 'line'").encode(x, y, alt.Detail("name:N"), dash())
    chart = alt.layer(line, across, along, dots).properties(width="container", height=320)
    return chart.add_params(*(alt.param(name=f"{axis}_ticks", value=[]) for axis in "xy"))


def _odds(axis: Literal["x", "y"], title: str) -> Any:
    """A scale of log-odds with ticks that the page chooses, in percent."""
    ticks = alt.Axis(
        values=alt.ExprRef(f"{axis}_ticks"),
        labelExpr="format(1/(1+exp(-datum.value)),'.3~p')",
        labelOverlap="greedy",
    )
    channel = {"x": alt.X, "y": alt.Y}[axis]
    return channel(f"{axis}:Q", title=title, scale=alt.Scale(zero=False, nice=False, padding=14), axis=ticks)


def _grey(points: Any, which: str) -> Any:
    """Lines that nobody's points make."""
    return points.transform_filter(which).mark_line(color="var(--muted)", strokeWidth=1.5, aria=False)


def _reliability() -> Any:
    x, y = (
        channel(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))
        for channel, field, title in ((alt.X, "confidence", "mean confidence"), (alt.Y, "accuracy", "accuracy"))
    )
    confidence = alt.Tooltip("confidence:Q", title="mean confidence", format=".1%")
    tooltip = [alt.Tooltip("model:N"), confidence, *interval_of("accuracy", "accuracy")]
    points = alt.Chart(POINTS)
    ideal = _grey(points, "datum.kind == 'ideal'").encode(x, y, dash())
    own = points.transform_filter("datum.kind == 'model'").encode(x, colour(), alt.Detail("model:N"))
    rule = own.mark_rule(opacity=0.45, aria=False).encode(alt.Y("low:Q", title="accuracy"), alt.Y2("high:Q"))
    # The line has gaps where a bin holds few images.
    line = own.mark_line(strokeWidth=2, aria=False).encode(alt.Y("joined:Q", title="accuracy"), dash())
    size = alt.Size("n:Q", legend=None, scale=alt.Scale(range=[12, 260]))
    dots = own.mark_point(filled=True, opacity=0.85).encode(y, size, shape(), words(), tooltip=tooltip)
    return alt.layer(ideal, rule, line, dots).properties(width="container", height=320)
