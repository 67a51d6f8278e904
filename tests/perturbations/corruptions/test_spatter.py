"""Spatter in closed form; its area is in test_statistics, parity with the originals in oracles."""

import sys

import pytest
import torch
from oracle_draws import OracleKeys

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.spatter import spatter
from robustbench_vit.randomness import Keys

IMAGES = torch.randint(0, 256, (2, 3, 40, 56), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
KEYS = Keys(0, "spatter", ("a", "b"))
VARIANTS = ("imagenet_c", "cifar_c", "imagecorruptions")


def spattered(setting, liquid):
    """The images with the same noise everywhere."""
    fields = {"liquid": torch.full((2, 40, 56), liquid)}
    return spatter.uint8(IMAGES, OracleKeys(0, "spatter", ("a", "b"), fields=fields), setting)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("severity", range(1, 6))
def test_dry_images_stay(variant, severity):
    """Without a drop nothing changes, where the original divides by zero."""
    assert torch.equal(IMAGES, spattered(Setting(severity, variant), -9.0))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("severity", [4, 5])
def test_mud_everywhere(variant, severity):
    """Then the image is mud."""
    muddy = spattered(Setting(severity, variant), 9.0).int()

    assert (muddy - torch.tensor([63, 42, 20]).view(3, 1, 1)).abs().max() <= 1


def test_water_only_adds():
    """No value falls; what is added is strongest in green and blue, at most the strength times the colour."""
    for severity, strength in ((1, 0.6), (2, 0.6), (3, 0.5)):
        black = spatter.uint8(IMAGES * 0, KEYS, Setting(severity))

        assert (spatter.uint8(IMAGES, KEYS, Setting(severity)) >= IMAGES).all()
        assert int(strength * 238) == pytest.approx(black[:, 1:].max().item(), abs=1)
        assert int(strength * 175) == pytest.approx(black[:, 0].max().item(), abs=1)


def test_water_needs_opencv_and_mud_does_not(monkeypatch):
    """Without cv2 a clear error."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    spatter.uint8(IMAGES, KEYS, Setting(4))

    with pytest.raises(CaseError, match="OpenCV"):
        spatter.uint8(IMAGES, KEYS, Setting(1))
