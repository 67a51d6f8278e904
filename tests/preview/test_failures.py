"""First failures with their pixels: those of the run, or the reason why there are none."""

import pytest
import torch

from robustbench_vit.api import evaluate, load_dataset, perturb
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.errors import DataError, UnknownNameError
from robustbench_vit.preview.failures import Explorer, Failure
from robustbench_vit.store import Store
from robustbench_vit.suite import Case, Suite

DATA = "shapetex(n=20)"
CASES = [Case("clean"), Case("patchdrop(ratio=0.75)"), Case("fgsm(eps=32/255)")]
SUITE = Suite("adhoc", version=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Rows of the cases."""
    root = tmp_path_factory.mktemp("ran") / "out"
    evaluate("zoo:vit_xs", DATA, CASES, out=root, device="cpu")
    return Store(root)


def explorer(store: Store, data: Dataset | None = None, model: str | None = None) -> Explorer:
    """Of those rows, on the data of the run or others."""
    return Explorer(store, {"": data or load_dataset(DATA)}, CASES, model)


def first(store: Store) -> dict[str, tuple[Failure, ...]]:
    """The first failures along each course."""
    return {found.found.course.name: found.first for found in explorer(store).failures(SUITE, 2)}


def test_pixels_are_those_of_the_run(store):
    """As they are, and where the model was first wrong."""
    (failure, _) = first(store)["patchdrop"]
    block = load_dataset(DATA).batch(failure.flip.position, failure.flip.position + 1)
    perturbed = perturb(block.images, "patchdrop(ratio=0.75)", ids=block.ids)

    assert torch.equal(block.images[0].permute(1, 2, 0), torch.from_numpy(failure.before))
    assert torch.equal(perturbed[0].permute(1, 2, 0), torch.from_numpy(failure.after))
    assert failure.label != failure.pred


def test_attacks_have_no_pixels(store):
    """No results folder keeps them; the reason stands in their place."""
    found = [failure for name, ones in first(store).items() if name.startswith("fgsm") for failure in ones]

    assert [None, None] == [failure.after for failure in found]
    assert "made against the evaluated model; no results folder keeps it" == found[0].reason


def test_other_images_under_the_same_name(store):
    """Are not shown as if they were those of the run."""
    other = load_dataset("shapetex(n=20, split=conflict)")
    other.display = DATA

    with pytest.raises(DataError, match=r"is not the data set of .*at position \d+ that has '.*give --data as in"):
        list(explorer(store, other).failures(SUITE, 2))


def test_a_model_that_is_not_there(store):
    """Is answered with those that are."""
    with pytest.raises(UnknownNameError, match=r"unknown model in .*'zoo:vit_x'; did you mean zoo:vit_xs"):
        list(explorer(store, model="zoo:vit_x").failures(SUITE, 2))
