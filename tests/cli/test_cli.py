"""The command line: every command does what it says, and every mistake is answered with a sentence and exit code 2."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from robustbench_vit import store
from robustbench_vit.cli import main, run as run_command

MODEL = "zoo:resnet_xs(pretrained=false)"
DATA = "shapetex(n=20)"
FILES = ["leaderboard.csv", "leaderboard.html", "results.csv"]
TOY = """
import pytest
from robustbench_vit.suite import Case, Suite

SUITE = Suite("toy", version=1)

def bench_clean():
    return Case()

@pytest.mark.parametrize("grid", [2, 4])
def bench_shuffle(grid):
    return Case(f"shuffle({grid})")
"""
NETWORK_MODEL = "network.py:tiny(mean=0.5, std=0.5)"
NETWORK = """
from torch import nn

def tiny():
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 10))
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Relative paths begin in an empty folder with a suite and a model; no environment leaks in."""
    (tmp_path / "bench_toy.py").write_text(TOY)
    (tmp_path / "network.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROBUSTBENCH_VIT_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments, suite="bench_toy.py", model=MODEL, data=DATA, out="out", device="cpu"):
    """Run the toy suite; None leaves an argument out."""
    named = {"--model": model, "--data": data, "--out": out, "--device": device}
    given = [word for flag, value in named.items() if value is not None for word in (flag, value)]
    return main(["run", *([suite] if isinstance(suite, str) else suite), *given, *arguments])


def error(capsys):
    """What went to stderr."""
    return capsys.readouterr().err


def results(folder="out"):
    """The table a run wrote."""
    return pd.read_csv(Path(folder) / "results.csv")


def cases(folder="out", metric="top1"):
    """Cases in the table, in its order."""
    table = results(folder)
    return table[table["metric"] == metric]["case"].tolist()


# ── run ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_run_writes_the_files_and_shows_a_table(capsys):
    """Three files, a table, their names, exit code 0."""
    code = run()
    shown = capsys.readouterr().out

    assert 0 == code
    assert FILES == sorted(file.name for file in Path("out").iterdir() if file.suffix in (".csv", ".html"))
    assert ["clean", "shuffle(grid=2)", "shuffle(grid=4)"] == cases()
    assert "3 cases: 3 done in" in shown
    assert "toy@1 on shapetex(n=20)" in shown
    assert f"wrote {Path('out') / 'leaderboard.html'}" in shown


def test_the_plan_runs_nothing(capsys):
    """Cases × images and a time, and no folder."""
    assert 0 == run("--plan")
    assert "3 cases of up to 20 images, 60 forward passes" in capsys.readouterr().out
    assert not Path("out").exists()


def test_the_plan_counts_no_unfilled_slot(capsys):
    """Cases without data cost nothing."""
    Path("bench_slot.py").write_text(TOY.replace("Case()", "Case(data='other')"))

    assert 0 == run("--plan", suite="bench_slot.py")
    assert "2 cases of up to 20 images" in capsys.readouterr().out


def test_several_suites_have_one_folder():
    """Without ``--out`` its name is that of the suites, so that the same command finds it again."""
    Path("bench_other.py").write_text(TOY.replace('"toy"', '"other"'))

    assert 0 == run("-k", "clean", suite=["bench_toy.py", "bench_other.py"], out=None)
    assert ["other@1", "toy@1"] == sorted(results("results/toy+other")["suite"].unique())
    assert 0 == run("-k", "clean", out=None)
    assert Path("results/toy/results.csv").exists()


def test_every_suite_must_have_models_and_data_before_anything_runs(capsys):
    """The second suite is looked at before the first is run; the error names the flag."""
    defaults = f"version=1, models=({MODEL!r},), data={DATA!r}"
    Path("bench_ready.py").write_text(TOY.replace('"toy", version=1', f'"ready", {defaults}'))

    assert 2 == run(suite=["bench_ready.py", "bench_toy.py"], model=None, data=None)
    assert "suite toy has no default models; give --model" in error(capsys)
    assert not Path("out").exists()
    assert 2 == run(data=None)
    assert "suite toy has no default data; give --data" in error(capsys)
    assert 0 == run("-k", "clean", suite="bench_ready.py", model=None, data=None)


def test_quickstart_lends_occlusion_nothing(capsys):
    """Defaults belong to their suite."""
    assert 2 == run(suite=["quickstart", "occlusion"], model=None, data=None)
    assert "suite occlusion has no default models" in error(capsys)


def test_builtin_suites_run_together():
    """Two of them in one command, each with its cases."""
    assert 0 == run("-k", "clean", suite=["quickstart", "occlusion"])
    assert {"quickstart@2", "occlusion@1"} == set(results()["suite"])


@pytest.mark.parametrize(("given", "n"), [([], 5), (["--limit", "7"], 7)])
def test_a_suite_may_have_a_limit(given, n):
    """It holds where the user names none."""
    Path("bench_toy.py").write_text(TOY.replace("version=1", "version=1, limit=5"))

    assert 0 == run("-k", "clean", *given)
    assert {n} == set(results()["n"])


def test_several_models_in_one_or_more_flags():
    """Commas outside brackets separate specs; files of the user and paths with spaces are models too."""
    folder = Path("with space")
    folder.mkdir()
    (folder / "network.py").write_text(NETWORK)

    assert 0 == run("-k", "clean", "-m", f'{NETWORK_MODEL}, "{folder}/network.py:tiny"(mean=0, std=1)', out="out put")
    assert {MODEL, NETWORK_MODEL, "network.py:tiny(mean=0, std=1)"} == set(results("out put")["model"])


def test_paths_with_spaces(fake_data):
    """Suite, data and output folder."""
    Path("my suites").mkdir()
    Path("bench_toy.py").rename("my suites/bench_toy.py")
    for index in range(2):
        folder = Path("my data") / f"class {index}"
        folder.mkdir(parents=True)
        Image.fromarray(np.full((64, 64, 3), 99 * index, np.uint8)).save(folder / "0.png")

    code = run(
        suite="my suites",
        model="zoo:resnet_xs(pretrained=false, num_classes=2)",
        data='folder("my data")',
        out="my out",
    )

    assert 0 == code
    assert Path("my out/results.csv").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"suite": "quickstat"}, r"unknown suite \(or file\) 'quickstat'; did you mean quickstart\?"),
        ({"data": "shapetx"}, "unknown dataset 'shapetx'; did you mean shapetex"),
        ({"data": "shapetex(m=3)"}, "unknown parameter of shapetex 'm'"),
        ({"data": "folder(nowhere)"}, "nowhere does not exist; expected a folder"),
        ({"device": "cpuu"}, "device 'cpuu' cannot be used"),
        ({"suite": "network.py"}, "no cases in network.py; a suite file holds SUITE and bench_"),
    ],
)
def test_unknown_names_are_answered_with_the_closest(changes, message, capsys):
    """Exit code 2 and one sentence, before anything is written."""
    assert 2 == run(**changes)
    assert pd.Series([error(capsys)]).str.contains(message).all()
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard", "0/2"], "shard must be i/n with 1 ≤ i ≤ n, got 0/2"),
        (["--shard", "3/2"], "shard must be i/n with 1 ≤ i ≤ n, got 3/2"),
        (["--shard", "two"], "shard must be i/n such as 2/4, got two"),
        (["--limit", "0"], "limit must be at least 1, got 0"),
        (["--limit", "-5"], "limit must be at least 1, got -5"),
        (["--batch-size", "x"], "batch size must be auto or at least 1, got x"),
        (["--batch-size", "0"], "batch size must be auto or at least 1, got 0"),
        (["--workers", "0"], "workers must be at least 1, got 0"),
        (["--geometry", "square"], "unknown geometry 'square'"),
        (["-k", "nothing"], "no cases in bench_toy.py with -k 'nothing'"),
        (["-k", "clean and"], "Wrong expression passed to '-k'"),
        (["--markers", "slow"], "no cases in bench_toy.py with -m 'slow'"),
        (["--data", DATA], "--data fills the run twice"),
        (["--device", "cpu,cpu", "--shard", "1/2"], "--shard and several devices cannot be combined"),
    ],
)
def test_bad_arguments_are_usage_errors(arguments, message, capsys):
    """Exit code 2, what was expected and what came, and nothing is written."""
    assert 2 == run(*arguments)
    assert message in error(capsys)
    assert not Path("out").exists()


@pytest.mark.parametrize("arguments", [["--limit", "x"], ["--dtype", "fp8"], ["--nonsense"]])
def test_arguments_the_parser_refuses(arguments):
    """Argparse says so, with the same exit code."""
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)


def test_an_unknown_model_is_a_failed_row(capsys):
    """The closest name stands on the terminal and in the table; other models go on; exit code 3."""
    assert 3 == run("-k", "clean", "-m", "zoo:resnet_xxs")
    assert "did you mean zoo:resnet_xs" in capsys.readouterr().out
    assert {"done", "failed"} == set(results()["status"])


def test_a_model_that_could_not_be_loaded_leaves_no_trace_when_it_can(capsys):
    """The file is written, the same command run again: the failed rows go."""
    Path("late.py").write_text("def tiny(): raise OSError('no weights yet')")
    assert 3 == run(model="late.py:tiny(mean=0, std=1)")
    assert "no weights yet" in capsys.readouterr().out
    Path("late.py").write_text(NETWORK)

    assert 0 == run(model="late.py:tiny(mean=0, std=1)")
    assert {"done"} == set(results()["status"])


def test_an_unknown_perturbation_fails_its_case_alone(capsys):
    """The closest perturbation is named, and the other cases are measured."""
    Path("bench_toy.py").write_text(TOY.replace("shuffle({", "shufle({"))

    assert 3 == run()
    said = " ".join(capsys.readouterr().out.split())
    assert "unknown perturbation 'shufle'; did you mean shuffle or square?" in said
    assert "1 done, 2 failed" in said


def test_a_suite_that_cannot_be_imported(capsys):
    """The reason is shown."""
    Path("bench_toy.py").write_text("SUITE = undefined")

    assert 2 == run()
    assert "NameError: name 'undefined' is not defined" in error(capsys)


def test_the_environment_must_name_a_folder(monkeypatch, capsys):
    """A variable that points nowhere is said to."""
    monkeypatch.setenv("ROBUSTBENCH_VIT_DATA", "nowhere")

    assert 2 == run()
    assert "ROBUSTBENCH_VIT_DATA must name a folder, got nowhere" in error(capsys)


def test_a_folder_that_cannot_be_written(capsys):
    """A file stands where the folder should."""
    Path("taken").write_text("")

    assert 2 == run(out="taken/out")
    assert f"cannot write {Path('taken/out')}" in error(capsys)


def test_a_full_disk(monkeypatch, capsys):
    """The system's reason and the next step; the same command goes on."""

    def full(path, write):
        raise store.store.StoreError(f"cannot write {path}: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("robustbench_vit.store.store.write_atomically", full)
        assert 2 == run()
    assert "No space left on device" in error(capsys)
    assert 0 == run()


@pytest.mark.parametrize("command", [run, lambda: main(["report", "out"]), lambda: main(["score", "out"])])
def test_half_a_result_file_is_named(command: Callable[[], int], capsys):
    """It is neither passed over nor a traceback."""
    run()
    file = next(Path("out").glob("cases/*/clean*.parquet"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    capsys.readouterr()

    assert 2 == command()
    assert f"cannot read {file}" in error(capsys)


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys):
    """No traceback, and the exit code shells expect."""

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "command", interrupted)

    assert 130 == run()
    assert "the same command goes on from the last finished block" in error(capsys)


def test_what_the_system_refuses_is_no_traceback(monkeypatch, capsys):
    """Errors of files carry their own sentence."""

    def refused(options):
        raise PermissionError(13, "Permission denied", "secret")

    monkeypatch.setattr(run_command, "command", refused)

    assert 2 == run()
    assert "Permission denied: 'secret'" in error(capsys)


# ── several devices ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def importable(monkeypatch):
    """Processes of their own import the package from where this one has it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(run_command.__file__).parents[2]))


def test_several_devices_share_the_blocks(importable, capfd):
    """A process a device; the parent merges, and knows its arguments though they are not those of pytest."""
    assert 0 == run("-k", "clean or 2", device="cpu,cpu", data="shapetex(n=300)", out="two")
    assert 0 == run("-k", "clean or 2", data="shapetex(n=300)", out="one")

    assert 2 == len(list(Path("two").glob("runs/*.json")))
    assert {"done"} == set(results("two")["status"])
    pd.testing.assert_frame_equal(results("one"), results("two"))


def test_a_device_that_fails_is_named(importable, capfd):
    """What the others finished is kept."""
    assert 2 == run("-k", "clean", device="cpu,nonsense", data="shapetex(n=300)")
    message = capfd.readouterr().err
    assert "device 'nonsense' cannot be used" in message
    assert "the process on nonsense ended with exit code 2" in message
    assert 1 == len(list(Path("out").glob("runs/*.json")))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--", "a suite"],
        ["a", "b", "-m", "x(y=1),z", "-m", 'file.py:f("a b")', "--limit", "3", "--compile", "-k", "not a"],
        ["a", "--batch-size=7", "--seed", "0", "--cache=-c", "--workers", "4", "--dtype", "bf16"],
    ],
)
def test_parsed_options_become_the_same_options(arguments):
    """The command line of a process is a function of what was parsed."""
    from robustbench_vit.cli import parser

    options = parser().parse_args(["run", *arguments])
    again = parser().parse_args(run_command._arguments(options, device="cuda:1", shard="2/3"))

    assert {**vars(options), "device": "cuda:1", "shard": "2/3", "command": None} == {**vars(again), "command": None}


# ── report, score, list, doctor ────────────────────────────────────────────────────────────────────────────────────


def test_report_of_several_folders(capsys):
    """Models of two runs in one table, in a third folder."""
    run("-k", "clean", out="a")
    run("-k", "clean", model=NETWORK_MODEL, out="b")

    assert 0 == main(["report", "a", "b", "--out", "both"])
    assert [MODEL, NETWORK_MODEL] == sorted(pd.read_csv("both/leaderboard.csv")["model"], reverse=True)
    assert f"wrote {Path('both/leaderboard.html')}" in capsys.readouterr().out


def test_score_measures_again():
    """Only results.csv, equal to that of the run."""
    run()

    assert 0 == main(["score", "out", "--out", "again"])
    assert ["results.csv"] == [file.name for file in Path("again").iterdir()]
    pd.testing.assert_frame_equal(results(), results("again"))


@pytest.mark.parametrize("command", ["report", "score"])
def test_a_folder_without_results(command, capsys):
    """It is named."""
    assert 2 == main([command, "nothing"])
    assert "nothing holds no results; expected the --out folder of a run" in error(capsys)


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("aggregates", "auc"),
        ("datasets", "shapetex"),
        ("metrics", "top1"),
        ("models", "zoo:vit_xs"),
        ("perturbations", "patchdrop"),
        ("saliency", "spectral"),
        ("suites", "quickstart"),
    ],
)
def test_list_shows_every_room_and_every_row(room, name, capsys):
    """A row a thing; with a name, its parameters."""
    assert 0 == main(["list", room])
    assert name in capsys.readouterr().out
    assert 0 == main(["list", room, name])
    assert capsys.readouterr().out.startswith(name)
    assert 2 == main(["list", room, f"{name}x"])
    assert f"did you mean {name}" in error(capsys)


def test_list_keeps_brackets(capsys):
    """They are no markup."""
    main(["list", "perturbations", "patchdrop"])

    assert "an integer or [height, width]" in capsys.readouterr().out


def test_the_doctor_shows_its_findings(capsys):
    """Exit code 0 without problems; a warning is none."""
    assert 0 == main(["doctor", "-m", MODEL, "-d", DATA, "--limit", "10", "--device", "cpu"])
    shown = capsys.readouterr().out
    assert "determinism" in shown
    assert "on 10 images" in shown
    assert "warning" in shown


def test_the_doctor_finds_a_problem(capsys):
    """Exit code 3."""
    model = "zoo:resnet_xs(pretrained=false, num_classes=3)"

    assert 3 == main(["doctor", "-m", model, "-d", DATA, "--limit", "10"])
    assert "problem" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--limit", "0"], "--limit must be at least 1, got 0"),
        (["-m", "zoo:vit_xxs"], "did you mean zoo:vit_xs"),
        (["-d", "shapetx"], "did you mean shapetex"),
        (["--device", "nonsense"], "device 'nonsense' cannot be used"),
    ],
)
def test_mistakes_at_the_doctors(changes, message, capsys):
    """Exit code 2 and a sentence."""
    assert 2 == main(["doctor", "-m", MODEL, "-d", DATA, *changes])
    assert message in error(capsys)


# ── light ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["", "run", "report", "score", "list", "doctor", "make"])
def test_help_imports_nothing_heavy(command):
    """No torch, pandas, numpy, pytest or rich is imported to say what there is (C11)."""
    program = (
        "import sys\n"
        "from robustbench_vit.cli import main\n"
        f"try:\n    main({[*command.split(), '--help']})\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'torch', 'pandas', 'numpy', 'pytest', 'rich', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )

    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert shown.startswith(f"usage: robustbench-vit {command}".strip())


def test_a_closed_pipe_is_no_error(tmp_path):
    """``robustbench-vit list … | head -1`` ends quietly."""
    program = f"{sys.executable} -m robustbench_vit list perturbations | true"
    environment = {"PYTHONPATH": str(Path(run_command.__file__).parents[2]), "COLUMNS": "20"}

    ended = subprocess.run(program, shell=True, check=True, capture_output=True, text=True, env=environment)

    assert "" == ended.stderr


# ── make ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def make(*arguments, data=DATA, out="made"):
    """Make a stored set."""
    return main(["make", "corrupted", "--data", data, "--out", out, "--device", "cpu", *arguments])


def test_make_corrupted_and_run_on_it(capsys):
    """One command makes the set, and says how to open it; suites and perturbations add up."""
    arguments = ["--suite", "bench_toy.py", "--perturbation", "patchdrop(0.5), patchdrop(0.25)", "--format", "png"]

    assert 0 == make(*arguments)
    assert "4 conditions × 20 images in" in (shown := capsys.readouterr().out)
    assert "--data 'folder_c(made)'" in shown
    assert 0 == run("-k", "clean", data="folder_c(made)")
    assert {"done"} == set(results()["status"])
    assert 0 == make(*arguments)


def test_make_selects_cases(capsys):
    """By name as pytest does, by number of samples, by seed."""
    assert 0 == make("--suite", "bench_toy.py", "-k", "shuffle and 4", "--format", "npy", "--limit", "5", "--seed", "3")
    assert ["ids.txt", "labels.npy", "manifest.json", "shuffle.npy"] == sorted(
        file.name for file in Path("made").iterdir() if not file.name.startswith(".")
    )
    assert (5, 64, 64, 3) == np.load("made/shuffle.npy").shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is nothing to make; give --suite NAME or --perturbation SPEC"),
        (["--perturbation", "shuffle(4)", "-k", "x"], "-k selects cases of suites; give --suite NAME as well"),
        (["--perturbation", "shufle(4)"], "did you mean shuffle or square?"),
        (["--perturbation", "shuffle(7)"], "a 7×7 grid does not divide 64×64 images"),
        (["--perturbation", "stored(fog, severity=1)"], "cannot be stored: it names images that are stored already"),
        (["--perturbation", "shuffle(4)", "--limit", "0"], "limit must be at least 1, got 0"),
        (["--perturbation", "shuffle(4)", "--geometry", "native"], "unknown geometry 'native'"),
        (["--suite", "nothing"], "unknown suite (or file) 'nothing'"),
    ],
)
def test_what_cannot_be_made(arguments, message, capsys):
    """Exit code 2, a sentence, and nothing is written."""
    assert 2 == make("--format", "png", *arguments)
    assert message in error(capsys)
    assert not Path("made").exists()


def test_making_into_a_folder_of_something_else(capsys):
    """Exit code 2, and the files are as they were."""
    assert 2 == make("--perturbation", "shuffle(4)", "--format", "png", out=".")
    assert "holds other files, such as" in error(capsys)
