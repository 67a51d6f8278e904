"""Snow: whitening in closed form, flakes in number and place."""

import pytest
import torch

from robustbench_vit.perturbations.corruptions import snow as module
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.snow import snow
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "snow", tuple(map(str, range(8))))
VARIANTS = ["imagenet_c", "cifar_c", "imagecorruptions"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("severity", range(1, 6))
def test_snow_on_black(severity, variant):
    """Black becomes a grey of (1 − mix)/2, plus a layer that equals itself turned by 180°."""
    black = torch.zeros(8, 3, 48, 64, dtype=torch.uint8)
    snowed = snow.uint8(black, KEYS, Setting(severity, variant))
    mix = Setting(severity, variant).pick(module._IMAGENET, module._CIFAR).clean

    assert int((1 - mix) * 127.5 + 1e-4) == snowed.min()
    assert torch.equal(snowed, snowed.flip(-2, -1))
    assert torch.equal(snowed[:, 0], snowed[:, 2])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("severity", range(1, 6))
def test_precisions_agree(severity, variant):
    """The quick snow differs by 1 on few values."""
    images = torch.randint(0, 256, (8, 3, 33, 70), dtype=torch.uint8, generator=torch.Generator().manual_seed(7))
    quick = snow.uint8(images, KEYS, Setting(severity, variant)).int()
    exact = snow.uint8(images, KEYS, Setting(severity, variant, exact=True)).int()

    assert (quick - exact).abs().max() <= 1
    assert (quick != exact).float().mean() < 1e-3


def test_flakes_are_the_tail_of_the_normal():
    """Severity 2 of CIFAR-10-C enlarges nothing: P(0.1 + 0.2 z ≥ 0.5) = 2.28 % of the pixels are flakes."""
    setting = Setting(2, "cifar_c")
    flakes = module._flakes(KEYS, module._CIFAR[1], 96, 96, setting)

    assert (flakes > 0).float().mean().item() == pytest.approx(0.02275, abs=4 * (0.0223 / flakes.numel()) ** 0.5)


def test_severities_share_draws():
    """The flakes of a severity lie in the middle of the field of the one that enlarges least."""
    drawn = []

    class Listening(Keys):
        def coarse_normal(self, name, *shape):
            drawn.append((name, *shape))
            return super().coarse_normal(name, *shape)

    images = torch.zeros(1, 3, 50, 35, dtype=torch.uint8)
    for severity in range(1, 6):
        snow.uint8(images, Listening(0, "snow", ("a",)), Setting(severity))

    assert {("layer", 25, 18)} == set(drawn)


@pytest.mark.parametrize("factor", [2, 2.5, 3, 4, 4.5])
def test_the_middle_of_the_middle_is_the_middle(factor):
    """Asking for a smaller block moves no flake."""
    for length in range(16, 80):
        outer, inner = module.middle(length, 2), module._within(length, factor, 2)
        place = torch.arange(length)[outer][inner]

        assert torch.equal(torch.arange(length)[module.middle(length, factor)], place)
