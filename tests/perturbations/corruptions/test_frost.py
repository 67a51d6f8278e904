"""Frost with textures made for the purpose, and the errors where there are none."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from robustbench_vit.api import perturb
from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.corruptions import frost as module
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.frost import FILES, frost
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context

IMAGES = torch.randint(0, 256, (3, 3, 32, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))
VARIANTS = ("imagenet_c", "cifar_c", "imagecorruptions")


@pytest.fixture(autouse=True)
def forget():
    """Textures are kept by folder; every test has its own."""
    module._ice.cache_clear()


def write(folder, pictures):
    """Five lossless pictures under the textures' names."""
    for file, picture in zip(FILES, pictures, strict=True):
        Image.fromarray(picture).save(folder / file, "PNG")
    return str(folder)


def plain(*colours):
    """Plain pictures of 200×250."""
    return [np.full((200, 250, 3), colour, np.uint8) for colour in colours]


def keys(count):
    """One key an image."""
    return Keys(0, "frost", tuple(f"a{k}" for k in range(count)))


def frosted(images, textures, variant="imagenet_c", severity=3):
    """Frost on images."""
    return frost(images, keys(len(images)), context=Context(), severity=severity, variant=variant, textures=textures)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("variant", VARIANTS)
def test_ice_is_added_to_the_darkened_image(variant, severity, tmp_path):
    """a·x + b·texture in float64, clipped and truncated; the texture's colours in the order of the image's."""
    colour = torch.tensor([10, 90, 200]).view(3, 1, 1)
    a, b = Setting(severity, variant).pick(
        ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
        ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    )
    expected = (a * IMAGES.double() + b * colour.double()).clamp(0, 255).to(torch.uint8)

    assert torch.equal(expected, frosted(IMAGES, write(tmp_path, plain(*[(10, 90, 200)] * 5)), variant, severity))


def test_crops_are_pieces_of_a_texture(tmp_path):
    """On black, each image shows neighbouring rows and columns, not the same for all, inside the texture."""
    rows, columns = np.indices((200, 250))
    picture = np.stack([rows, columns, rows * 0], 2).astype(np.uint8)
    textures = write(tmp_path, [picture] * 5)
    black = torch.zeros(50, 3, 32, 40, dtype=torch.uint8)
    down, right, _ = module._ice(textures, "imagenet_c", 32, 40, torch.device("cpu")).crops(keys(50), 40).unbind(1)

    assert ((down.diff(dim=1) == 1).all(), (right.diff(dim=2) == 1).all()) == (True, True)
    assert down[:, 0, 0].unique().numel() > 20
    assert right[:, 0, 0].unique().numel() > 20
    assert (frosted(black, textures)[:, 0] == (down * 0.7).to(torch.uint8)).float().mean() > 0.8


def test_textures_have_equal_chances(tmp_path):
    """Five plain textures, a thousand images: each is seen 150 to 250 times, the same at every severity."""
    textures = write(tmp_path, plain(0, 50, 100, 150, 200))
    black = torch.zeros(1000, 3, 16, 16, dtype=torch.uint8)
    drawn = [frosted(black, textures, severity=severity)[:, 0, 0, 0] for severity in (2, 5)]
    counts = torch.bincount(drawn[0].unique(return_inverse=True)[1], minlength=5)

    assert 150 < counts.min() <= counts.max() < 250
    assert torch.equal(*(levels.unique(return_inverse=True)[1] for levels in drawn))


@pytest.mark.parametrize(("variant", "seen"), [("imagenet_c", 35), ("cifar_c", 20), ("imagecorruptions", 35)])
def test_images_larger_than_the_textures(variant, seen, tmp_path):
    """The texture grows with the image; there remain places to choose from."""
    textures = write(tmp_path, plain(*[50] * 5))
    black = torch.zeros(1, 3, 40, 300, dtype=torch.uint8)
    ice = module._ice(textures, variant, 40, 300, torch.device("cpu"))

    assert (ice.places > 0).all()
    assert (frosted(black, textures, variant) == seen).all()


def test_the_installed_textures_are_the_default():
    """The package's five files, found without importing it."""
    places = module._ice(None, "imagenet_c", 224, 224, torch.device("cpu")).places

    assert [[376, 676], [91, 336], [91, 336], [126, 303], [271, 436]] == places.tolist()


def test_no_package_is_a_clear_error(monkeypatch):
    """It says how to get the textures."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)

    with pytest.raises(CaseError, match=r"pip install imagecorruptions, or give a folder .* textures=PATH"):
        perturb(IMAGES, "frost(3)")


def test_a_missing_texture_is_named(tmp_path):
    """One file of five is not there."""
    write(tmp_path, plain(*range(5)))
    (tmp_path / "frost4.jpg").unlink()

    with pytest.raises(CaseError, match=r"there is no frost texture .*frost4\.jpg"):
        perturb(IMAGES, f"frost(3, textures={str(tmp_path)!r})")


@pytest.mark.parametrize("content", [b"", b"not a picture", None])
def test_a_broken_texture_is_named(content, tmp_path):
    """Empty, nonsense, or cut in half."""
    write(tmp_path, [np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)] * 5)
    file = tmp_path / "frost2.png"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if content is None else content)

    with pytest.raises(CaseError, match=r"frost texture .*frost2\.png cannot be read"):
        perturb(IMAGES, f"frost(3, textures={str(tmp_path)!r})")


def test_a_repaired_texture_is_read(tmp_path):
    """An error is not remembered."""
    textures = write(tmp_path, plain(*range(5)))
    shutil.move(tmp_path / "frost1.png", tmp_path / "away.png")
    with pytest.raises(CaseError, match="frost1"):
        frosted(IMAGES, textures)
    shutil.move(tmp_path / "away.png", tmp_path / "frost1.png")

    assert IMAGES.shape == frosted(IMAGES, textures).shape


def test_the_package_brings_its_own_textures(tmp_path):
    """A folder beside backend=imagecorruptions would be ignored, so it is refused."""
    with pytest.raises(CaseError, match="leave textures="):
        perturb(IMAGES, f"frost(3, variant=imagecorruptions, backend=imagecorruptions, textures={str(tmp_path)!r})")
