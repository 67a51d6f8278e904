"""`shapetex`: the promises of its splits."""

import pytest
import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.shapetex import CLASSES, Shapetex


def test_a_larger_set_holds_the_smaller() -> None:
    """An image depends on seed, split and index alone."""
    small, large = Shapetex(n=12), Shapetex(n=40)
    batch = small.batch(0, 12)

    for position, name in enumerate(batch.ids):
        place = large.ids.index(name)
        assert torch.equal(batch.images[position], large.batch(place, place + 1).images[0])


def test_congruent_textures_follow_the_shape() -> None:
    """Both cues predict the class."""
    dataset = Shapetex(n=50)

    assert torch.equal(dataset.labels, dataset.textures)


def test_conflict_runs_through_all_pairs() -> None:
    """90 images hold every unequal pair of shape and texture once."""
    dataset = Shapetex("conflict", n=90)

    pairs = set(zip(dataset.labels.tolist(), dataset.textures.tolist(), strict=True))

    assert {(shape, texture) for shape in range(CLASSES) for texture in range(CLASSES) if shape != texture} == pairs


def test_conflict_tells_the_texture() -> None:
    """Each batch holds it beside the shape; where both cues agree there is nothing to tell."""
    dataset = Shapetex("conflict", n=30)

    assert torch.equal(dataset.textures[7:19], dataset.batch(7, 19).extra["texture"])
    assert torch.equal(dataset.textures[:5], dataset.batch(0, 5, Geometry(crop=32)).extra["texture"])
    assert "texture" not in Shapetex(n=30).batch(0, 5).extra


@pytest.mark.parametrize(
    "other", ["shapetex(congruent, n=4, seed=1)", "shapetex(train, n=4)", "shapetex(conflict, n=4)"]
)
def test_other_images(other: str) -> None:
    """Seed and split give other images and digests."""
    first, second = load_dataset("shapetex(n=4)"), load_dataset(other)

    assert first.digest != second.digest
    assert not torch.equal(first.batch(0, 1).images, second.batch(0, 1).images)


def test_masks_take_the_geometry() -> None:
    """Masks lie in [0,1], cover part of the picture, and are cropped with it."""
    batch = Shapetex(n=10).batch(0, 10, Geometry(crop=32))
    mask = batch.extra["mask"]

    assert (10, 32, 32) == mask.shape
    assert 0 == mask.min()
    assert 1 == mask.max()
    assert torch.equal(Shapetex(n=10).batch(0, 10).extra["mask"][:, 16:48, 16:48], mask)
