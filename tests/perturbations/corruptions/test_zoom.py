"""Zoom blur: enlarging against scipy, the operator against the layers."""

import pytest
import torch
from scipy.ndimage import zoom

from robustbench_vit.perturbations.corruptions import zoom as module
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.zoom import enlarged, middle, zoom_blur
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "zoom_blur", ("a", "b", "c"))
IMAGES = torch.randint(0, 256, (3, 3, 36, 29), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("factor", [1, 1.01, 1.2, 1.3, 2, 2.25, 4.5])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (36, 50), (35, 17)])
def test_enlarging_is_scipys(height, width, factor):
    """The black line where rounding leaves the image included (36 at 1.2)."""
    field = torch.rand(height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    part = field[middle(height, factor), middle(width, factor)]

    assert torch.allclose(torch.from_numpy(zoom(part.numpy(), factor, order=1)), enlarged(part, height, width, factor))


@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c"])
def test_factors_count_as_numpy_does(variant):
    """Two lengths are one more than the step divides; the known ends."""
    factors = [module._factors(Setting(severity, variant)) for severity in range(1, 6)]
    lengths, ends = {
        "imagenet_c": ([12, 16, 11, 13, 11], [1.11, 1.15, 1.20, 1.24, 1.30]),
        "cifar_c": ([7, 12, 16, 21, 26], [1.06, 1.11, 1.15, 1.20, 1.25]),
    }[variant]

    assert lengths == [len(each) for each in factors]
    assert ends == pytest.approx([each[-1] for each in factors])


@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c"])
@pytest.mark.parametrize("severity", [1, 3, 5])
def test_operator_is_the_layers(monkeypatch, severity, variant):
    """One sparse product, in pieces of a few rows, against layer after layer and the exact sum."""
    monkeypatch.setattr(module, "_ENTRIES", 1 << 13)
    by_operator = zoom_blur.uint8(IMAGES, KEYS, Setting(severity, variant)).int()
    module._operator.cache_clear()
    monkeypatch.setattr(module, "_LARGEST", 0)

    for exact in (False, True):
        by_layers = zoom_blur.uint8(IMAGES, KEYS, Setting(severity, variant, exact)).int()
        assert (by_operator - by_layers).abs().max() <= 1
        assert (by_operator != by_layers).float().mean() < 2e-3


def test_zoom_leaves_the_centre_of_a_symmetric_image():
    """The middle pixel of an odd, radially symmetric image sees itself in every layer."""
    squares = (torch.arange(33) - 16) ** 2
    image = (255 - (squares[:, None] + squares) / 4).to(torch.uint8).expand(1, 3, -1, -1)
    blurred = zoom_blur.uint8(image, KEYS[:1], Setting(5))

    assert image[0, 0, 16, 16] - blurred[0, 0, 16, 16] <= 1
