"""The page as people use it. Nothing it does may ask for another file or complain."""

import csv
from pathlib import Path
from typing import Any

import pytest
from browsing import Visit
from fake_board import HOSTILE

EXAMPLES = sorted((Path(__file__).parents[2] / "results" / "examples").rglob("leaderboard.html"))


def test_opens_from_disk_and_asks_for_nothing(visit: Visit) -> None:
    """No error, no request but the page itself, no dialog of a hostile name, nothing wider than the window."""
    visit.scroll()
    visit.page.wait_for_function("document.querySelectorAll('.chart svg').length > 5")

    assert visit.complaints == []
    assert len(visit.requests) == 1
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.parent.name)
@pytest.mark.parametrize("width", [1400, 390])
def test_examples_open_as_well(chromium: Any, file: Path, width: int) -> None:
    """The committed pages."""
    visit = Visit(chromium, file, width)
    visit.scroll()

    assert visit.complaints == []
    assert len(visit.requests) == 1
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_sorts_by_a_column_and_ranks_by_it(visit: Visit) -> None:
    """Best first, with ties marked; a second click turns it around, and a screen reader hears so."""
    values = [float(text) for text in visit.column(2)]
    head = visit.page.locator("#board thead tr:nth-child(2) th").nth(2)

    assert values == sorted(values, reverse=True)
    assert visit.column(0)[:3] == ["1 =", "1 =", "3"]
    assert head.get_attribute("aria-sort") == "descending"
    assert (
        head.locator(".dt-column-order")
        .get_attribute("aria-label")
        .startswith("accuracy clean, corruptions@1 on imagenet(val)")
    )

    head.locator(".dt-column-order").click()
    visit.page.locator("#board th[aria-sort=ascending]").wait_for()
    assert [float(text) for text in visit.column(2)] == values[::-1]
    assert head.get_attribute("aria-sort") == "ascending"


def test_lower_is_better_sorts_upwards_first(visit: Visit) -> None:
    """MCE."""
    visit.page.locator("#board thead th", has_text="mCE").first.locator(".dt-column-order").click()
    visit.page.locator("#board th[aria-sort=ascending]").wait_for()
    values = [float(text.rstrip("*")) for text in visit.column(3)]

    assert values == sorted(values)
    assert visit.column(0)[0] == "1 ="


def test_finds_models_by_name(visit: Visit) -> None:
    """Also those of hostile names."""
    visit.page.locator(".dt-search input").fill("alert(1)")

    assert visit.models() == [HOSTILE[0]]


def test_filters_by_number(visit: Visit) -> None:
    """In percent, as the table shows it."""
    visit.page.locator(".dt-buttons button", has_text="filter").click()
    visit.page.locator(".dtsb-data").first.select_option(index=1)
    visit.page.locator(".dtsb-condition").first.select_option(label="Greater Than")
    visit.page.locator(".dtsb-value").first.fill("70")
    visit.page.wait_for_timeout(400)

    assert 0 < len(visit.models()) < 7
    assert min(float(text) for text in visit.column(2)) > 70


def test_hides_what_other_people_report(chromium: Any, reported: Path) -> None:
    """And marks it where it is shown; it is never ranked."""
    visit = Visit(chromium, reported, 1400)
    names = visit.models()
    ranks = dict(zip(names, visit.column(0), strict=True))
    visit.page.locator(".dt-buttons button", has_text="hide reported").click()

    assert visit.page.locator("#board .badge").count() == 0
    assert [name for name in names if name not in visit.models()] == ["elsewhere"]
    assert ranks["elsewhere"] == "–"


def test_picks_a_column(visit: Visit) -> None:
    """One that was not shown at first."""
    before = visit.page.locator("#board thead tr:nth-child(2) th").count()
    visit.page.locator("button.buttons-colvis").first.click()
    visit.page.locator(".dt-button-collection button", has_text="NLL").first.click()

    assert visit.page.locator("#board thead tr:nth-child(2) th").count() == before + 1


def test_picks_columns_suite_by_suite(visit: Visit) -> None:
    """A heading for each suite, then what it has."""
    visit.page.locator("button.buttons-colvis").first.click()
    headings = visit.page.locator(".dt-button-collection .dt-button-spacer").all_inner_texts()

    assert headings[0] == "corruptions@1 on imagenet(val), n = 5,000"
    assert len(headings) == len(set(headings)) == 5
    assert headings[-1] == "facts"


