"""Finding suites by name, file or folder, and filling their data slots."""

import os
import sys
from pathlib import Path

import pytest

from robustbench_vit.collect import builtin_suites, collect, data_slots, require
from robustbench_vit.data.catalog import DATASETS
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.spec import parse
from robustbench_vit.suite import Case, Suite

SUITE = """
import pytest
from robustbench_vit.suite import Case, Suite

SUITE = Suite("toy", version=1)

@pytest.mark.parametrize("grid", [2, 4, 8])
def bench_shuffle(grid):
    return Case(f"shuffle({grid})")
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Relative paths begin in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROBUSTBENCH_VIT_DATA", raising=False)


def shown(targets, **selection):
    """Perturbations of all collected cases."""
    return [str(case.perturbation) for found in collect(targets, **selection) for case in found.cases]


@pytest.mark.parametrize("name", sorted(builtin_suites()))
def test_every_suite_of_this_package_is_found_by_name(name):
    """It bears the name of its file, has cases, and a clean one comes first."""
    (found,) = collect([name])

    assert name == found.suite.name
    assert builtin_suites()[name] == found.path
    assert ("clean", None) == (str(found.cases[0].perturbation), found.cases[0].data)
    assert found.suite.summary


def test_files_and_folders():
    """A file may have any name; in a folder, suites are ``bench_*.py``."""
    Path("deep").mkdir()
    Path("deep/bench_toy.py").write_text(SUITE)
    Path("deep/notes.py").write_text("raise OSError")
    Path("mine.py").write_text(SUITE)

    assert ["shuffle(2)", "shuffle(4)", "shuffle(8)"] == shown(["mine.py"]) == shown(["deep"])


def test_names_and_markers_select():
    """As pytest does."""
    Path("bench_toy.py").write_text(SUITE.replace("4,", "pytest.param(4, marks=pytest.mark.odd),"))
    Path("pytest.ini").write_text("[pytest]\nmarkers = odd: one\n")

    assert ["shuffle(2)"] == shown(["bench_toy.py"], keyword="2")
    assert ["shuffle(4)"] == shown(["bench_toy.py"], markers="odd")


def test_an_edited_suite_is_read_again():
    """A notebook collects the same file twice; another folder may have one of the same name."""
    Path("bench_toy.py").write_text(SUITE)
    first, path = shown(["bench_toy.py"]), list(sys.path)
    Path("bench_toy.py").write_text(SUITE.replace("[2, 4, 8]", "[16, 32]"))
    Path("other").mkdir()
    Path("other/bench_toy.py").write_text(SUITE.replace("[2, 4, 8]", "[64]"))

    assert ["shuffle(2)", "shuffle(4)", "shuffle(8)"] == first
    assert ["shuffle(16)", "shuffle(32)"] == shown(["bench_toy.py"])
    assert ["shuffle(64)"] == shown(["other"])
    assert path == sys.path


def test_the_users_pytest_settings_are_for_the_users_tests(monkeypatch):
    """Options of plugins, warnings as errors and the environment do not disturb."""
    Path("bench_toy.py").write_text(f"import warnings\nwarnings.warn('old')\n{SUITE}")
    Path("pytest.ini").write_text("[pytest]\naddopts = -n 4 --cov\nfilterwarnings = error\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--nonsense")

    assert 3 == len(shown(["bench_toy.py"]))
    assert "--nonsense" == os.environ["PYTEST_ADDOPTS"]


def test_a_conftest_beside_a_suite_is_used():
    """Its hooks see the items."""
    Path("deep").mkdir()
    Path("deep/bench_toy.py").write_text(SUITE)
    Path("deep/conftest.py").write_text("def pytest_collection_modifyitems(items):\n    items.reverse()\n")

    assert ["shuffle(8)", "shuffle(4)", "shuffle(2)"] == shown(["deep"])


def test_unknown_suites_are_answered_with_the_closest():
    """A name is a suite or a file."""
    with pytest.raises(UnknownNameError, match=r"unknown suite \(or file\) 'occlusoin'; did you mean occlusion\?"):
        collect(["occlusoin"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return", "", "bench_shuffle.* must return a robustbench_vit.suite.Case, got None"),
        ("(grid)", "(grid, tmp_path)", "parametrize only, got .*tmp_path"),
        ('Suite("toy", version=1)', "[]", r"SUITE must be a robustbench_vit.suite.Suite, got \[\]"),
        ("shuffle({grid})", "shuffle({grid}", r"bench_toy.py: in 'shuffle\(2' at column"),
        ("SUITE =", "SUITES =", "no cases in bench_toy.py; a suite file holds SUITE"),
        ("import pytest", "import pytestt", "No module named 'pytestt'"),
        ("def ", "de ", "SyntaxError|invalid syntax"),
    ],
)
def test_mistakes_in_a_suite(old, new, message):
    """The reason of the first, whatever pytest would have printed."""
    Path("bench_toy.py").write_text(SUITE.replace(old, new))

    with pytest.raises(SpecError, match=message):
        collect(["bench_toy.py"])


def test_selecting_nothing():
    """The selection is named."""
    with pytest.raises(SpecError, match="no cases in shuffle with -k 'absent'"):
        collect(["shuffle"], keyword="absent")
    with pytest.raises(SpecError, match="no cases in shuffle with -m 'slow'"):
        collect(["shuffle"], markers="slow")
    with pytest.raises(SpecError, match="cannot collect shuffle: Wrong expression passed to '-k'"):
        collect(["shuffle"], keyword="a b")


def test_slots_come_from_flags_then_the_environment_then_the_suite(tmp_path, monkeypatch):
    """What the user says goes first; folders that bear no data set's name fill nothing."""
    own = {"": "shapetex(n=3)", "edges": "shapetex(n=4)", "x": "shapetex(n=5)"}
    for name in ("imagenet", "cifar10", "edges", "unrelated"):
        (tmp_path / "my data" / name).mkdir(parents=True)
    monkeypatch.setenv("ROBUSTBENCH_VIT_DATA", str(tmp_path / "my data"))
    slots = data_slots(["shapetex", "cifar10=shapetex(conflict)"], own)

    assert {"", "imagenet", "cifar10", "edges", "x"} == set(slots)
    assert "shapetex" == slots[""]
    assert "shapetex(conflict)" == slots["cifar10"]
    assert str(tmp_path / "my data" / "imagenet") == DATASETS["imagenet"].bind(slots["imagenet"]).args["path"]
    assert str(tmp_path / "my data" / "edges") == DATASETS["edges"].bind(slots["edges"]).args["path"]
    assert "shapetex(n=5)" == slots["x"]
    assert "shapetex(n=3)" == data_slots([], own)[""]


