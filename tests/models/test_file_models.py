"""Models from a function in a user's file."""

from pathlib import Path

import pytest
import torch

from robustbench_vit.errors import ModelError, SpecError, UnknownNameError
from robustbench_vit.models import load_model

TEXT = """
import torch
from torch import nn

from robustbench_vit.models.image_model import ImageModel, Preprocessing


def plain(classes=4, scale=1.0):
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, classes))


def own(mean=0.5):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 4))


def anything(**options):
    assert options == {"depth": 2}, options
    return plain()


def wrapped(first=None):
    network = plain()
    return ImageModel(network, Preprocessing((0.5,) * 3, (0.5,) * 3, (8, 8)), name="mine", num_classes=4)


def typed(rate, sizes):
    assert isinstance(rate, float) and sizes == (1, 0.5), (rate, sizes)
    return plain()


def number():
    return 3


def broken():
    raise KeyError("depth")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A user's file."""
    path = tmp_path / "mine.py"
    path.write_text(TEXT)
    return path


def test_a_plain_network_with_statistics(file: Path) -> None:
    """The loader takes mean, std and size, the function the rest; K is counted."""
    model = load_model(f"{file}:plain(classes=6, mean=0.5, std=[0.1, 0.2, 0.3], input_size=16)")

    assert (6, (16, 16)) == (model.num_classes, model.preprocessing.input_size)
    assert (0.1, 0.2, 0.3) == model.preprocessing.std
    assert "mine.py:plain(classes=6, input_size=16, mean=0.5, std=[0.1, 0.2, 0.3])" == model.name


def test_a_plain_network_needs_statistics(file: Path) -> None:
    """There is no default normalisation."""
    with pytest.raises(SpecError, match=r"say how pixels in .0,1. are normalised with mean= and std="):
        load_model(f"{file}:plain")


def test_the_functions_own_arguments_win(file: Path) -> None:
    """A parameter called mean belongs to the function, so the network lacks a mean."""
    with pytest.raises(SpecError, match="returns a plain network"):
        load_model(f"{file}:own(mean=0.1, std=1)")


def test_keyword_arguments_take_the_rest(file: Path) -> None:
    """All but the loader's own."""
    assert 4 == load_model(f"{file}:anything(depth=2, mean=0, std=1)").num_classes


def test_an_image_model_says_it_all(file: Path) -> None:
    """Nothing needs to be given, and what is given replaces."""
    model, shifted = load_model(f"{file}:wrapped"), load_model(f"{file}:wrapped(mean=0.25)")

    assert ((0.5,) * 3, (0.25,) * 3) == (model.preprocessing.mean, shifted.preprocessing.mean)
    assert (8, 8) == shifted.preprocessing.input_size


def test_values_arrive_as_python_numbers(file: Path) -> None:
    """Functions expect floats and tuples, not exact fractions."""
    load_model(f"{file}:typed(rate=0.1, sizes=[1, 0.5], mean=0, std=1)")


def test_the_text_of_the_file_and_the_arguments_are_part_of_the_digest(file: Path) -> None:
    """Weights are the same in all three."""
    spec = f"{file}:plain(scale=1, mean=0, std=1)"
    first, again = load_model(spec).digest(), load_model(spec).digest()
    other_argument = load_model(spec.replace("scale=1", "scale=2")).digest()
    file.write_text(TEXT + "\n# changed\n")
    other_text = load_model(spec).digest()

    assert first == again
    assert 3 == len({first, other_argument, other_text})


def test_paths_enter_the_digest_as_contents(file: Path, tmp_path: Path) -> None:
    """Moving a file changes nothing, changing it does."""
    digests = []
    for name, text in [("a", "same"), ("b", "same"), ("c", "other")]:
        (tmp_path / name).write_text(text)
        digests.append(load_model(f"{file}:wrapped({tmp_path / name})").digest())

    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        ("number", ModelError, "must return an ImageModel or torch.nn.Module, got int"),
        ("broken", ModelError, "broken fails with KeyError: 'depth'"),
        ("wraped", UnknownNameError, "did you mean wrapped"),
        ("plain(clases=4)", UnknownNameError, "did you mean classes"),
        ("plain(mean=0, std=1, input_size=big)", SpecError, "input_size must be"),
    ],
)
def test_mistakes_are_named(file: Path, call: str, error: type[Exception], match: str) -> None:
    """In the user's words."""
    with pytest.raises(error, match=match):
        load_model(f"{file}:{call}")


def test_a_network_of_unknown_size_says_what_to_give(file: Path) -> None:
    """The probe image does not fit, so classes cannot be counted."""
    file.write_text("from torch import nn\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, 4))\n")

    with pytest.raises(ModelError, match="give input_size= and num_classes="):
        load_model(f"{file}:net(mean=0, std=1)")
    assert 4 == load_model(f"{file}:net(mean=0, std=1, input_size=2)").num_classes


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With the form of such a spec."""
    with pytest.raises(ModelError, match=r"no such file: .*absent.py"):
        load_model(f"{tmp_path}/absent.py:net")


def test_a_file_that_does_not_import_is_named(file: Path) -> None:
    """And tried again the next time."""
    file.write_text("import no_such_package_anywhere\n")

    for _ in range(2):
        with pytest.raises(ModelError, match=r"importing .*mine.py fails with ModuleNotFoundError"):
            load_model(f"{file}:net")


def test_weights_are_frozen_and_random_numbers_left_alone(file: Path) -> None:
    """An untrained network has the same digest every time."""
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)

    model = load_model(f"{file}:wrapped")

    assert torch.equal(expected, torch.rand(2))
    assert not any(parameter.requires_grad for parameter in model.parameters())