def test_one_data_set_at_a_time(chromium: Any, mixed: Path) -> None:
    """At first that of most models; its columns alone, and the models that have numbers there."""
    visit = Visit(chromium, mixed, 1400)
    groups = visit.page.locator("#board thead th.group .on").all_inner_texts

    assert visit.page.locator(".data input:checked + span").inner_text() == "imagenet(val)"
    assert len(visit.models()) == 5
    assert "on other(set)" not in groups()

    visit.page.locator(".data input:checked").focus()
    visit.page.keyboard.press("ArrowLeft")
    assert set(visit.models()) == {"elsewhere:0", "elsewhere:1"}
    assert "on imagenet(val)" not in groups()

    visit.page.locator(".data label", has_text="all").click()
    assert len(visit.models()) == 7
    assert visit.complaints == []


def test_says_what_a_column_is_that_was_not_there_at_first(chromium: Any, mixed: Path) -> None:
    """And does not sort by it."""
    visit = Visit(chromium, mixed, 1400)
    visit.page.locator(".data label", has_text="other(set)").click()
    order = visit.page.evaluate("board.order()")
    visit.page.locator("#board thead .why").nth(1).click()

    assert visit.page.locator("#why b").inner_text() == "mCE"
    assert visit.page.evaluate("board.order()") == order


def test_a_column_whose_first_cell_is_empty_sorts_by_its_numbers(chromium: Any, mixed: Path) -> None:
    """Whoever comes first in the page need not have a number in it."""
    visit = Visit(chromium, mixed, 1400)
    visit.page.locator(".data label", has_text="other(set)").click()
    values = [float(text) for text in visit.column(2)]

    assert len(values) == 2
    assert values == sorted(values, reverse=True)


def test_one_data_set_needs_no_choice(visit: Visit) -> None:
    """There is nothing to choose."""
    assert visit.page.locator(".data").count() == 0


def test_says_why_at_a_tap(chromium: Any, reported: Path) -> None:
    """A phone has no pointer that hovers."""
    visit = Visit(chromium, reported, 390)
    visit.page.locator("#board tr.reported td[title]").first.click()

    assert visit.page.locator("#why").inner_text().strip() == "no rank in this column"


def test_says_what_a_number_is(visit: Visit) -> None:
    """By keyboard, without sorting the table."""
    order = visit.models()
    visit.page.locator("#board thead .why").nth(1).focus()
    visit.page.keyboard.press("Enter")

    assert "100 · sum over severities" in visit.page.locator("#why").inner_text()
    assert visit.models() == order

    visit.page.keyboard.press("Escape")
    assert not visit.page.locator("#why").is_visible()


def test_toggles_a_model_everywhere(visit: Visit) -> None:
    """In tables and in charts."""
    visit.scroll()
    line = visit.page.locator(".suite").nth(1).locator(".chart").first.locator("path.mark-line, .mark-line path")
    heads = visit.page.locator(".suite").first.locator("table.grid").first.locator("thead th")
    before = line.count(), heads.count()
    visit.page.locator(".legend button[aria-pressed=true]").first.click()
    visit.page.wait_for_timeout(200)

    assert (line.count(), heads.count()) == (before[0] - 1, before[1] - 1)


def test_shows_only_the_models_that_are_looked_for(chromium: Any, large: Path) -> None:
    """They are the first of the legend then; nobody at a click, and never all of 500."""
    visit = Visit(chromium, large, 1400)
    all_of_them, nobody = visit.page.locator(".legend .bulk").all()
    on = visit.page.locator(".legend button[aria-pressed=true]")

    assert all_of_them.is_disabled()

    visit.page.locator(".legend input").fill("vit_04")
    all_of_them.click()
    visit.page.locator(".legend input").fill("")

    assert on.count() == 10
    assert "vit_04" in visit.page.locator(".legend > div button").first.inner_text()

    nobody.click()
    visit.scroll()

    assert on.count() == 0
    assert visit.complaints == []


def test_charts_say_what_they_show(visit: Visit) -> None:
    """Their captions, and every point in words."""
    visit.scroll()
    chart = visit.page.locator(".chart.vega-embed").first
    caption = chart.locator("xpath=../figcaption").inner_text()

    assert chart.get_attribute("aria-label").startswith(caption)
    assert chart.locator("[aria-label$=' images']").count() > 5
    assert visit.page.locator("[aria-roledescription~=line], [aria-roledescription~=area]").count() == 0


