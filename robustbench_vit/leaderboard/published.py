"""Published shape biases of humans and networks, shown beside models that decided on the same images."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import nan
from pathlib import Path
from typing import Any

from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement

MARK = " (published)"
"""Stands behind the names of decision makers whose numbers are published ones."""


def published(like: Measurement, categories: Sequence[str]) -> list[Measurement]:
    """The published numbers, if those of a case are about the same images.

    Args:
        like: Shape bias of a model on a case.
        categories: The case's categories.

    Returns:
        Shape bias, class mean, shares of decisions and the bias of each category; for humans, then for networks.
        Nothing unless the data set is called ``cue_conflict``, has the 16 categories and 1,200 images with conflict:
        images made anew with the same names are not told apart.
    """
    known = _published()
    same = like.data.partition("(")[0] == "cue_conflict" and list(categories) == known["categories"]
    if not same or like.n != known["conflicts"]:
        return []
    return [number for maker in known["makers"] for number in _numbers(like, maker, known)]


def source() -> str:
    """Where the numbers come from, and how far the subjects lie apart."""
    known = _published()
    biases = [_bias(*pair) for maker in known["makers"] for pair in maker.get("subjects", ())]
    spread = f"from {min(biases):.1%} to {max(biases):.1%}, mean {sum(biases) / len(biases):.1%}"
    return f"{known['source'].strip()} Shape bias of single subjects: {spread}."


def _numbers(like: Measurement, maker: dict[str, Any], known: dict[str, Any]) -> Iterator[Measurement]:
    like = replace(like, model=maker["name"] + MARK, maker="humans" if maker.get("subjects") else "model")
    images, categories = known["conflicts"], known["categories"]
    pairs = list(zip(maker["shape"], maker["texture"], strict=True))
    shape, texture, trials = sum(maker["shape"]), sum(maker["texture"]), images * len(maker.get("subjects", [()]))
    values = {
        "shape_bias": shape / (shape + texture),
        "shape_bias_classmean": sum(_bias(*pair) for pair in pairs) / len(pairs),
        "shape_decisions": shape / trials,
        "texture_decisions": texture / trials,
    }
    for metric, value in values.items():
        yield _number(like, metric, value, maker["intervals"][metric], images)
    metric = "category_shape_bias"
    for category, pair, interval in zip(categories, pairs, maker["intervals"][metric], strict=True):
        yield replace(_number(like, metric, _bias(*pair), interval, images // len(categories)), category=category)


def _number(like: Measurement, metric: str, value: float, interval: Sequence[float], images: int) -> Measurement:
    low, high = interval
    row = METRICS[metric]
    return replace(
        like, metric=metric, value=value, low=low, high=high, n=images, unit=row.unit, definition=row.definition
    )


def _bias(shape: int, texture: int) -> float:
    return shape / (shape + texture) if shape + texture else nan


@cache
def _published() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "published.toml").read_text(encoding="utf-8"))
