"""A curve in the height of a line of text."""

from collections.abc import Sequence
from math import isnan

from robustbench_vit.leaderboard.columns import Column
from robustbench_vit.leaderboard.sections import Section

_BLOCKS = "▁▂▃▄▅▆▇█"
_FAMILY = "frequency"  # of other curves, the area says enough

PROFILE = "frequency profile"
"""What the area under a curve over frequency bands is called."""


def sparklines(section: Section, column: Column) -> dict[str, tuple[str, str]]:
    """The curve behind an area of the frequency family, by model: as blocks, and in words.

    Args:
        section: The section.
        column: Any column of its summary; nothing comes of those without a curve.
    """
    if not is_profile(column):
        return {}
    frame = section.frame
    own = frame[(frame["curve"] == column.case) & (frame["metric"] == "top1") & (frame["geometry"] == column.geometry)]
    own = own.sort_values("at", kind="stable")
    return {
        str(model): (blocks(points["value"].tolist()), words(points["value"].tolist()))
        for model, points in own.groupby("model", observed=True, sort=False)
    }


def is_profile(column: Column) -> bool:
    """Whether a column is the area under a curve over frequency bands."""
    return column.metric == "auc" and column.family == _FAMILY


def blocks(values: Sequence[float]) -> str:
    """Rates in [0,1] as blocks of eight heights; a gap where there is no number.

    Example:
        >>> blocks([0, 0.5, 1, float("nan")])
        '▁▅█ '
    """
    return "".join(" " if isnan(value) else _BLOCKS[min(int(8 * value), 7)] for value in values)


def words(values: Sequence[float]) -> str:
    """The same for those who hear the page.

    Example:
        >>> words([0.25, 1])
        'accuracy from low to high frequencies: 25, 100 %'
    """
    shown = ", ".join("none" if isnan(value) else f"{100 * value:.0f}" for value in values)
    return f"accuracy from low to high frequencies: {shown} %"
