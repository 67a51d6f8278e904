"""The figure of cue conflict: one row a category on the axis from texture to shape, as a Vega-Lite specification."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from robustbench_vit.leaderboard.page.charts import POINTS, colour, dash, interval_of, shape, themed, words

_ROW = 30  # pixels a category


def shape_chart(categories: Sequence[str]) -> dict[str, Any]:
    """The specification, without data: the page puts in the points of those who are switched on.

    As in Geirhos et al., figure 4: a mark where a category's share of decisions for the shape lies, and a vertical line
    at the average over all images.

    Args:
        categories: In the order of the label space.
    """
    row = alt.Y(
        "category:N", sort=list(categories), title=None, axis=alt.Axis(tickBand="extent", ticks=False, labelPadding=9)
    )
    points = alt.Chart(POINTS)
    marks = points.transform_filter("datum.category != ''")
    base = marks.encode(row, alt.YOffset("lane:N", scale=alt.Scale(paddingOuter=0.5)), colour())
    interval = base.mark_rule(strokeWidth=1.5, opacity=0.55, aria=False).encode(_x("low"), alt.X2("high:Q"))
    tooltip = [alt.Tooltip("model:N"), alt.Tooltip("category:N"), *interval_of("value", "shape bias")]
    mark = base.mark_point(size=52, filled=True, opacity=1).encode(_x("value"), shape(), words(), tooltip=tooltip)
    averages = points.transform_filter("datum.category == ''").encode(colour(), dash())
    line = averages.mark_rule(strokeWidth=2, opacity=0.8).encode(
        _x("value"), words(), tooltip=[alt.Tooltip("model:N"), *interval_of("value", "shape bias")]
    )
    chart = alt.layer(line, interval, mark).properties(width="container", height=_ROW * len(categories))
    specification: dict[str, Any] = themed(chart).to_dict()
    return specification


def _x(field: str) -> Any:
    return alt.X(
        f"{field}:Q",
        title="← texture\u2003\u2003\u2003shape →",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=6),
    )
