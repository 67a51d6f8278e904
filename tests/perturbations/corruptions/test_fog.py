"""Fog in closed form; its spectrum is in test_statistics, parity with the originals in oracles."""

import pytest
import torch

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.fog import _plasma, fog
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "fog", ("a", "b"))


def plain(value, height, width):
    """Two images of one grey value."""
    return torch.full((2, 3, height, width), value, dtype=torch.uint8)


def test_black_stays_black():
    """Fog is only as bright as the brightest value."""
    for exact in (False, True):
        assert torch.equal(plain(0, 32, 32), fog.uint8(plain(0, 32, 32), KEYS, Setting(5, exact=exact)))


def test_brightest_value_stays():
    """White reaches white where the fog is thickest, and c/(1 + c) less where there is none."""
    foggy = fog.uint8(plain(255, 32, 32), KEYS, Setting(5, "cifar_c"))

    assert [255, 255] == foggy.amax((1, 2, 3)).tolist()
    assert [102, 102] == foggy.amin((1, 2, 3)).tolist()  # 255 / (1 + 1.5)


@pytest.mark.parametrize(("variant", "small", "large"), [("imagenet_c", 32, 256), ("cifar_c", 16, 32)])
def test_small_images_see_a_corner(variant, small, large):
    """Up to the program's own size there is one map, whatever the image; beyond it, another."""
    settled = [fog.uint8(plain(200, side, side), KEYS, Setting(3, variant)) for side in (small, large, large + 1)]

    assert torch.equal(settled[0], settled[1][..., :small, :small])
    assert not torch.equal(settled[0], settled[2][..., :small, :small])


def test_imagecorruptions_takes_the_next_power_of_two():
    """A map of 64 serves 33 to 64 pixels of the longer side."""
    setting = Setting(3, "imagecorruptions")
    oblong, square = (fog.uint8(plain(200, *sides), KEYS, setting) for sides in ((20, 33), (64, 64)))

    assert torch.equal(oblong, square[..., :20, :33])


def test_plasma_of_one_level():
    """Four points: the corner 0, the centre w²·u₁, the others w²·(u + mean of corner and centre, each twice)."""
    heights, span = _plasma(torch.tensor([[0.5, 0.1, -0.3]], dtype=torch.float64), 2)

    expected = torch.tensor([[0, 0.1 + 0.25], [-0.3 + 0.25, 0.5]], dtype=torch.float64) * 1e4
    assert torch.allclose(expected - expected.min(), heights[0])
    assert 0.55e4 == pytest.approx(span.item())