def test_an_argument_is_no_slot():
    """The equals sign of a slot stands before any bracket."""
    assert {"": "shapetex(n=3)"} == data_slots(["shapetex(n=3)"])
    assert {"x": "folder(/a, masks=/b)"} == data_slots(["x=folder(/a, masks=/b)"])
    assert parse("shapetex(n=3)").args == {"n": 3}


@pytest.mark.parametrize("given", [["a", "b"], ["x=a", "x=b"]])
def test_a_slot_is_filled_once(given):
    """Both values are named."""
    with pytest.raises(SpecError, match=r"--data fills .* twice: a and b"):
        data_slots(given)


def test_the_environment_must_name_a_folder(monkeypatch):
    """A variable that points nowhere is a mistake, not an empty folder."""
    monkeypatch.setenv("ROBUSTBENCH_VIT_DATA", "nowhere")

    with pytest.raises(SpecError, match="ROBUSTBENCH_VIT_DATA must name a folder, got nowhere"):
        data_slots([])


def test_what_a_run_requires():
    """Models always; data only for cases that do not name their own."""
    suite = Suite("toy", version=1)

    require(suite, [Case(data="x")], ["m"], {})
    require(suite, [Case()], ["m"], {"": "shapetex"})
    with pytest.raises(SpecError, match="suite toy has no default models; give --model"):
        require(suite, [Case()], [], {"": "shapetex"})
    with pytest.raises(SpecError, match="suite toy has no default data; give --data"):
        require(suite, [Case()], ["m"], {"x": "shapetex"})
