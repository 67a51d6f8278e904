"""Gaussian smoothing against scipy, and what a blur keeps."""

import pytest
import torch
from scipy.ndimage import gaussian_filter

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.gaussian import gaussian_blur, smoothed
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "gaussian_blur", ("a", "b", "c"))
FIELDS = torch.rand(2, 37, 52, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
IMAGES = torch.randint(0, 256, (3, 3, 33, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
SIGMAS = [0.05, 0.4, 1.1, 6, 20, (0.5, 3), (2, 0)]


@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
def test_smoothing_is_scipys(sigma, mode):
    """float64 to the bit, float32 to its rounding; kernels wider than the field too."""
    expected = torch.stack([torch.from_numpy(gaussian_filter(f.numpy(), sigma, mode=mode, truncate=3)) for f in FIELDS])

    assert torch.equal(expected, smoothed(FIELDS, sigma, truncate=3, mode=mode))
    assert torch.allclose(expected.float(), smoothed(FIELDS.float(), sigma, truncate=3, mode=mode), atol=1e-6)


@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c"])
@pytest.mark.parametrize("severity", range(1, 6))
def test_precisions_agree(severity, variant):
    """The quick blur differs by 1 on few values."""
    quick = gaussian_blur.uint8(IMAGES, KEYS, Setting(severity, variant)).int()
    exact = gaussian_blur.uint8(IMAGES, KEYS, Setting(severity, variant, exact=True)).int()

    assert (quick - exact).abs().max() <= 1
    assert (quick != exact).float().mean() < 1e-3


@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c"])
@pytest.mark.parametrize("severity", range(1, 6))
def test_black_and_white_stay(severity, variant):
    """In both precisions."""
    plain = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).repeat(1, 3, 32, 32)
    for exact in (False, True):
        assert torch.equal(plain, gaussian_blur.uint8(plain, KEYS[:2], Setting(severity, variant, exact)))
