"""PatchDrop: published counts, the published mass rule, nesting, offsets."""

import numpy as np
import pytest
import torch

from robustbench_vit.api import perturb
from robustbench_vit.errors import CaseError, SpecError
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Context

IDS = tuple(map(str, range(6)))
WHITE = torch.ones(6, 3, 224, 224)
SMALL = torch.ones(6, 3, 56, 56)


def dropped_cells(images, grid=14):
    """N×grid×grid bool: which cells are black; a cell that is partly black fails."""
    n, _, height, width = images.shape
    cells = images[:, 0].reshape(n, grid, height // grid, grid, width // grid)
    black = (cells == 0).float().mean((2, 4))
    assert set(black.unique().tolist()) <= {0.0, 1.0}
    return black.bool()


@pytest.mark.parametrize(
    ("grid", "counts"),
    [
        (14, [0, 19, 39, 58, 78, 98, 117, 137, 156, 176]),
        (4, [0, 1, 3, 4, 6, 8, 9, 11, 12, 14]),
        (7, [0, 4, 9, 14, 19, 24, 29, 34, 39, 44]),
        (8, [0, 6, 12, 19, 25, 32, 38, 44, 51, 57]),
        (16, [0, 25, 51, 76, 102, 128, 153, 179, 204, 230]),
    ],
)
def test_published_counts(grid, counts):
    """Naseer et al.: ⌊k·cells/10⌋ cells at step k."""
    measured = [
        dropped_cells(perturb(WHITE[:1], f"patchdrop(0.{tenth}, grid={grid})"), grid).sum().item()
        for tenth in range(10)
    ]

    assert counts == measured


def test_every_image_has_its_own_mask():
    """Six images, six masks."""
    masks = dropped_cells(perturb(WHITE, "patchdrop(0.5)")).flatten(1)

    assert len({tuple(mask.tolist()) for mask in masks}) == 6


def test_naseer_shares_a_mask_within_256_samples():
    """One mask for 256 consecutive canonical positions, whatever the batch."""
    positions = torch.tensor([0, 100, 255, 256, 300, 511])
    masks = dropped_cells(perturb(WHITE, "patchdrop(0.5, compat=naseer)", positions=positions)).flatten(1)

    assert torch.equal(masks[0].expand(3, -1), masks[:3])
    assert torch.equal(masks[3].expand(3, -1), masks[3:])
    assert not torch.equal(masks[0], masks[3])


@pytest.mark.parametrize("extra", ["", ", region=salient", ", region=background", ", region=salient, by=mass"])
def test_larger_ratios_drop_supersets(extra):
    """Ratios nest (contract C2)."""
    images = torch.rand(6, 3, 56, 56, generator=torch.Generator().manual_seed(1)) * 0.9 + 0.1
    dropped = [perturb(images, f"patchdrop({ratio}{extra})").amax(1) == 0 for ratio in (0.2, 0.5, 0.8)]

    assert (dropped[0] <= dropped[1]).all()
    assert (dropped[1] <= dropped[2]).all()


def test_offset_moves_the_mask_down_and_right():
    """The rows and columns it leaves stay visible."""
    plain = perturb(WHITE, "patchdrop(0.5)")
    moved = perturb(WHITE, "patchdrop(0.5, offset=8)")

    assert torch.equal(plain[..., :-8, :-8], moved[..., 8:, 8:])
    assert (moved[..., :8, :] == 1).all()
    assert (moved[..., :, :8] == 1).all()


def published_mass_rule(values, share):
    """F(share) by the rule of the released script, in plain numpy: the cells that hold the top share of the mass."""
    order = np.argsort(values)
    running = np.cumsum(values[order] / values.sum())
    inside = np.zeros(len(values), bool)
    inside[order] = running > 1 - share
    return inside


@pytest.mark.parametrize("tenth", range(1, 10))
def test_mass_follows_the_published_rule(tenth):
    """Salient drops F(Q); background drops the complement of F(1 − Q): Q is the mass dropped, never kept."""
    saliency = torch.rand(6, 14, 14, generator=torch.Generator().manual_seed(2)) ** 3
    context = Context(saliency=saliency.repeat_interleave(4, 1).repeat_interleave(4, 2))
    salient = Perturbation.bind(f"patchdrop(0.{tenth}, region=salient, by=mass)")(SMALL, IDS, context=context)
    background = Perturbation.bind(f"patchdrop(0.{tenth}, region=background, by=mass)")(SMALL, IDS, context=context)

    for i, values in enumerate(saliency.double().flatten(1).numpy()):
        top = published_mass_rule(values, tenth / 10)
        rest = ~published_mass_rule(values, 1 - tenth / 10)
        assert top.tolist() == dropped_cells(salient.images)[i].flatten().tolist()
        assert rest.tolist() == dropped_cells(background.images)[i].flatten().tolist()
    assert salient.columns["mass"].mean() == pytest.approx(tenth / 10, abs=0.03)
    assert background.columns["mass"].mean() == pytest.approx(tenth / 10, abs=0.03)


@pytest.mark.parametrize("region", ["salient", "background"])
def test_everything_and_nothing(region):
    """Mass 1 drops every cell with mass, mass 0 drops nothing."""
    context = Context(saliency=torch.rand(6, 56, 56) + 0.01)
    nothing = Perturbation.bind(f"patchdrop(0, region={region}, by=mass)")(SMALL, IDS, context=context)
    everything = Perturbation.bind(f"patchdrop(1, region={region}, by=mass)")(SMALL, IDS, context=context)

    assert (nothing.images == 1).all()
    assert (everything.images == 0).all()


def test_mass_0_drops_nothing_even_without_mass():
    """By the rule cells without mass are background whatever the ratio; at 0 the image is clean all the same."""
    context = Context(saliency=torch.zeros(6, 56, 56).index_fill(2, torch.arange(20, 40), 1.0))
    result = Perturbation.bind("patchdrop(0, region=background, by=mass)")(SMALL, IDS, context=context)

    assert (result.images == 1).all()


def test_equal_areas_compare():
    """By area the regions drop the same number of cells; salient takes more mass than background."""
    context = Context(saliency=torch.rand(6, 56, 56))
    results = {
        region: Perturbation.bind(f"patchdrop(0.3, region={region})")(SMALL, IDS, context=context)
        for region in ("random", "salient", "background")
    }

    assert len({tuple(result.columns["area"].tolist()) for result in results.values()}) == 1
    assert (results["salient"].columns["mass"] > results["background"].columns["mass"]).all()


def test_a_map_without_mass_counts_every_cell_alike():
    """An empty mask falls back to random cells."""
    context = Context(saliency=torch.zeros(6, 56, 56))
    result = Perturbation.bind("patchdrop(0.5, region=salient)")(SMALL, IDS, context=context)

    assert torch.equal(torch.full((6,), 0.5, dtype=torch.float64), result.columns["area"])
    assert len({tuple(mask.flatten().tolist()) for mask in dropped_cells(result.images)}) == 6


def test_fill():
    """Dropped pixels take the fill value."""
    assert {0.25, 1.0} == set(perturb(WHITE, "patchdrop(0.5, fill=0.25)").unique().tolist())


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("patchdrop(1.5)", SpecError, r"ratio must be a number in \[0, 1\], got 1.5"),
        ("patchdrop(-0.1)", SpecError, "ratio must be"),
        ("patchdrop", SpecError, "patchdrop needs ratio="),
        ("patchdrop(0.5, region=salent)", SpecError, "region must be random or salient or background"),
        ("patchdrop(0.5, saliency=spectrl, region=salient)", SpecError, "did you mean spectral"),
        ("patchdrop(0.5, grid=5)", CaseError, "a 5×5 grid does not divide 224×224 images; sides that do: 2, 4, 7"),
        ("patchdrop(0.5, offset=300)", CaseError, "moves the mask out of 224×224"),
        ("patchdrop(0.5, grid=true)", SpecError, "grid must be an integer"),
        ("patchdrop(0.5, by=mass)", CaseError, "by=mass needs region"),
        ("patchdrop(0.5, region=salient, saliency=mask)", CaseError, "no object masks"),
        ("patchdrop(0.5, compat=naseer)", CaseError, "positions"),
    ],
)
def test_mistakes_are_named(spec, error, message):
    """A mistake says what was expected."""
    with pytest.raises(error, match=message):
        perturb(WHITE[:1], spec)


def test_default_grids():
    """14×14 at 224, 8×8 at 32 and 64, 7×7 at 28; elsewhere the user chooses."""
    for side, cells in ((224, 14), (64, 8), (32, 8), (28, 7)):
        black = dropped_cells(perturb(torch.ones(1, 3, side, side), "patchdrop(0.5)"), cells)
        assert black.sum() == cells * cells // 2
    with pytest.raises(CaseError, match="no default grid divides 23×23"):
        perturb(torch.ones(1, 3, 23, 23), "patchdrop(0.5)")
