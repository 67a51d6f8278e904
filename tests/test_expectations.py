"""``@pytest.mark.expect("top1 >= 0.6")``: under pytest, and in runs of the command line."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

import robustbench_vit
from robustbench_vit import pytest_plugin
from robustbench_vit.cli import main
from robustbench_vit.collect import collect
from robustbench_vit.errors import SpecError

MODEL = "zoo:resnet_xs(pretrained=false)"
SUITE = """
import pytest
from robustbench_vit.suite import Case, Suite

SUITE = Suite("toy", version=1, data="shapetex(n=40)", models=("zoo:resnet_xs(pretrained=false)",))

@pytest.mark.expect("top1 <= 0.9", "nll >= 0.001")
@pytest.mark.expect("top5 >= 0")
def bench_clean():
    return Case()

@pytest.mark.parametrize("ratio", [0.25, pytest.param(0.5, marks=pytest.mark.expect({rule}))])
def bench_patchdrop(ratio):
    return Case(f"patchdrop({{ratio}})")
"""
HOLDS, BREAKS = SUITE.format(rule="'accuracy_drop <= 1'"), SUITE.format(rule="'top1 >= 0.95'")


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Modules that pytester meets first it forgets again, and torch cannot be imported twice."""
    robustbench_vit.evaluate(MODEL, "shapetex(n=2)", ["clean", "patchdrop(0.5)"], device="cpu")


@pytest.fixture
def bench(pytester):
    """Run pytest on a suite, whether the package is installed or not."""
    installed = any(point.value == pytest_plugin.__name__ for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "robustbench_vit.pytest_plugin"]

    def run(suite, *arguments, model=MODEL):
        pytester.makepyfile(bench_toy=suite)
        return pytester.runpytest_inprocess(
            *plugin, "--assert=plain", "-p", "no:benchmark", "-p", "no:xdist", "--strict-markers",
            "--rb-model", model, "--rb-device", "cpu", *arguments,
        )  # fmt: skip

    return run


def test_what_is_expected_and_met_passes(bench):
    """Several marks, several rules, a number over several cases."""
    bench(HOLDS).assert_outcomes(passed=3)


def test_what_is_not_met_fails_its_item_alone(bench):
    """With the number, its interval, and the rule."""
    result = bench(BREAKS)

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*(pretrained=false): top1 of patchdrop* is 0.* on 40 images; the rule is top1 >= 0.95"]
    )


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("'mce <= 90'", "no mce: * has no such number; it is part of *auc*brier*top1"),
        ("'tpo1 >= 0'", "no tpo1: * has no such number; it is part of *top1"),
        ("'top1 >= 0.05', strict=True", None),
        ("'auc >= 0'", None),
    ],
)
def test_numbers_that_a_case_is_part_of(bench, rule, told):
    """What there is no number of is not met."""
    result = bench(SUITE.format(rule=rule))

    result.assert_outcomes(passed=2 if told else 3, failed=1 if told else 0)
    if told:
        result.stdout.fnmatch_lines([f"*{told}*"])


def test_of_several_models_each_must_keep_it(bench):
    """Every one that does not is named."""
    result = bench(BREAKS, "--rb-model", "zoo:vit_xs(pretrained=false)")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["zoo:resnet_xs*: top1 of *", "zoo:vit_xs*: top1 of *"])


def test_a_case_that_failed_or_was_skipped_says_that(bench):
    """Its reason goes before what was expected of it."""
    suite = BREAKS.replace("patchdrop({ratio})", "shuffle({int(ratio * 28)})")
    bench(suite).assert_outcomes(passed=1, failed=2)
    skipped = bench(BREAKS.replace('Case(f"patchdrop({ratio})")', 'Case(data="conflict")'))
    skipped.assert_outcomes(passed=1, skipped=2)


def test_marks_of_pytest_work_with_it(bench):
    """An expected failure is one."""
    suite = BREAKS.replace("def bench_patchdrop", "@pytest.mark.xfail(strict=False)\ndef bench_patchdrop")

    bench(suite).assert_outcomes(passed=1, xfailed=1, xpassed=1)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("", "pytest.mark.expect takes rules such as 'top1 >= 0.6', got ()"),
        ("0.6", "takes rules such as 'top1 >= 0.6', got (0.6,)"),
        ("'top1'", "'top1' is no rule"),
        ("'top1 >= nan'", "expected a finite number"),
        ("'top1 >= -0.02'", "which a suite does not have; leave the sign out"),
        ("'top1[clean] >= 0.02'", "is about the case it stands at, so leave [clean] out"),
        ("'top1 >= 0.6', atol=1", "takes strict=True or strict=False beside rules"),
        ("'top1 >= 0.6', strict=1", "takes strict=True or strict=False beside rules"),
    ],
)
def test_mistakes_are_collection_errors(bench, mark, message, tmp_path):
    """Under pytest and in the collector of the command line; nothing is run."""
    suite = SUITE.format(rule=mark)
    result = bench(suite)
    file = tmp_path / "bench_toy.py"
    file.write_text(suite)

    result.assert_outcomes(errors=1)
    assert message in f"{result.stdout}".replace("\n", "")
    with pytest.raises(SpecError, match=r"cannot collect: .*bench_toy\.py"):
        collect([str(file)])


def test_collected_with_the_cases(tmp_path):
    """Rules stand beside the case they are about."""
    (tmp_path / "bench_toy.py").write_text(HOLDS)
    (found,) = collect([str(tmp_path / "bench_toy.py")])

    assert [["top1 <= 0.9", "nll >= 0.001", "top5 >= 0"], [], ["accuracy_drop <= 1"]] == [
        sorted(map(str, rules), key=["top1 <= 0.9", "nll >= 0.001", "top5 >= 0", "accuracy_drop <= 1"].index)
        for rules in found.expected
    ]


@pytest.mark.parametrize(("suite", "code"), [(HOLDS, 0), (BREAKS, 1)])
def test_under_the_command_line(suite, code, tmp_path: Path, monkeypatch, capsys):
    """Exit code 1 and a line a case; the files are written all the same."""
    monkeypatch.chdir(tmp_path)
    Path("bench_toy.py").write_text(suite)

    assert code == main(["run", "bench_toy.py", "--device", "cpu", "--out", "out"])
    shown = capsys.readouterr().out
    assert ("expectation not met: zoo:resnet_xs(pretrained=false): top1 of patchdrop" in shown) is bool(code)
    assert Path("out/results.csv").exists()


def test_a_shard_leaves_the_judgement_to_the_whole(tmp_path: Path, monkeypatch, capsys):
    """Half of the images say nothing yet."""
    monkeypatch.chdir(tmp_path)
    Path("bench_toy.py").write_text(BREAKS)

    assert 0 == main(["run", "bench_toy.py", "--device", "cpu", "--out", "out", "--shard", "1/2"])
    assert "expectation" not in capsys.readouterr().out
