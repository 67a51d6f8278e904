"""Suites under pytest: collected on request only, one item a case, mistakes answered with a sentence (contract C5)."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import robustbench_vit
from robustbench_vit import pytest_plugin

MODEL = "zoo:resnet_xs(pretrained=false)"
SUITE = """
import pytest
from robustbench_vit.suite import Case, Suite

SUITE = Suite("toy", version=1, data="shapetex(n=10)")

def bench_clean():
    return Case()

@pytest.mark.occluded
@pytest.mark.parametrize("ratio", [0.25, pytest.param(0.5, id="half")])
def bench_patchdrop(ratio):
    return Case(f"patchdrop({ratio})")
"""


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Modules that pytester meets first it forgets again, and torch cannot be imported twice."""
    robustbench_vit.evaluate([MODEL, "zoo:vit_xs(pretrained=false)"], "shapetex(n=2)", ["patchdrop(0.5)"], device="cpu")


@pytest.fixture
def bench(pytester, monkeypatch):
    """Run pytest on a suite, whether the package is installed or not."""
    monkeypatch.delenv("ROBUSTBENCH_VIT_DATA", raising=False)
    installed = any(point.value == pytest_plugin.__name__ for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "robustbench_vit.pytest_plugin"]
    pytester.makeini("[pytest]\nmarkers = occluded: some cells are black\n")

    def run(*arguments, suite=SUITE, name="bench_toy", model=MODEL):
        pytester.makepyfile(**{name: suite})
        given = ["--rb-model", model, "--rb-device", "cpu"] if model else []
        return pytester.runpytest_inprocess(
            *plugin, "--assert=plain", "-p", "no:benchmark", "-p", "no:xdist", *given, *arguments
        )

    return run


def said(result):
    """Everything pytest printed."""
    return f"{result.stdout.str()}\n{result.stderr.str()}"


def test_every_case_is_an_item(bench, pytester):
    """Ids are pytest's own; the files of the leaderboard are written and named."""
    result = bench("-v", "--rb-out", "my results")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*bench_toy.py::bench_clean PASSED*",
            "*::bench_patchdrop[[]0.25] PASSED*",
            "*::bench_patchdrop[[]half] PASSED*",
        ]
    )
    result.stdout.fnmatch_lines(["robustbench_vit: wrote my results/leaderboard.html"])
    assert (pytester.path / "my results" / "results.csv").exists()


@pytest.mark.parametrize(
    ("selection", "count"), [(["-k", "half"], 1), (["-m", "occluded"], 2), (["bench_toy.py::bench_clean"], 1)]
)
def test_selection_is_pytests(bench, pytester, selection, count):
    """Only what is selected runs."""
    bench("--rb-out", "out", *selection).assert_outcomes(
        passed=count, deselected=3 - count if "::" not in selection[0] else 0
    )

    assert count == len(list(pytester.path.glob("out/cases/*/*.parquet")))


def test_without_a_model_nothing_is_collected(bench):
    """A plain session does not see the suite."""
    assert pytest.ExitCode.NO_TESTS_COLLECTED == bench(model=None).ret


@pytest.mark.parametrize("theirs", ["raise OSError", "print('SUITE')", "x = ("])
def test_other_peoples_benchmarks_are_left_alone(bench, pytester, theirs):
    """Files that declare no SUITE are not even imported; tests run as ever."""
    pytester.makepyfile(bench_theirs=theirs)

    bench(suite="def test_it(): pass", name="test_plain").assert_outcomes(passed=1)


def test_a_test_module_with_a_suite_stays_a_test_module(bench):
    """The name SUITE is common; other files are suites only if they are given as arguments."""
    tests = "SUITE = 'mine'\ndef test_it(): pass"

    bench(suite=tests, name="test_mine").assert_outcomes(passed=1)
    bench("other.py", suite=SUITE, name="other").assert_outcomes(passed=3)


def test_a_failing_case_fails_its_item_alone(bench):
    """Its reason is what the item shows; a second model that works changes nothing."""
    suite = SUITE.replace('Case(f"patchdrop({ratio})")', 'Case(f"shuffle({int(ratio * 28)})")')
    result = bench("--rb-model", "zoo:vit_xs(pretrained=false)", suite=suite)

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*zoo:resnet_xs(pretrained=false): a 7×7 grid does not divide 64×64 images*"])
    assert "Traceback" not in said(result)


def test_an_unfilled_slot_is_skipped_with_its_flag(bench):
    """Given the data, it runs."""
    suite = SUITE.replace("Case()", "Case(data='conflict')")
    result = bench("-rs", suite=suite)

    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["*no data for slot 'conflict'; give --data conflict=SPEC*"])
    bench("--rb-data", "conflict=shapetex(conflict, n=10)", suite=suite).assert_outcomes(passed=3)


