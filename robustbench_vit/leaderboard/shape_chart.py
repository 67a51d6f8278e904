"""The figure of cue conflict: one row a category on the axis from texture to shape, as a Vega-Lite specification."""

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

import altair as alt

from robustbench_vit.leaderboard.charts import Look, drawn, themed
from robustbench_vit.leaderboard.published import MARK
from robustbench_vit.leaderboard.shapes import ShapeAxis
from robustbench_vit.records import Measurement

_HUMANS, _PUBLISHED = Look("var(--text)", ()), Look("var(--muted)", (2, 2))
_MOST = 8  # models drawn at first: as many as there are colours
_ROW = 30  # pixels a category


def axis_looks(axis: ShapeAxis, models: Mapping[str, Look]) -> dict[str, Look]:
    """The look of each decision maker: models as in the curves, humans in the colour of the text."""
    return {maker: _HUMANS if maker in axis.humans else models.get(maker, _PUBLISHED) for maker in axis.makers}


def hidden_at_first(axis: ShapeAxis) -> list[str]:
    """Who is drawn only when asked for: published networks, and models beyond the first few."""
    networks = [maker for maker in axis.makers if maker not in axis.humans]
    own = [maker for maker in networks if not maker.endswith(MARK)]
    return [maker for maker in networks if maker not in own[:_MOST]]


def shape_chart(axis: ShapeAxis, looks: Mapping[str, Look]) -> dict[str, Any]:
    """The specification.

    As in Geirhos et al., figure 4: a mark where a category's share of decisions for the shape lies, and a vertical line
    at the average over all images.

    Args:
        axis: Who decided how.
        looks: Of all its decision makers.
    """
    # The page's buttons set this parameter, as in the curves.
    hidden = alt.param(name="hidden", value=hidden_at_first(axis))
    colour = alt.Color("model:N", legend=None, scale=alt.Scale(domain=list(looks), range=_column(looks, "colour")))
    dash = alt.StrokeDash("model:N", legend=None, scale=alt.Scale(domain=list(looks), range=_column(looks, "dash")))
    kinds = alt.Scale(domain=["network", "humans"], range=["circle", "diamond"])
    lane = alt.YOffset("model:N", sort=list(looks), scale=alt.Scale(paddingOuter=0.5))
    shown = "indexof(hidden, datum.model) < 0"
    points = alt.Chart({"values": list(_points(axis))}).transform_filter(shown)
    row = alt.Y(
        "category:N", sort=list(axis.categories), title=None, axis=alt.Axis(grid=True, tickBand="extent", ticks=False)
    )
    base = points.encode(row, lane, colour)
    interval = base.mark_rule(strokeWidth=1.5, opacity=0.55).encode(_x("low"), alt.X2("high:Q"))
    mark = base.mark_point(size=52, filled=True, opacity=1).encode(
        _x("value"), shape=alt.Shape("kind:N", legend=None, scale=kinds), tooltip=_tooltip("category:N")
    )
    averages = alt.Chart({"values": list(_averages(axis))}).transform_filter(shown).encode(colour, dash)
    line = averages.mark_rule(strokeWidth=2, opacity=0.8).encode(_x("value"), tooltip=_tooltip())
    chart = alt.layer(line, interval, mark).add_params(hidden)
    chart = chart.properties(width="container", height=_ROW * len(axis.categories))
    specification: dict[str, Any] = themed(chart).to_dict()
    return specification


def _x(field: str) -> Any:
    return alt.X(
        f"{field}:Q",
        title="← texture\u2003\u2003\u2003shape →",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=6),
    )


def _tooltip(*more: str) -> list[Any]:
    ends = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("low", "high")]
    value = alt.Tooltip("value:Q", title="shape bias", format=".1%")
    return [
        alt.Tooltip("model:N"),
        *(alt.Tooltip(name) for name in more),
        value,
        *ends,
        alt.Tooltip("n:Q", title="images"),
    ]


def _column(looks: Mapping[str, Look], name: str) -> list[Any]:
    values = [getattr(look, name) for look in looks.values()]
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _points(axis: ShapeAxis) -> Iterator[dict[str, Any]]:
    for maker in axis.makers:
        for category in axis.categories:
            if (item := axis.of(maker, category)) is not None:
                yield {"category": category, **_point(axis, item)}


def _averages(axis: ShapeAxis) -> Iterator[dict[str, Any]]:
    for maker in axis.makers:
        if (item := axis.at(maker, "shape_bias")) is not None and not isnan(item.value):
            yield _point(axis, item)


def _point(axis: ShapeAxis, item: Measurement) -> dict[str, Any]:
    kind = "humans" if item.model in axis.humans else "network"
    return {"model": item.model, "kind": kind, "n": item.n, **drawn(item)}
