"""The house has storeys: imports go down, never up, never in a circle (DESIGN §4), and light rooms stay light (C11)."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import robustbench_vit

ROOT = Path(robustbench_vit.__file__).parent
LAYERS = {
    "errors": 0, "spec": 0, "catalog": 0, "suite": 0, "records": 0,
    "metrics": 1, "aggregates": 1, "store": 1, "trials": 1, "interchange": 1, "leaderboard": 1, "gates": 1,
    "merging": 1,
    "types": 2, "labels": 2, "chunks": 2, "randomness": 2,
    "data": 3, "perturbations": 3, "models": 3, "zoo": 3,
    "evaluation": 4, "make": 4, "preview": 4,
    "collect": 5, "pytest_plugin": 5, "api": 5, "cli": 5, "__main__": 5, "__init__": 5,
}  # fmt: skip
APART = {"data", "perturbations", "models"}
# The training script puts rooms together; nothing imports it.
EXEMPT = {"zoo/train.py"}


def imports(file):
    """Rooms of this package that a file imports, with whether at module level, type-checking blocks left out."""
    tree = ast.parse(file.read_text())
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("robustbench_vit.") and id(node) not in guarded:
                yield name.split(".")[1], name


FILES = [file for file in sorted(ROOT.rglob("*.py")) if file.relative_to(ROOT).parts[0] != "suites"]


def room(file):
    """First part of a file's path."""
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_imports_go_down(file):
    """No file imports a higher storey; data, perturbations and models never one another."""
    if file.relative_to(ROOT).as_posix() in EXEMPT:
        pytest.skip("a script that puts rooms together")
    mine = room(file)
    for other, name in imports(file):
        if other not in LAYERS or mine == "__init__":
            continue
        assert LAYERS[other] <= LAYERS[mine], f"{file} imports {name}, which lies above it"
        assert not ({mine, other} <= APART and mine != other), f"{file} imports {name}; these rooms stay apart"


def test_no_circles():
    """Rooms import one another in one direction only."""
    graph = {}
    for file in FILES:
        if file.relative_to(ROOT).as_posix() not in EXEMPT and room(file) != "__init__":
            graph.setdefault(room(file), set()).update(other for other, _ in imports(file) if other != room(file))
    # The plugin and the collector belong to one another: pytest finds, the collector asks pytest.
    graph["pytest_plugin"] -= {"collect", "api"}

    assert list(TopologicalSorter(graph).static_order())


def test_every_room_has_a_storey():
    """A new room must be given its place."""
    assert {room(file) for file in FILES} <= set(LAYERS)


@pytest.mark.parametrize(
    "code",
    [
        "import robustbench_vit",
        "from robustbench_vit.cli import parser; parser()",
        "from robustbench_vit.cli.listing import command",
        "from robustbench_vit.perturbations import PERTURBATIONS",
        "from robustbench_vit.models.catalog import MODELS",
        "from robustbench_vit.data import DATASETS",
        "from robustbench_vit.collect import collect; collect(['quickstart'])",
        "from robustbench_vit.leaderboard.report import write_report",
        "import robustbench_vit.pytest_plugin",
        "from robustbench_vit.preview.flips import flips",
        "from robustbench_vit.cli.gate import command",
    ],
)
def test_light_rooms_import_no_torch(code):
    """Help, lists, collecting and reports load no torch (C11)."""
    program = f"{code}\nimport sys\nassert 'torch' not in sys.modules, 'torch was imported'"

    subprocess.run([sys.executable, "-c", program], check=True)


def test_normalisation_lives_in_models_alone():
    """No other room knows a mean or a standard deviation (C1)."""
    constants = re.compile(r"0\.485|0\.229|0\.456|0\.224\b|123\.675|IMAGENET_DEFAULT_(MEAN|STD)")
    guilty = [file for file in FILES if constants.search(file.read_text()) and room(file) != "models"]

    assert [] == guilty


def test_randomness_is_keyed():
    """No generator of torch or numpy draws anything in the rooms that make images (C2).

    Two files seed global generators from each image's key and put them back, because other people's programs draw from
    them: imagecorruptions from numpy's; torchattacks from torch's, numpy's and Python's.
    """
    others = {ROOT / "perturbations" / folder / "package.py" for folder in ("corruptions", "attacks")}
    generators = re.compile(
        r"torch\.(manual_seed|randn?|randperm|randint|Generator)\(|np\.random|import random\b|default_rng"
    )
    guilty = [
        file
        for file in FILES
        if file not in others
        and room(file) in {"perturbations", "data", "randomness", "make"}
        and generators.search(file.read_text())
    ]

    assert [] == guilty


def test_no_file_swallows_its_neighbours():
    """Modules stay short enough to be read at once."""
    assert [] == [file.name for file in FILES if len(file.read_text().splitlines()) > 400]
