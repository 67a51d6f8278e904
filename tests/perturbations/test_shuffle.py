"""Patch shuffling: a permutation, one an image, and what a ViT without positions makes of it."""

import pytest
import torch

from robustbench_vit.api import perturb
from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.grid import from_cells, to_cells
from robustbench_vit.zoo import build

IMAGES = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("grid", [(2, 2), (2, 4), (8, 8), (16, 1), (64, 64)])
def test_cells_only_change_places(grid):
    """The multiset of cells stays, cell by cell."""
    before = to_cells(IMAGES, grid).flatten(2)
    after = to_cells(perturb(IMAGES, f"shuffle([{grid[0]}, {grid[1]}])"), grid).flatten(2)

    for one, other in zip(before, after, strict=True):
        assert sorted(one.tolist()) == sorted(other.tolist())


def test_cells_and_back():
    """Cutting and joining is the identity."""
    assert torch.equal(IMAGES, from_cells(to_cells(IMAGES, (4, 8)), (4, 8)))


def test_one_cell_changes_nothing():
    """A 1×1 grid is the clean image."""
    assert torch.equal(IMAGES, perturb(IMAGES, "shuffle(1)"))


def test_every_image_has_its_own_permutation():
    """The same picture under five ids comes out in five ways."""
    same = IMAGES[:1].expand(5, -1, -1, -1)

    assert len({tuple(image.flatten()[:200].tolist()) for image in perturb(same, "shuffle(8)")}) == 5


def test_a_vit_without_positions_does_not_see_it():
    """Shuffling whole patches leaves the logits of a ViT without position embedding (Naseer et al., section 3.3)."""
    torch.manual_seed(0)
    network = build("vit_xs_nopos").eval()
    with torch.no_grad():
        clean, shuffled = network(IMAGES), network(perturb(IMAGES, "shuffle(8)"))

    assert torch.allclose(clean, shuffled, atol=1e-4)


def test_a_grid_that_does_not_fit_is_an_error():
    """The error names the sides that would do."""
    with pytest.raises(
        CaseError, match="a 14×14 grid does not divide 64×64 images; sides that do: 2, 4, 8, 16, 32, 64"
    ):
        perturb(IMAGES, "shuffle(14)")
