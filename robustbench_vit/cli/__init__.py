"""The command line: ``robustbench-vit run | report | compare | gate | merge | import | export | list | make | …``.

Only the standard library is imported before a command is chosen, so that ``--help`` answers at once (contract C11).
"""

import argparse
import os
import sys
from collections.abc import Sequence

from robustbench_vit import __version__
from robustbench_vit.errors import RobustbenchError

EXIT_OK, EXIT_GATE, EXIT_USAGE, EXIT_FAILED_CASES = 0, 1, 2, 3

_REFERENCE = "model of the folders that corruption errors are relative to (AlexNet's published errors)"
_FOLDER = "results folder of a run"
_TRIALS = (
    "decisions of humans and other models on the same images: a CSV file of model-vs-human or a folder of them; "
    "DATA is the data set they are about (cue_conflict); repeatable"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if all went well, 1 if a gate failed, 2 for a mistake in what was asked, 3 if some cases failed.
    """
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except RobustbenchError as error:
        print(f"robustbench-vit: error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python must not flush into the closed pipe either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as error:
        print(f"robustbench-vit: error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last finished block", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The argument parser with all commands."""
    top = argparse.ArgumentParser(prog="robustbench-vit", description="A robustness benchmark suite for vision models.")
    top.add_argument("--version", action="version", version=f"robustbench-vit {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_report(commands)
    _add_compare(commands)
    _add_gate(commands)
    _add_merge(commands)
    _add_import(commands)
    _add_export(commands)
    _add_preview(commands)
    _add_list(commands)
    _add_doctor(commands)
    _add_make(commands)
    return top


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser(
        "run",
        help="run suites and write the leaderboard",
        description="Run suites, block by block, and write results.csv, leaderboard.csv, leaderboard.html and "
        "leaderboard.md. Killed or interrupted, the same command goes on where it stopped.",
        epilog="exit codes: 0 all cases done, 1 an expectation of a suite is not met, 2 usage, 3 some cases failed",
    )
    run.add_argument("suites", nargs="+", metavar="SUITE", help="name of a built-in suite, a file or a folder")
    run.add_argument("-m", "--model", action="append", default=[], metavar="SPEC", help="model (repeatable)")
    run.add_argument("-d", "--data", action="append", default=[], metavar="[SLOT=]SPEC", help="data set (repeatable)")
    run.add_argument("-o", "--out", metavar="DIR", help="results folder (results/SUITE, or results/SUITE+SUITE)")
    run.add_argument("-k", "--keyword", default="", metavar="EXPR", help="select cases by name, as pytest does")
    run.add_argument("--markers", default="", metavar="EXPR", help="select cases by marker, as pytest -m does")
    run.add_argument("--limit", type=int, metavar="N", help="first N samples of the canonical order")
    run.add_argument("--batch-size", default="auto", metavar="N", help="images a forward pass (auto)")
    run.add_argument("--device", default="auto", metavar="DEV", help="cpu, cuda, cuda:1, a list, or auto: all GPUs")
    run.add_argument("--dtype", default="fp32", choices=("fp32", "bf16"), help="precision of the model (fp32)")
    run.add_argument("--seed", default="0", metavar="N[,N…]", help="seed of all draws (0); several give their spread")
    run.add_argument("--workers", type=int, default=2, metavar="N", help="threads that decode pictures (2)")
    run.add_argument("--shard", default="1/1", metavar="I/N", help="run every N-th block only, from the I-th on")
    run.add_argument("--geometry", metavar="SPEC", help="native, none or geometry(resize=…, crop=…) for all cases")
    run.add_argument("--cache", metavar="DIR", help="keep decoded pictures here, for further models and cases")
    run.add_argument("--channels-last", action="store_true", help="channels-last memory layout")
    run.add_argument("--compile", action="store_true", help="compile the model with torch.compile")
    run.add_argument("--plan", action="store_true", help="print cases × images and the estimated time, then stop")
    run.set_defaults(command=_lazy("run"))


def _add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    report = commands.add_parser(
        "report",
        help="write the leaderboard of one or more results folders",
        description="Score what is new in the folders, and write results.csv, leaderboard.csv, leaderboard.html and "
        "leaderboard.md. Folders of scores without rows will do.",
    )
    report.set_defaults(command=_lazy("report"))
    score = commands.add_parser(
        "score",
        help="score what is new in one or more results folders, and write results.csv",
        description="Score what is new or changed since the last time, without any model, keep it below scored/, and "
        "write results.csv. What was scored of rows that are gone stays.",
    )
    score.set_defaults(command=_lazy("score"))
    for parser in (report, score):
        _add_folders(parser)
        _add_out(parser)
        _add_reference(parser)
        parser.add_argument("--trials", action="append", default=[], metavar="[DATA=]PATH", help=_TRIALS)


def _add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    compare = commands.add_parser(
        "compare",
        help="compare two models image by image, and write comparison.csv",
        description="Compare two models on the images both have seen: for each case the difference with its interval, "
        "the images that only one has right, McNemar's exact test, and the smallest difference that so many images "
        "show; then families, curves and corruption errors with a permutation test; Holm's adjustment over all.",
    )
    compare.add_argument("a", metavar="A", help="name of a model, as tables have it")
    compare.add_argument("b", metavar="B", help="the other one; differences are B − A")
    compare.add_argument("-i", "--in", dest="folders", nargs="+", required=True, metavar="DIR", help=_FOLDER)
    _add_out(compare)
    _add_reference(compare)
    compare.set_defaults(command=_lazy("compare"))


def _add_gate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    gate = commands.add_parser(
        "gate",
        help="hold a run against rules; exit code 1 if one is not kept",
        description="Hold the numbers of a run, or their differences to a base, against rules. A rule fails only if "
        "the whole 95 % interval lies beyond its bound. A bound with a sign is for the difference RUN − BASE, paired "
        "image by image; one without is for the number itself. What is missing, failed or not a number fails.",
        epilog="exit codes: 0 all rules are kept, 1 some are not, 2 usage",
    )
    gate.add_argument("run", metavar="RUN", help=_FOLDER)
    gate.add_argument("--against", metavar="BASE", help="results folder of the run it is compared with")
    gate.add_argument(
        "--rule", action="append", default=[], metavar="RULE", help="'mce <= +1.0', 'top1[clean] >= 0.6' (repeatable)"
    )
    gate.add_argument("--rules", action="append", default=[], metavar="FILE", help="rules in TOML (repeatable)")
    gate.add_argument(
        "-m", "--model", action="append", default=[], metavar="A[=B]", help="model of RUN, and of BASE (all, by name)"
    )
    gate.add_argument(
        "-d", "--data", action="append", default=[], metavar="NAME", help="data set, as tables call it (all)"
    )
    _add_reference(gate)
    gate.add_argument("--strict", action="store_true", help="hold the number itself against the bound; it may flap")
    gate.add_argument("--junit", metavar="FILE", help="write the verdicts as JUnit XML")
    gate.set_defaults(command=_lazy("gate"))


def _add_merge(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    merge = commands.add_parser(
        "merge",
        help="put the results folders of several people into one",
        description="Put results folders into one. Equal rows meet; rows of one image that differ are a conflict, "
        "which is named, and then nothing is written. Killed or interrupted, the same command goes on.",
    )
    _add_folders(merge)
    _add_out(merge, "where to write; may hold results already", required=True)
    merge.set_defaults(command=_lazy("merge"))


def _add_import(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    described = "They stand in the leaderboard as reported, not run: marked, without n, interval and rank."
    parser = commands.add_parser("import", help="put numbers of other people's tables beside the results")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    timm = kinds.add_parser(
        "timm", help="results tables of timm", description=f"Read results tables of timm. {described}"
    )
    timm.add_argument("files", nargs="+", metavar="FILE", help="results-<data set>.csv")
    _add_out(timm, "results folder to put them into", required=True)
    timm.add_argument("--data", metavar="NAME", help="data set, if the file's name does not tell")
    timm.set_defaults(command=_lazy("import_", "timm"))
    bench = kinds.add_parser(
        "robustbench",
        help="RobustBench's files about models",
        description=f"Read RobustBench's files model_info/<data set>/<threat>/<model>.json. {described}",
    )
    bench.add_argument("files", nargs="+", metavar="FILE", help="JSON file, or a folder with some at any depth")
    _add_out(bench, "results folder to put them into", required=True)
    bench.add_argument("--norm", choices=("linf", "l2"), help="norm of the attacks, if the file's folder does not tell")
    bench.add_argument("--data", metavar="NAME", help="data set, if the file does not tell")
    bench.set_defaults(command=_lazy("import_", "robustbench"))


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    kinds = commands.add_parser("export", help="write results for other programs").add_subparsers(
        required=True, metavar="KIND"
    )
    trials = kinds.add_parser(
        "trials",
        help="decisions on clean images, in the columns of model-vs-human",
        description="Write the decisions on clean images of up to 32 classes in the layout and columns of "
        "model-vs-human: a folder a data set, a CSV file a model.",
    )
    _add_folders(trials)
    _add_out(trials, "where to write", required=True)
    trials.set_defaults(command=_lazy("export"))
    timm = kinds.add_parser(
        "timm",
        help="accuracies on clean images, in the columns of timm",
        description="Write accuracies on clean images as a results table of timm. Where there are several suites, data "
        "sets or geometries, each has a file beside FILE, named after what tells them apart.",
    )
    _add_folders(timm)
    _add_out(timm, "CSV file", "FILE", required=True)
    timm.set_defaults(command=_lazy("export", "timm"))
    _add_export_scores(kinds)


def _add_export_scores(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    scores = kinds.add_parser(
        "scores",
        help="a results folder without rows, small enough to publish",
        description="Write plans, scores and facts about models and runs as a results folder of its own, without the "
        "rows of images: it can be reported, compared, gated, exported and merged.",
    )
    scores.add_argument("folder", metavar="DIR", help=_FOLDER)
    _add_out(scores, "where to write; a new folder", required=True)
    scores.set_defaults(command=_lazy("export", "scores"))


def _add_preview(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    preview = commands.add_parser(
        "preview",
        help="show an image under every case, or the images that models lost first",
        description="Write one HTML file that needs no network: the same image under every case of the suites, before "
        "any model is run; or, with --in, the images that flip first along each curve in the rows of a run. The file "
        "holds images of the data set.",
        epilog="exit codes: 0 something can be shown, 2 usage, 3 no case can be shown, with the reasons",
    )
    preview.add_argument("suites", nargs="+", metavar="SUITE", help="name of a built-in suite, a file or a folder")
    preview.add_argument(
        "-d", "--data", action="append", default=[], metavar="[SLOT=]SPEC", help="data set (repeatable)"
    )
    which = preview.add_mutually_exclusive_group()
    which.add_argument("--index", type=int, metavar="I", help="place of the image in canonical order (0)")
    which.add_argument("--id", metavar="ID", help="sample id of the image")
    preview.add_argument("--images", type=int, metavar="N", help="images from there on (1); with --in: a curve (6)")
    preview.add_argument("-k", "--keyword", default="", metavar="EXPR", help="select cases by name, as pytest does")
    preview.add_argument(
        "-m", "--model", metavar="SPEC", help="make attacks on it, and show what it sees; with --in: a name"
    )
    preview.add_argument("-i", "--in", dest="store", metavar="DIR", help="results folder: show what flips first")
    preview.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all draws (0)")
    preview.add_argument("--device", default="auto", metavar="DEV", help="cpu, cuda, cuda:1 or auto")
    preview.add_argument("--geometry", metavar="SPEC", help="none or geometry(resize=…, crop=…) for all cases")
    preview.add_argument("-o", "--out", metavar="FILE", help="where to write (preview.html or failures.html)")
    preview.set_defaults(command=_lazy("preview"))


def _add_list(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rooms = ("aggregates", "datasets", "metrics", "models", "perturbations", "saliency", "suites")
    listing = commands.add_parser("list", help="show what there is")
    listing.add_argument("room", choices=rooms, help="what to list")
    listing.add_argument("name", nargs="?", help="show one row with its parameters")
    listing.set_defaults(command=_lazy("listing"))


def _add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    doctor = commands.add_parser("doctor", help="check a model's preprocessing and outputs on a data set")
    doctor.add_argument("-m", "--model", required=True, metavar="SPEC")
    doctor.add_argument("-d", "--data", required=True, metavar="SPEC")
    doctor.add_argument("--limit", type=int, default=200, metavar="N", help="number of samples (200)")
    doctor.add_argument("--device", default="auto", metavar="DEV")
    doctor.set_defaults(command=_lazy("doctor"))


def _add_make(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    kinds = commands.add_parser("make", help="make data sets").add_subparsers(required=True, metavar="KIND")
    make = kinds.add_parser(
        "corrupted",
        help="store the perturbed images of a data set",
        description="Store the perturbed images of a data set in the layout of ImageNet-C (pictures) or CIFAR-10-C "
        "(npy). Killed or interrupted, the same command goes on where it stopped.",
    )
    make.add_argument("-d", "--data", required=True, metavar="SPEC", help="data set to perturb")
    make.add_argument("-o", "--out", required=True, metavar="DIR", help="folder of the set")
    make.add_argument("--suite", action="append", default=[], metavar="SUITE", help="its cases (repeatable)")
    make.add_argument("--perturbation", action="append", default=[], metavar="SPEC", help="a case (repeatable)")
    make.add_argument("--format", required=True, choices=("png", "jpeg85", "npy"), help="how images are stored")
    make.add_argument("-k", "--keyword", default="", metavar="EXPR", help="select cases of suites, as pytest does")
    make.add_argument("--limit", type=int, metavar="N", help="first N samples of the canonical order")
    make.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all draws (0)")
    make.add_argument("--device", default="auto", metavar="DEV", help="cpu, cuda, cuda:1 or auto")
    make.add_argument("--workers", type=int, default=2, metavar="N", help="threads that decode and encode pictures (2)")
    make.add_argument("--geometry", metavar="SPEC", help="none or geometry(resize=…, crop=…); the data set's own")
    make.set_defaults(command=_lazy("make"))
    _add_make_cue_conflict(kinds)


def _add_make_cue_conflict(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    make = kinds.add_parser(
        "cue-conflict",
        help="shapes of some classes in textures of the same classes",
        description="Store images with the shape of one class and the texture of another, for all pairs of classes, "
        "in the layout of Geirhos et al.: SHAPE/SHAPE1-TEXTURE1.png. Killed or interrupted, the same command goes on "
        "where it stopped.",
    )
    make.add_argument("--content", required=True, metavar="DIR", help="pictures that give shapes, one folder a class")
    make.add_argument("--texture", required=True, metavar="DIR", help="pictures that give textures, the same classes")
    make.add_argument("-o", "--out", required=True, metavar="DIR", help="folder of the set")
    make.add_argument("--strength", type=float, default=1.0, metavar="S", help="how far textures go, from 0 to 1 (1)")
    make.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all draws (0)")
    make.add_argument("--size", type=int, default=224, metavar="N", help="height and width in pixels (224)")
    make.add_argument("--per-pair", type=int, default=1, metavar="N", help="images of each pair of classes (1)")
    make.set_defaults(command=_lazy("make", "cue_conflict"))


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", metavar="DIR", help=_FOLDER)


def _add_out(
    parser: argparse.ArgumentParser,
    what: str = "where to write (the first folder)",
    kind: str = "DIR",
    *,
    required: bool = False,
) -> None:
    parser.add_argument("-o", "--out", required=required, metavar=kind, help=what)


def _add_reference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reference", metavar="MODEL", help=_REFERENCE)


class _lazy:  # noqa: N801 - reads as a function
    """A command whose module is imported when it runs."""

    def __init__(self, name: str, function: str = "command") -> None:
        self.name, self.function = name, function

    def __call__(self, options: argparse.Namespace) -> int:
        from importlib import import_module

        return int(getattr(import_module(f"robustbench_vit.cli.{self.name}"), self.function)(options))
