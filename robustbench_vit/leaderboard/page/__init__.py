"""The page: one HTML file that needs no other file and no network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from robustbench_vit.leaderboard.attacks import warnings
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.columns import TITLES, better_end
from robustbench_vit.leaderboard.facts import Run
from robustbench_vit.leaderboard.formatting import speed
from robustbench_vit.leaderboard.html import environment, style
from robustbench_vit.leaderboard.page.charts import Look, look, templates
from robustbench_vit.leaderboard.page.detail import Detail, detail, makers_of
from robustbench_vit.leaderboard.page.vendored import datatables, vega
from robustbench_vit.leaderboard.problems import Problem, problems, problems_of
from robustbench_vit.leaderboard.sections import Section
from robustbench_vit.leaderboard.summary import Summary
from robustbench_vit.metrics.catalog import METRICS

_FOLDER = Path(__file__).parent
_HUMANS, _PUBLISHED = Look("var(--text)", (), "diamond"), Look("var(--muted)", (2, 2), "circle")
_FEW = 12  # models that are all switched on at first
_MOST = 8  # of more models, as many as there are colours
_SCRIPTS = [
    "dom",
    "theme",
    "summary",
    "file",
    "paper",
    "definitions",
    "sections",
    "charts",
    "lazy",
]  # one scope, in this order
_JSON = {"separators": (",", ":"), "ensure_ascii": False}


def page(sections: Sequence[Section], board: Board, summary: Summary) -> str:
    """Render the leaderboard.

    Args:
        sections: What `robustbench_vit.leaderboard.sections.sections` found.
        board: What they were found in.
        summary: The table on top.

    Returns:
        HTML. All text from users is escaped, and its content security policy forbids any request.
    """
    models = [row.model for row in summary.rows]
    others = dict(chain.from_iterable(makers_of(section) for section in sections))
    makers = {name: place for place, name in enumerate(dict.fromkeys([*models, *others]))}
    details = [detail(section, makers, board) for section in sections]
    script, sheet = datatables() if models else ("", "")
    undone = problems(sections)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            summary=summary,
            data_sets=list(summary.data_sets),
            first=max(summary.data_sets, key=summary.data_sets.__getitem__, default=""),
            looks=[look(place) for place in range(len(models))],
            sections=[_section(one) for one in details],
            data={"makers": _makers(sections, models, others), "templates": templates() if models else {}},
            problems=undone,
            models=[_model(model, board, undone) for model in models],
            definitions=list(_definitions(sections)),
            run=board.facts.run,
            style=_trusted(sheet + style(_FOLDER / "page.css")),
            scripts=[_trusted(one) for one in (_vega(details), script, _own_script()) if one],
        )
    )


def _trusted(text: str) -> Markup:
    """What stands in the page as it is."""
    return Markup(text)  # noqa: S704 - files of this package and of others it names; no word of any user


def _environment() -> Environment:
    made = environment(_FOLDER)
    made.policies["json.dumps_kwargs"] = _JSON
    return made


def _section(found: Detail) -> dict[str, Any]:
    section = found.section
    return {
        "suite": section.suite,
        "data": section.data,
        "warnings": warnings(section),
        "blocks": found.blocks,
        "content": found.to_json(),
    }


def _makers(sections: Sequence[Section], models: Sequence[str], others: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Name and look of everybody who can be drawn, and whether they are at first."""
    on = _on_at_first(sections, models)
    found = [_maker(model, look(place), "model", model in on) for place, model in enumerate(models)]
    for name, human in others.items():
        if name not in models:
            found.append(_maker(name, _HUMANS if human else _PUBLISHED, "humans" if human else "published", human))
    return found


def _maker(name: str, how: Look, kind: str, on: bool) -> dict[str, Any]:
    return {"name": name, "colour": how.colour, "dash": how.dash, "shape": how.shape, "kind": kind, "on": on}


def _on_at_first(sections: Sequence[Section], models: Sequence[str]) -> set[str]:
    """All of a few models; of many, the best of every section in turn, so that no section begins empty."""
    if len(models) <= _FEW:
        return set(models)
    turns = chain.from_iterable(zip_longest(*(section.models for section in sections if not section.is_reported)))
    return set(list(dict.fromkeys(model for model in turns if model))[:_MOST])


def _model(model: str, board: Board, undone: Sequence[Problem]) -> dict[str, Any]:
    known = board.facts.models.get(model, {})
    facts = {name: _fact(name, value) for name, value in known.items() if value not in (None, "")}
    return {
        "name": model,
        "facts": facts,
        "runs": list(_commands(board.facts.runs.get(model, ()))),
        "problems": problems_of(model, undone),
    }


def _commands(runs: Iterable[Run]) -> Iterator[dict[str, str]]:
    """Runs by what they have in common: a command may have run several suites."""
    found: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        common = tuple((name, value) for name, value in run.items() if name not in {"suites", "began"})
        found.setdefault(common, []).append(run)
    for common, own in found.items():
        suites = dict.fromkeys(run.get("suites", "") for run in own)
        yield {"suites": ", ".join(suites), "began": own[0].get("began", ""), **dict(common)}


def _fact(name: str, value: Any) -> str:
    if name == "throughput":
        return f"{speed(value)} images/s of the clean case as run; not a benchmark"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _definitions(sections: Iterable[Section]) -> Iterator[dict[str, str]]:
    """What every name on the page means: the definition that travelled with the numbers."""
    for name, unit, definition in _defined(sections):
        direction = {True: "higher is better", False: "lower is better", None: ""}[better_end(name)]
        # A metric's definition may end with what was left out of one case; here it speaks of all.
        said = METRICS[name].definition if name in METRICS else definition
        called = f"{TITLES[name]} ({name})" if TITLES.get(name, name) != name else name
        yield {"name": called, "unit": unit, "definition": said, "direction": direction}


def _defined(sections: Iterable[Section]) -> Iterator[tuple[str, str, str]]:
    """Name, unit and definition of each metric; a number's definition says more than that of a missing one."""
    found: dict[str, tuple[bool, str, str]] = {}
    for section in sections:
        frame = section.frame.assign(there=section.frame["value"].notna())
        told = frame.sort_values("there", kind="stable").drop_duplicates("metric", keep="last")
        for name, there, unit, definition in told[["metric", "there", "unit", "definition"]].itertuples(index=False):
            if name not in found or (there and not found[name][0]):
                found[name] = (there, unit, definition)
    yield from ((name, unit, definition) for name, (_, unit, definition) in found.items())


def _vega(details: Iterable[Detail]) -> str:
    return vega() if any(one.charts for one in details) else ""


def _own_script() -> str:
    return "\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
