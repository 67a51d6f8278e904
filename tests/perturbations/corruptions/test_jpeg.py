"""JPEG compression against Pillow."""

import sys
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.jpeg import jpeg_compression, through_jpeg
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "jpeg_compression", ("a", "b"))


def waves(height, width):
    """Two images with edges and smooth parts."""
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    channels = [(rows * (k + 2) + columns * (5 - k)) % 256 for k in range(3)]
    image = torch.stack(channels).to(torch.uint8)
    return torch.stack([image, image.flip(0) // 2])


def pillow(image, **options):
    """Pillow's encoding and decoding of a 3×H×W image."""
    file = BytesIO()
    Image.fromarray(image.movedim(0, -1).numpy()).save(file, "JPEG", **options)
    return torch.from_numpy(np.array(Image.open(file))).movedim(-1, 0)


@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c"])
@pytest.mark.parametrize("size", [(32, 32), (17, 50), (49, 16)])
def test_same_as_pillow(size, variant):
    """Bit for bit, at sizes that fill no whole blocks, too."""
    for severity in range(1, 6):
        setting = Setting(severity, variant)
        quality = setting.pick((25, 18, 15, 10, 7), (80, 65, 58, 50, 40))
        expected = torch.stack([pillow(image, quality=quality) for image in waves(*size)])

        assert torch.equal(expected, jpeg_compression.uint8(waves(*size), KEYS, setting))


def test_as_stored():
    """What ImageNet-C's files were written with; the better Huffman tables change no pixel."""
    images = waves(40, 56)
    expected = torch.stack([pillow(image, quality=85, optimize=True) for image in images])

    assert torch.equal(expected, through_jpeg(images, 85))
    assert torch.equal(expected, through_jpeg(images.contiguous(memory_format=torch.channels_last), 85))


def test_without_opencv_there_is_a_clear_error(monkeypatch):
    """None in `sys.modules` makes the import fail."""
    monkeypatch.setitem(sys.modules, "cv2", None)

    with pytest.raises(CaseError, match="pip install opencv-python"):
        through_jpeg(waves(32, 32), 85)
