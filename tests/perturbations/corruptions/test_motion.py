"""Motion blur along known lines."""

import math

import pytest
import torch

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.motion import half_gaussian, motion_blur, streaked
from robustbench_vit.randomness import Keys

WEIGHTS = half_gaussian(4, 2.0)
GENERATOR = torch.Generator().manual_seed(4)


def by_the_formula(field, angle, weights):
    """out(p) = Σ wᵢ in(clamp(p + ⌈i (sin, cos) − ½⌉)) for one H×W field."""
    height, width = field.shape
    total = torch.zeros_like(field)
    for i, weight in enumerate(weights.tolist()):
        down, right = (math.ceil(i * turn(math.radians(angle)) - 0.5) for turn in (math.sin, math.cos))
        rows = (torch.arange(height) + down).clamp(0, height - 1)
        columns = (torch.arange(width) + right).clamp(0, width - 1)
        total += weight * field[rows][:, columns]
    return total


@pytest.mark.parametrize("size", [(20, 28), (70, 66)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_both_forms_follow_the_formula(size, dtype):
    """Slices of large images, gathers of small ones; every image along its own line."""
    angles = torch.tensor([-45.0, -10.0, 0.0, 33.0, 45.0, -91.0, -135.0])
    fields = torch.rand(len(angles), 2, *size, dtype=torch.float64, generator=GENERATOR)
    expected = [
        torch.stack([by_the_formula(channel, angle, WEIGHTS) for channel in field])
        for field, angle in zip(fields, angles.tolist(), strict=True)
    ]

    assert torch.allclose(torch.stack(expected), streaked(fields.to(dtype), angles, WEIGHTS).double(), atol=1e-6)


def test_taps_beyond_the_image_stop_the_sum():
    """In imagecorruptions: 16 columns leave 16 of 41 taps at angle 0, and a darker image."""
    weights = half_gaussian(20, 15)
    white = torch.ones(1, 1, 40, 16, dtype=torch.float64)

    assert weights[:16].sum().item() == pytest.approx(streaked(white, torch.zeros(1), weights, stops=True).max().item())
    assert streaked(white, torch.zeros(1), weights).min().item() == pytest.approx(1)


@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c", "imagecorruptions"])
@pytest.mark.parametrize("severity", [1, 3, 5])
def test_precisions_agree(severity, variant):
    """The quick blur differs by 1 on few values; sizes on both sides of the two forms."""
    keys = Keys(0, "motion_blur", ("a", "b"))
    for size in ((32, 48), (80, 70)):
        images = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8, generator=GENERATOR)
        quick = motion_blur.uint8(images, keys, Setting(severity, variant)).int()
        exact = motion_blur.uint8(images, keys, Setting(severity, variant, exact=True)).int()

        assert (quick - exact).abs().max() <= 1
        assert (quick != exact).float().mean() < 1e-3


def test_directions_differ():
    """Two images, two lines; within 45° of the horizontal a vertical edge is always blurred."""
    edge = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    edge[..., 16:] = 255
    blurred = motion_blur.uint8(edge, Keys(0, "motion_blur", ("a", "b")), Setting(3, "cifar_c"))

    assert not torch.equal(blurred[0], blurred[1])
    assert (blurred[:, 0, 16, 12:16] > 0).any(1).all()
