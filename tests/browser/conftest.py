"""Pages in Debian's chromium, opened from disk, by Playwright."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browsing import Visit
from fake_board import HOSTILE, board, with_reported

from robustbench_vit.leaderboard import Board, write

pytest.importorskip("playwright.sync_api", reason="pip install playwright; the browser is Debian's chromium")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of four models with hostile names and three others."""
    out = tmp_path_factory.mktemp("small")
    return write(board(7, names=HOSTILE), out)[2]


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three models and one that other people tell of."""
    return write(with_reported(board(3)), tmp_path_factory.mktemp("reported"))[2]


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of five models on one data set and two others on another one, which comes first."""
    one, two = board(5), board(2, names=("elsewhere:0", "elsewhere:1"))
    other = two.measurements.astype({"data": object}).assign(data="other(set)")
    both = pd.concat([other.astype(object), one.measurements.astype(object)], ignore_index=True).infer_objects()
    ranks = pd.concat([two.ranks.assign(data="other(set)"), one.ranks], ignore_index=True)
    return write(Board(both, ranks=ranks), tmp_path_factory.mktemp("mixed"))[2]


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 500 models."""
    out = tmp_path_factory.mktemp("large")
    return write(board(500), out)[2]


@pytest.fixture(params=[1400, 390])
def visit(chromium: Any, small: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The small page, at the width of a desk and of a phone."""
    found = Visit(chromium, small, request.param)
    yield found
    found.page.context.close()