def test_switches_and_remembers_the_theme(visit: Visit) -> None:
    """The ground is dark, and still is when the page is opened again."""
    ground = "getComputedStyle(document.body).backgroundColor"
    light = visit.page.evaluate(ground)
    visit.page.locator(".theme label", has_text="dark").click()
    dark = visit.page.evaluate(ground)
    visit.page.reload()

    assert light == "rgb(252, 252, 250)"
    assert dark == visit.page.evaluate(ground) == "rgb(20, 24, 28)"


def test_opens_the_section_of_a_model(visit: Visit) -> None:
    """From its row."""
    name = visit.models()[0]
    visit.page.locator("#board th.model a").first.click()
    section = visit.page.locator("details.model[open]")

    assert section.locator("summary").inner_text() == name
    assert "robustbench-vit run" in section.inner_text()


def test_downloads_a_table_without_formulas(visit: Visit, tmp_path: Path) -> None:
    """Numbers as numbers, and names as text."""
    with visit.page.expect_download() as download:
        visit.page.locator("button.buttons-csv").click()
    download.value.save_as(tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = list(csv.reader(file))

    name = "accuracy clean, corruptions@1 on imagenet(val)"
    assert head[:5] == [f"rank by {name}", "model", name, f"{name} low", f"{name} high"]
    assert f"'{HOSTILE[1]}" in [row[1] for row in rows]
    assert all(50 < float(row[3]) < float(row[2]) < float(row[4]) for row in rows)
    assert [row[0] for row in rows[:3]] == ["1", "1", "3"]
    assert {row[head.index("parameters")] for row in rows} <= {str(5_700_000 + place) for place in range(7)}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]


def test_fingers_hit_what_they_mean(visit: Visit) -> None:
    """Question marks answer 11 pixels beside their middle, and arrows keep their width."""
    hit = visit.page.locator("#board thead .why").first.evaluate(
        """(button) => {
            const box = button.getBoundingClientRect();
            return document.elementFromPoint(box.left + box.width / 2 - 11, box.top + box.height / 2) === button;
        }"""
    )
    arrows = visit.page.locator("#board thead .dt-column-order").evaluate_all("all => all.map(one => one.offsetWidth)")

    assert hit
    assert min(width for width in arrows if width) >= 12


def test_headings_do_not_hide_behind_the_legend(visit: Visit) -> None:
    """However many lines that has."""
    visit.scroll()
    visit.page.evaluate("document.querySelectorAll('.suite h2')[1].scrollIntoView()")
    visit.page.wait_for_timeout(300)
    top = visit.page.locator(".suite h2").nth(1).bounding_box()["y"]
    legend = visit.page.locator(".legend").bounding_box()

    assert top >= legend["y"] + legend["height"]


def test_keyboard_reaches_the_table_first(visit: Visit) -> None:
    """The first stop is the link that skips what is above."""
    visit.page.keyboard.press("Tab")

    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the table"


def test_nothing_is_lost_on_paper(visit: Visit) -> None:
    """Neither rows nor charts; buttons stay on the screen."""
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    visit.page.wait_for_timeout(1500)
    visit.page.emulate_media(media="print")

    shown = visit.page.locator(".paper table").evaluate_all("tables => tables.map(one => one.rows.length)")
    pressed = visit.page.locator(".legend button:visible")

    assert shown[0] == 1 + 7
    assert len(shown) > 4
    assert not visit.page.locator("#board").is_visible()
    assert not visit.page.locator(".legend input").is_visible()
    assert pressed.count() == visit.page.locator(".legend button[aria-pressed=true]").count()
    assert visit.page.locator(".paper th.model").first.evaluate("cell => getComputedStyle(cell).position") == "relative"
    assert visit.page.locator(".suite > .scroll.lazy:empty, .suite > .charts .lazy:empty").count() == 0
    assert visit.complaints == []


def test_500_models_sort_in_a_blink(chromium: Any, large: Path) -> None:
    """Under 200 ms until the new order is on the screen; the median of five."""
    visit = Visit(chromium, large, 1400)
    times = visit.page.evaluate(
        """async () => {
            const times = [];
            for (const column of [3, 2, 4, 2, 3]) {
                const began = performance.now();
                board.order([column, "desc"]).draw();
                document.body.offsetHeight;
                times.push(performance.now() - began);
                await new Promise(requestAnimationFrame);
            }
            return times.sort((a, b) => a - b);
        }"""
    )

    assert times[2] < 200, times
    assert visit.complaints == []
    assert visit.page.locator(".legend button[aria-pressed=true]").count() == 8
