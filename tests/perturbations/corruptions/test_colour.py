"""Brightness, contrast and saturation in closed form."""

import colorsys

import pytest
import torch

from robustbench_vit.perturbations.corruptions.colour import brightness, contrast, saturate
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "colour", ("a", "b"))
IMAGES = torch.randint(0, 256, (2, 3, 24, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
GREY = IMAGES[:, :1].expand(-1, 3, -1, -1)
SETTINGS = [
    Setting(severity, variant, exact)
    for severity in range(1, 6)
    for variant in ("imagenet_c", "cifar_c")
    for exact in (False, True)
]


def farthest(one, other):
    """Largest difference of two uint8 images."""
    return int((one.int() - other.int()).abs().max())


def by_colorsys(images, change):
    """Apply a function of (saturation, value) pixel by pixel, with the standard library's conversions."""
    pixels = images.movedim(1, -1).reshape(-1, 3).tolist()
    hsv = [colorsys.rgb_to_hsv(*(channel / 255 for channel in pixel)) for pixel in pixels]
    rgb = [colorsys.hsv_to_rgb(h, *(min(level, 1) for level in change(s, v))) for h, s, v in hsv]
    return (torch.tensor(rgb, dtype=torch.float64) * 255 + 1e-9).to(torch.uint8).view(2, 24, 20, 3).movedim(-1, 1)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_brightness_raises_value(setting):
    """As through HSV, but for whole numbers; the largest channel moves by c itself."""
    c = setting.pick((0.1, 0.2, 0.3, 0.4, 0.5), (0.05, 0.1, 0.15, 0.2, 0.3))
    bright = brightness.uint8(IMAGES, KEYS, setting)

    assert farthest(by_colorsys(IMAGES, lambda s, v: (s, v + c)), bright) <= 1
    value = IMAGES.amax(1).double() / 255
    assert torch.equal(((value + c).clamp(max=1) * 255).to(torch.uint8), bright.amax(1))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_saturate_scales_saturation(setting):
    """As through HSV, but for whole numbers; the largest channel stays."""
    a, b = setting.pick(
        ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)), ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))
    )
    saturated = saturate.uint8(IMAGES, KEYS, setting)

    assert farthest(by_colorsys(IMAGES, lambda s, v: (a * s + b, v)), saturated) <= 1
    assert torch.equal(IMAGES.amax(1), saturated.amax(1))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_saturate_turns_grey_red(setting):
    """Where saturation is shifted, grey becomes red, because its hue is 0; else it stays."""
    red, green, blue = saturate.uint8(GREY, KEYS, setting).unbind(1)

    assert torch.equal(GREY[:, 0], red)
    assert torch.equal(green, blue)
    share = {4: 0.1, 5: 0.2}.get(setting.severity, 0)
    assert farthest((red * (1 - share) + 1e-4).to(torch.uint8), green) <= (1 if share else 0)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_contrast_draws_towards_the_mean(setting):
    """An affine function of the value, channel by channel."""
    kept = setting.pick((0.4, 0.3, 0.2, 0.1, 0.05), (0.75, 0.5, 0.4, 0.3, 0.15))
    mean = IMAGES.double().mean((2, 3), keepdim=True)
    expected = (mean + (IMAGES - mean) * kept).to(torch.uint8)

    assert farthest(expected, contrast.uint8(IMAGES, KEYS, setting)) <= 1
    assert (expected != contrast.uint8(IMAGES, KEYS, setting)).float().mean() < 1e-3


@pytest.mark.parametrize("value", [0, 1, 77, 200, 255])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_contrast_leaves_a_plain_image(setting, value):
    """An image that is its own mean stays; the original's sum in order may lie a trace below."""
    plain = torch.full_like(IMAGES, value)

    assert farthest(plain, contrast.uint8(plain, KEYS, setting)) <= int(setting.exact)


@pytest.mark.parametrize("kernel", [brightness, contrast, saturate])
def test_strides_do_not_matter(kernel):
    """Images whose channels lie side by side in memory give the same."""
    strided = IMAGES.contiguous(memory_format=torch.channels_last)

    for setting in SETTINGS:
        assert torch.equal(kernel.uint8(IMAGES, KEYS, setting), kernel.uint8(strided, KEYS, setting))
