"""Charts: what they are drawn from, how they look, and what those hear who cannot see them."""

import json
import re
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_board import board
from fake_runs import answers, attack, planned
from page_reader import Page

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard import Board, write
from robustbench_vit.leaderboard.page import charts
from robustbench_vit.leaderboard.page.calibration import panels
from robustbench_vit.leaderboard.page.charts import COLOURS, look, templates
from robustbench_vit.leaderboard.page.detail import detail
from robustbench_vit.leaderboard.page.shape_chart import shape_chart
from robustbench_vit.leaderboard.sections import sections
from robustbench_vit.metrics.intervals import wilson
from robustbench_vit.records import Sweep


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Of 14 models."""
    return Page(write(board(14), tmp_path_factory.mktemp("charts"))[2])


def test_every_number_stands_in_the_page_once(page: Page) -> None:
    """Charts name rows of the table of all cases, and have their ticks where the points are."""
    content = page.contents[0]
    curve = next(chart for chart in content["charts"] if chart["kind"] == "curve")
    table = content["tables"][curve["table"]]

    assert next(table["rows"][row]["label"] for row, _ in curve["points"]).startswith("gaussian_noise")
    assert [at for _, at in curve["points"]] == [1, 2, 3, 4, 5]
    assert [at for _, at in curve["clean"]] == [0]
    assert curve["ticks"] == [0, 1, 2, 3, 4, 5]
    assert not [chart for chart in content["charts"] if "data" in chart or "values" in chart]


@pytest.mark.parametrize(
    ("norm", "axis", "ticks"),
    [("linf", "eps (1/255), root scale", [0, 0.5, 4]), ("l2", "eps (L2), root scale", [0, 0.001961, 0.015686])],
)
def test_eps_is_in_steps_of_pixels(norm: str, axis: str, ticks: list[float]) -> None:
    """As people write it: 4/255 is 4; of L2 as it is."""
    specs = {eps: f"pgd(eps={eps}, norm={norm})" for eps in ("1/510", "4/255")}
    sweeps = [Sweep("pgd", "eps, pixels in [0,1]", at, 0.0) for at in (1 / 510, 4 / 255)]
    cases = [attack(spec, sweep=sweep) for spec, sweep in zip(specs.values(), sweeps, strict=True)]
    section = sections(score([planned(), *cases], lambda _: answers(True, False)))[0]
    chart = next(one for one in detail(section, {"zoo:a": 0}, Board(section.frame)).charts if one["kind"] == "eps")

    assert (chart["x"], chart["ticks"]) == (axis, ticks)


def test_a_bin_has_its_interval(page: Page) -> None:
    """Images, confidence, accuracy and Wilson's interval."""
    chart = next(chart for chart in page.contents[0]["charts"] if chart["kind"] == "reliability")
    accuracy = 0.5**1.3

    assert len(chart["bins"]) == 14
    assert chart["bins"]["0"][7] == [
        160, 0.5, *(pytest.approx(one, abs=1e-4) for one in (accuracy, *wilson(round(160 * accuracy), 160)))
    ]  # fmt: skip


def test_suites_of_the_same_images_share_a_reliability_diagram() -> None:
    """The first one has it; numbers of another data set, or of more models, are drawn."""
    found = board(2, curves=3)
    one, two, other = (section for section in sections(found.measurements) if section.suite != "shuffle@1")
    first = found.reliability
    more = first.assign(model="zoo:more")
    makers = {name: place for place, name in enumerate([*one.models, "zoo:more"])}
    again = pd.concat([first, first.assign(suite=two.suite), pd.concat([first, more]).assign(suite=other.suite)])

    assert [len(panels(section, makers, again)) for section in (one, two, other)] == [1, 0, 1]
    assert list(panels(other, makers, again)["clean"]["bins"]) == [0, 1, 2]


def marks(node: object) -> Iterator[dict[str, object]]:
    """All layers of a specification."""
    if isinstance(node, dict):
        if "mark" in node:
            yield node
        for value in node.values():
            yield from marks(value)
    elif isinstance(node, list):
        for value in node:
            yield from marks(value)


@pytest.mark.parametrize("kind", ["curve", "eps", "heat", "line", "reliability", "shape"])
def test_screen_readers_hear_points_in_words_and_nothing_else(kind: str) -> None:
    """Bands, lines and intervals have no names of their own."""
    template = shape_chart(["cat", "dog"]) if kind == "shape" else templates()[kind]
    told = [layer for layer in marks(template) if layer["mark"].get("aria", True)]

    assert told
    assert {layer["encoding"]["description"]["field"] for layer in told} == {"words"}


def test_templates_have_no_data_and_no_urls() -> None:
    """The page puts the points in."""
    text = json.dumps({**templates()})

    assert '"url"' not in text
    assert len(text) < 40_000


def test_forty_models_look_different() -> None:
    """And among the first eight no two share a colour, nor neighbours a shape."""
    looks = [look(place) for place in range(40)]

    assert len(set(looks)) == 40
    assert len({one.colour for one in looks[:8]}) == 8
    assert [one.dash for one in looks[:5]] == [()] * 4 + [(6, 3)]


# Machado, Oliveira & Fernandes, IEEE TVCG 15, 2009: matrices of severity 1.0 for linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


@pytest.mark.parametrize(("theme", "vision"), list(product(["light", "dark"], VISIONS)))
def test_colours_stay_apart_for_the_colour_blind(theme: str, vision: str) -> None:
    """By 14 in CIELAB's ΔE, of which 2 can just be seen."""
    lab = [cielab(np.clip(np.asarray(VISIONS[vision]) @ one, 0, 1)) for one in colours(theme)]

    assert min(np.linalg.norm(one - two) for one, two in combinations(lab, 2)) > 14


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stand_out_from_the_ground(theme: str) -> None:
    """By WCAG's 3:1."""
    luminances = [TO_XYZ[1] @ one for one in [*colours(theme), *colours(theme, "ground", "card")]]
    *series, ground, card = luminances

    assert min(contrast(one, two) for one, two in product(series, (ground, card))) >= 3


def colours(theme: str, *names: str) -> list[np.ndarray]:
    """Variables of the page's style sheets as linear RGB, shape (3,)."""
    folder = Path(charts.__file__).parent
    text = "".join(file.read_text(encoding="utf-8") for file in (folder.parent / "palette.css", folder / "page.css"))
    known = dict(re.findall(rf"--([\w-]+): light-dark\({'' if theme == 'light' else '#[0-9a-f]+, '}#([0-9a-f]+)", text))
    return [linear(known[name]) for name in names or [f"series-{place}" for place in range(COLOURS)]]


def linear(colour: str) -> np.ndarray:
    """``0072b2`` without its gamma."""
    value = np.array(list(bytes.fromhex(colour))) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    """Lightness, green to red, blue to yellow."""
    x, y, z = np.cbrt(TO_XYZ @ rgb / [0.95047, 1, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: float, two: float) -> float:
    """As WCAG 2 defines it."""
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)
