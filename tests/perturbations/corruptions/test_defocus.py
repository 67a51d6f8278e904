"""Defocus blur: the published kernels, and a point of light."""

import numpy as np
import pytest
import torch

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.defocus import defocus_blur, disk
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "defocus_blur", ("a", "b", "c"))
IMAGENET = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
CIFAR = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))


def test_kernels_sum_as_the_originals():
    """The two that touch the edge of their square brighten the image."""
    sums = [disk(*shape).sum(dtype=np.float64) for shape in IMAGENET + CIFAR]

    assert [1, 1, 1, 1.01298, 1.01079, 1, 1, 1, 1, 1] == pytest.approx(sums, abs=1e-5)


@pytest.mark.parametrize("shape", IMAGENET + CIFAR, ids=str)
def test_kernels_are_symmetric(shape):
    """So correlation and convolution are one; the transposed may differ in the last bit."""
    kernel = disk(*shape)

    assert np.array_equal(kernel, kernel[::-1])
    assert np.allclose(kernel, kernel.T, rtol=1e-6)


@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c"])
@pytest.mark.parametrize("severity", range(1, 6))
def test_a_point_becomes_the_disk(severity, variant):
    """Anywhere in the image; at the border its mirror image adds to it."""
    images = torch.zeros(2, 3, 40, 52, dtype=torch.uint8)
    images[0, :, 20, 30] = 255
    images[1, :, 0, 0] = 255
    kernel = disk(*Setting(severity, variant).pick(IMAGENET, CIFAR))
    reach = len(kernel) // 2
    blurred = defocus_blur.uint8(images, KEYS[:2], Setting(severity, variant))

    spot = blurred[0, 1, 20 - reach : 21 + reach, 30 - reach : 31 + reach].numpy()
    assert np.abs(kernel * 255 - spot - 0.5).max() <= 0.5001
    assert blurred[1, 2, 0, 0] == int(kernel[reach, reach] * 255 + 1e-4)


@pytest.mark.parametrize("severity", range(1, 6))
def test_precisions_agree(severity):
    """The quick blur differs by 1 on few values."""
    images = torch.randint(0, 256, (3, 3, 33, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    quick = defocus_blur.uint8(images, KEYS, Setting(severity)).int()
    exact = defocus_blur.uint8(images, KEYS, Setting(severity, exact=True)).int()

    assert (quick - exact).abs().max() <= 1
    assert (quick != exact).float().mean() < 1e-3
