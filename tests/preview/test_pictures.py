"""Which image is shown, and why one is not."""

import pytest
import torch

from robustbench_vit.api import load_dataset
from robustbench_vit.errors import DataError
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.preview.pictures import _figures, needs_model, place_of
from robustbench_vit.types import Perturbed


def test_place_of_an_image():
    """In the first data set that holds it; else the error shows what ids look like."""
    slots = {"": load_dataset("shapetex(n=20)"), "other": load_dataset("shapetex(n=20, split=conflict)")}
    wanted = slots["other"].ids[7]

    assert 7 == place_of(slots, wanted)
    with pytest.raises(DataError, match=rf"no data set holds a sample 'x': .*'{slots[''].ids[0]}'.*; .*conflict"):
        place_of(slots, "x")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [("pgd(eps=4/255)", "made against the evaluated model"), ("patchdrop(ratio=0.5)", ""), ("clean", "")],
)
def test_what_needs_a_model(spec, reason):
    """Says so; all else can be shown without."""
    found = needs_model(Perturbation.bind(spec))

    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_change_is_the_root_mean_square_difference():
    """Of 8-bit images, in [0,1]; with the columns of the perturbation, in words where they are words."""
    clean = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    shown = clean.clone()
    shown[0], shown[1, 0] = 51, 255
    columns = {"area": torch.tensor([0.5, 1.0]), "hit": torch.tensor([1, 0])}
    found = _figures(Perturbed(shown / 255, columns, {"hit": ("none", "clean")}), clean, shown)

    assert [0.5, 1.0] == [each["area"] for each in found]
    assert ["clean", "none"] == [each["hit"] for each in found]
    assert [pytest.approx(0.2), pytest.approx((1 / 3) ** 0.5)] == [each["change"] for each in found]