def test_the_limit_of_the_user_goes_first(bench, pytester):
    """A suite may have its own."""
    import pandas as pd

    suite = SUITE.replace("version=1", "version=1, limit=4")
    for given, n in (([], 4), (["--rb-limit", "6"], 6)):
        bench("-k", "clean", *given, suite=suite).assert_outcomes(passed=1, deselected=2)
        assert {n} == set(pd.read_csv(pytester.path / "results/pytest/results.csv")["n"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rb-batch-size", "x"], "batch size must be auto or at least 1, got x"),
        (["--rb-limit", "0"], "limit must be at least 1, got 0"),
        (["--rb-limit", "x"], "--rb-limit: invalid int value: 'x'"),
        (["--rb-dtype", "fp8"], "--rb-dtype: invalid choice: 'fp8'"),
        (["--rb-model", "zoo:vit_xs(pretrained"], "expected ',' or ')', found the end"),
    ],
)
def test_bad_options_are_usage_errors(bench, arguments, message):
    """Nothing is collected."""
    result = bench(*arguments)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert message in said(result)
    assert "Traceback" not in said(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rb-device", "nonsense"], "device 'nonsense' cannot be used"),
        (["--rb-geometry", "square"], "unknown geometry 'square'"),
        (["--rb-data", "shapetx"], "did you mean shapetex"),
        (["--rb-out", "bench_toy.py/out"], "cannot write bench_toy.py/out"),
    ],
)
def test_what_no_case_survives_ends_the_session(bench, arguments, message):
    """One sentence, not one failure an item."""
    result = bench(*arguments)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert message in said(result)
    assert "Traceback" not in said(result)


def test_an_unknown_model_fails_every_item_with_the_closest_name(bench):
    """The sentence is the reason of each."""
    result = bench(model="zoo:resnet_xxs")

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*unknown model 'zoo:resnet_xxs'; did you mean zoo:resnet_xs*"])


@pytest.mark.parametrize("option", ["numprocesses = 2", "dist = 'load'"])
def test_xdist_is_refused(bench, pytester, option):
    """Shards are the way to split a run; sessions without suites are not concerned."""
    hook = "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_configure(config):\n"
    pytester.makeconftest(f"{hook}    config.option.{option}\n")
    result = bench()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "suites cannot be distributed by xdist; use `robustbench-vit run … --shard i/n`" in said(result)
    assert pytest.ExitCode.NO_TESTS_COLLECTED == bench(model=None).ret


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return Case()", "pass", "bench_toy.py::bench_clean must return a robustbench_vit.suite.Case, got None"),
        ('Suite("toy", version=1, data="shapetex(n=10)")', "3", "SUITE must be a robustbench_vit.suite.Suite, got 3"),
        ("bench_clean()", "bench_clean(tmp_path)", "arguments of pytest.mark.parametrize only, got ['tmp_path']"),
        (
            "patchdrop({",
            "patch drop({",
            "bench_toy.py: in 'patch drop(0.25)' at column 7: expected the end of the text",
        ),
        ("version=1", "version=0", "bench_toy.py: suite 'toy': version must be a positive integer, got 0"),
    ],
)
def test_mistakes_in_a_suite_are_collection_errors(bench, old, new, message):
    """Each names the function or file, what was expected and what came."""
    result = bench(suite=SUITE.replace(old, new))

    result.assert_outcomes(errors=1)
    assert message in said(result).replace("\n", "")
    assert "Traceback" not in said(result)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("patchdorp({", "unknown perturbation 'patchdorp'; did you mean patchdrop"),
        ("patchdrop(ration=0.1, offset={", "unknown parameter of patchdrop 'ration'"),
    ],
)
def test_a_perturbation_that_does_not_fit_fails_its_own_items(bench, wrong, message):
    """The other items of the suite are run."""
    result = bench(suite=SUITE.replace("patchdrop({", wrong))

    result.assert_outcomes(passed=1, failed=2)
    assert message in said(result).replace("\n", "")


def test_conftest_works_as_ever(bench, pytester):
    """Hooks of the user's conftest see the items of a suite."""
    pytester.makeconftest("def pytest_collection_modifyitems(items):\n    del items[1:]\n")

    bench().assert_outcomes(passed=1)


def test_two_suites_in_one_session(bench, pytester):
    """Each has its own table."""
    pytester.makepyfile(bench_other=SUITE.replace('"toy"', '"other"'))

    bench("-k", "clean").assert_outcomes(passed=2, deselected=4)
    assert ["other@1", "toy@1"] == sorted(file.name for file in pytester.path.glob("results/pytest/manifests/*"))


def test_plain_sessions_pay_nothing(pytester):
    """The plugin imports no torch, numpy or pandas where no suite is run."""
    pytester.makepyfile(
        test_plain="def test_it():\n    import sys\n    assert not {'torch', 'numpy', 'pandas'} & set(sys.modules)"
    )
    program = (
        "import sys, pytest\n"
        "from robustbench_vit import pytest_plugin\n"
        "plugins = ['-p', 'no:robustbench_vit', '-p', 'no:benchmark', '-p', 'no:hypothesispytest']\n"
        "sys.exit(pytest.main([*plugins, '--assert=plain'], plugins=[pytest_plugin]))"
    )
    root = str(Path(pytest_plugin.__file__).parents[1])

    subprocess.run(
        [sys.executable, "-c", program], check=True, env={"PYTHONPATH": root, "PATH": ""}, stdout=subprocess.DEVNULL
    )
