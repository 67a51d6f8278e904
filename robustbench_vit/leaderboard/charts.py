"""Curves of accuracy along an axis, with 95 % bands, as Vega-Lite specifications; and what all charts share."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any, Literal, NamedTuple

import altair as alt

from robustbench_vit.leaderboard.sections import CLEAN, ROBUST, Section
from robustbench_vit.records import Measurement

COLOURS = 8
"""Number of colours the page defines (``--series-0`` …); models beyond that are told apart by their dashes."""

FONT = "system-ui, sans-serif"
"""Vega measures text with it, so it must be a real list of fonts and not ``inherit``."""

_DIGITS = 5  # of rates in [0,1]: finer than a screen shows

DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 2), (8, 3, 2, 3))
"""Dash patterns of the lines, in pixels."""


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


def curves(section: Section, looks: Mapping[str, Look]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and Vega-Lite specification of each curve of a section.

    Args:
        section: With any number of sweeps.
        looks: Of all its models.
    """
    own_looks = {model: looks[model] for model in section.models}
    points = _points(section)
    for curve, geometry in dict.fromkeys((item.curve, item.geometry) for item in points):
        own = [item for item in points if (item.curve, item.geometry) == (curve, geometry)]
        if own[0].metric == ROBUST and len({item.at for item in own}) < 2:
            continue  # one eps is no curve
        title = "robust accuracy" if own[0].metric == ROBUST else "accuracy"
        yield curve, _specification(_values(section, own), own[0].axis, title, own_looks)


def _points(section: Section) -> list[Measurement]:
    """What is drawn: accuracy, and of attacks the robust one."""
    robust = [item for item in section.measurements if item.metric == ROBUST and item.curve]
    attacked = {(item.case, item.geometry) for item in robust}
    return robust + [
        item
        for item in section.measurements
        if item.metric == "top1" and item.curve and (item.case, item.geometry) not in attacked
    ]


def _values(section: Section, points: Sequence[Measurement]) -> list[dict[str, Any]]:
    """Data of one chart: the points, and the clean case of each model where the axis has a place for it."""
    placed = [(item.at, item) for item in points]
    ends = dict.fromkeys((item.model, item.geometry, item.clean_at) for item in points if not isnan(item.clean_at))
    taken = {(item.model, item.at) for item in points}
    for item in section.measurements:
        if item.metric == "top1" and item.family == CLEAN:
            places = [at for model, geometry, at in ends if (model, geometry) == (item.model, item.geometry)]
            placed += [(at, item) for at in places if (item.model, at) not in taken]
    return [_value(at, item) for at, item in placed]


def _value(at: float, item: Measurement) -> dict[str, Any]:
    return {"model": item.model, "case": item.case, "at": at, "n": item.n, **drawn(item)}


def drawn(item: Measurement) -> dict[str, float | None]:
    """Value and interval; a missing number is null, which breaks a line where it belongs."""
    numbers = {"value": item.value, "low": item.low, "high": item.high}
    return {name: None if isnan(value) else round(value, _DIGITS) for name, value in numbers.items()}


def _specification(values: list[dict[str, Any]], axis: str, title: str, looks: Mapping[str, Look]) -> dict[str, Any]:
    # The page's buttons set this parameter; a legend of Vega's own could not be reached by keyboard.
    hidden = alt.param(name="hidden", value=[])
    # Severities and numbers of cells have nothing between them.
    ticks = alt.Axis(tickMinStep=1) if all(float(item["at"]).is_integer() for item in values) else alt.Axis()
    # Interesting eps span orders of magnitude and begin at 0; the root shows all of them.
    kind: Literal["sqrt", "linear"] = "sqrt" if axis.startswith("eps") else "linear"
    x = alt.X("at:Q", title=axis, scale=alt.Scale(type=kind, zero=False, nice=False, padding=8), axis=ticks)
    y = alt.Y("value:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))
    models, colours, dashes = (
        list(looks),
        [one.colour for one in looks.values()],
        [list(one.dash) for one in looks.values()],
    )
    colour = alt.Color("model:N", legend=None, scale=alt.Scale(domain=models, range=colours))
    dash = alt.StrokeDash("model:N", legend=None, scale=alt.Scale(domain=models, range=dashes))
    tooltip = [
        alt.Tooltip("model:N"),
        alt.Tooltip("case:N"),
        alt.Tooltip("value:Q", title=title, format=".1%"),
        alt.Tooltip("low:Q", format=".1%"),
        alt.Tooltip("high:Q", format=".1%"),
        alt.Tooltip("n:Q", title="images"),
    ]
    base = alt.Chart({"values": values}).transform_filter("indexof(hidden, datum.model) < 0").encode(x, colour)
    band = base.mark_area(opacity=0.16).encode(alt.Y("low:Q", title=title), alt.Y2("high:Q"))
    line = base.mark_line(strokeWidth=2).encode(y, dash)
    points = base.mark_point(size=36, filled=True, opacity=1).encode(y, tooltip=tooltip)
    chart = alt.layer(band, line, points).add_params(hidden).properties(width="container", height=230)
    specification: dict[str, Any] = themed(chart).to_dict()
    return specification


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
