"""Pixelate against block means and Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.pixelate import pixelate
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "pixelate", ("a", "b"))
SHARES = {
    "imagenet_c": (0.6, 0.5, 0.4, 0.3, 0.25),
    "imagecorruptions": (0.6, 0.5, 0.4, 0.3, 0.25),
    "cifar_c": (0.95, 0.9, 0.85, 0.75, 0.65),
}


def noise(height, width):
    """Two random images."""
    return torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("severity", "side"), [(2, 2), (5, 4)])
def test_blocks_become_their_mean(severity, side):
    """Where the boxes fit, columns are averaged first, then rows, each rounded half up."""
    images = noise(24, 32)
    columns = (images.unflatten(-1, (-1, side)).float().mean(-1) + 0.5).floor()
    blocks = (columns.unflatten(-2, (-1, side)).mean(-2) + 0.5).to(torch.uint8)
    expected = blocks.repeat_interleave(side, -1).repeat_interleave(side, -2)

    assert torch.equal(expected, pixelate.uint8(images, KEYS, Setting(severity)))


@pytest.mark.parametrize("size", [(32, 32), (53, 16), (21, 58), (40, 97), (16, 19)])
@pytest.mark.parametrize("variant", SHARES)
def test_same_as_pillow(variant, size):
    """Bit for bit, if Pillow is made to shrink the columns first."""
    images, (height, width) = noise(*size), size
    enlarging = Image.Resampling.NEAREST if variant == "imagecorruptions" else Image.Resampling.BOX
    for severity, share in enumerate(SHARES[variant], start=1):
        ours = pixelate.uint8(images, KEYS, Setting(severity, variant)).movedim(1, -1).numpy()
        for image, result in zip(images.movedim(1, -1).numpy(), ours, strict=True):
            narrow = Image.fromarray(image).resize((int(width * share), height), Image.Resampling.BOX)
            small = narrow.resize((int(width * share), int(height * share)), Image.Resampling.BOX)

            assert (np.asarray(small.resize((width, height), enlarging)) == result).all()
