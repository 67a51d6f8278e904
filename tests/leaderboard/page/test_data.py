"""Numbers as the page's script reads them."""

from fake_runs import answers, cue_conflict, curve_plan

from robustbench_vit.aggregates import score
from robustbench_vit.leaderboard.page.data import by_maker, cell, grouped
from robustbench_vit.leaderboard.sections import Section, sections


def test_a_number_is_the_same_cell_whichever_way_it_comes() -> None:
    """From an object and from a row of the table, with the images behind it where they are other than usual."""
    section = curve()
    rows = grouped(section, "top1", {"zoo:a": 0}, str, "case")
    items = [section.at("zoo:a", "top1", case, geometry) for case, geometry, _ in rows.places]

    assert by_maker(section, {"zoo:a": 0}, ["zoo:a"], lambda _: items) == rows.table.cells
    assert [one[3:] for one in rows.table.cells[0]] == [[], [], [{"n": 2}]]


def curve() -> Section:
    """A clean case and two others, the last of which has fewer images."""
    plan = curve_plan()
    known = {case.case: answers(True, True, False, True) for case in plan}
    known[plan[-1].case] = answers(True, False)
    return sections(score(plan, lambda case: known[case.case]))[0]


def test_a_shape_bias_tells_the_images_with_a_conflict() -> None:
    """Those of a category are fewer, those without a conflict count for accuracy alone."""
    case, rows = cue_conflict("cdc cdd dod ccc")
    section = sections(score([case], lambda _: rows))[0]
    cat, whole = (item for item in section.of("shape_bias", "category_shape_bias") if item.category in {"", "cat"})

    assert section.images_of["zoo:a"] == 4
    assert (cell(whole, 4)[3], cell(cat, 4)[3]) == ({"n": whole.n}, {"n": cat.n})
    assert (whole.n, cat.n) == (3, 2)


def test_what_is_not_there_is_a_reason_or_nothing() -> None:
    """And a missing interval is null, for JSON knows no NaN."""
    section = curve()
    number = section.of("top1")[0]

    assert cell(None, 4) is None
    assert cell(type(number)(**{**vars(number), "value": float("nan"), "reason": "no data"}), 4) == "no data"
    assert cell(type(number)(**{**vars(number), "low": float("nan")}), 4)[1] is None
