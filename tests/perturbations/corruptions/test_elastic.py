"""Elastic transform in closed form; its draws are in test_statistics, parity with the originals in oracles."""

import pytest
import torch
from oracle_draws import OracleKeys

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.elastic import elastic_transform

IMAGES = torch.randint(0, 256, (2, 3, 40, 56), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
SETTINGS = [Setting(5, variant, exact) for variant in ("imagenet_c", "imagecorruptions") for exact in (False, True)]


def transformed(setting, *, anchors=(0.0, 0.0), dx=0.0, dy=0.0):
    """The images, all anchors moved alike and all pixels displaced alike."""
    fields = {
        "anchors": torch.tensor(anchors).expand(1, 3, 2),
        "dx": torch.full((1, 40, 56), dx),
        "dy": torch.full((1, 40, 56), dy),
    }
    return elastic_transform.uint8(IMAGES, OracleKeys(0, "elastic_transform", ("a", "b"), fields=fields), setting)


def mirrored(images, right, down, *, repeats):
    """Images shifted by whole pixels, mirrored beyond the border, whose value is repeated 0 or 1 times."""
    for axis, shift in ((-1, right), (-2, down)):
        length = images.shape[axis]
        places = torch.arange(length) - shift
        places = torch.where(places < 0, -places - repeats, places)
        images = images.index_select(axis, torch.where(places >= length, 2 * length - 2 + repeats - places, places))
    return images


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_draws_no_change(setting):
    """Anchors and pixels that stay leave the image as it is."""
    assert torch.equal(IMAGES, transformed(setting))


def test_anchors_move_the_image():
    """All three by (2, −1): the image goes with them, and its border is mirrored without being repeated."""
    spread = 32 * 0.08

    moved = transformed(Setting(1, "cifar_c"), anchors=(2 / spread, -1 / spread))
    assert torch.equal(mirrored(IMAGES, 2, -1, repeats=0), moved)


@pytest.mark.parametrize("exact", [False, True])
def test_displacement_moves_the_sources(exact):
    """Sources 1 to the right and 2 below: the image goes left and up, its border mirrored and repeated."""
    reach = 250 * 0.12 * 0.005 * 40

    moved = transformed(Setting(5, "imagecorruptions", exact), dx=1 / reach, dy=2 / reach).int()
    assert (mirrored(IMAGES, -1, -2, repeats=1) - moved).abs().max() <= 1  # the smoothed field is 1 but for rounding


def test_flat_images_stay_flat():
    """Interpolating equal values gives the value, in both precisions; imagecorruptions has no step that loses it."""
    flat = torch.full((2, 3, 32, 32), 200, dtype=torch.uint8)
    noise = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0))
    keys = OracleKeys(0, "elastic_transform", ("a", "b"), fields={"dx": noise, "dy": noise.flip(1)})
    for exact in (False, True):
        assert torch.equal(flat, elastic_transform.uint8(flat, keys, Setting(5, "imagecorruptions", exact)))
