"""What all corruptions share: the last step to 8 bit, chunks of one shape, JPEG as stored, and bad input."""

import pytest
import torch

from robustbench_vit.api import perturb
from robustbench_vit.errors import CaseError, SpecError
from robustbench_vit.perturbations.corruptions.colour import contrast
from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption, truncated
from robustbench_vit.perturbations.corruptions.jpeg import through_jpeg
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context

IMAGES = torch.randint(0, 256, (5, 3, 24, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(6))
KEYS = Keys(0, "contrast", tuple("abcde"))


def test_values_are_clipped_and_cut_off():
    """As the original's cast to uint8; what is uint8 stays."""
    values = torch.tensor([-3.0, 0.99, 1.0, 254.999, 255.0, 300.0])

    assert [0, 0, 1, 254, 255, 255] == truncated(values).tolist()
    assert [0, 255] == truncated(torch.tensor([0, 255], dtype=torch.uint8)).tolist()


def test_chunks_have_one_shape_where_asked():
    """The last one is filled up; keys and images stay together."""
    seen = []

    @corruption(at_once=2, fixed_shape=True)
    def marked(images, keys, setting):
        seen.append((len(images), keys.ids))
        return images + torch.tensor([ord(name or "z") - ord("a") for name in keys.ids]).view(-1, 1, 1, 1)

    images = torch.zeros(5, 3, 256, 256, dtype=torch.uint8)
    marks = marked.uint8(images, KEYS, Setting(1))[:, 0, 0, 0].tolist()

    assert [(2, ("a", "b")), (2, ("c", "d")), (2, ("e", ""))] == seen
    assert [0, 1, 2, 3, 4] == marks


def test_jpeg85_comes_last():
    """The corrupted image is encoded at quality 85."""
    plain = contrast(IMAGES, KEYS, context=Context(), severity=2)
    stored = contrast(IMAGES, KEYS, context=Context(), severity=2, jpeg85=True)

    assert not torch.equal(plain, stored)
    assert torch.equal(through_jpeg(plain, 85), stored)


def test_images_are_not_modified():
    """Neither by the kernel nor by the encoder."""
    before = IMAGES.clone()
    contrast(IMAGES, KEYS, context=Context(), severity=2, jpeg85=True)

    assert torch.equal(before, IMAGES)


@pytest.mark.parametrize("severity", [0, 6, 2.5])
def test_severities_are_one_to_five(severity):
    """The error says so."""
    with pytest.raises(SpecError, match=rf"severity must be an integer in \[1, 5\], got {severity}"):
        perturb(IMAGES, f"contrast({severity})")


def test_an_unknown_variant_is_an_error():
    """The error lists the three."""
    with pytest.raises(SpecError, match="variant must be imagenet_c or cifar_c or imagecorruptions, got imagenet"):
        perturb(IMAGES, "contrast(3, variant=imagenet)")


@pytest.mark.parametrize(("height", "width"), [(1, 1), (20_000, 20), (15, 32)])
def test_sizes_out_of_range_are_an_error(height, width):
    """The error names the range and how to resize."""
    images = torch.zeros(1, 3, height, width, dtype=torch.uint8)

    with pytest.raises(CaseError, match=rf"16 to 4096 pixels a side, got {height}×{width}; resize them"):
        perturb(images, "contrast(3)")


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_images_are_an_error(channels):
    """Both by the catalogue and by the function itself."""
    images = torch.zeros(5, channels, 32, 32, dtype=torch.uint8)

    with pytest.raises(CaseError, match=rf"contrast takes N×3×H×W images .* got \(5, {channels}, 32, 32\)"):
        perturb(images, "contrast(3)")
    with pytest.raises(CaseError, match=rf"N×3×H×W uint8 .* got \(5, {channels}, 32, 32\)"):
        contrast(images, KEYS, context=Context(), severity=3)


def test_floats_are_an_error():
    """The function itself takes 8 bit; the catalogue converts."""
    with pytest.raises(CaseError, match="uint8"):
        contrast(IMAGES / 255, KEYS, context=Context(), severity=3)
