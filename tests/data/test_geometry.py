"""Geometry: equal to torchvision's transforms, and readable."""

import numpy as np
import pytest
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from robustbench_vit.data.geometry import IMAGENET, NONE, Geometry
from robustbench_vit.errors import SpecError

SIZES = [(300, 401), (401, 300), (256, 256), (37, 64), (1, 9), (500, 224)]


def picture(height: int, width: int) -> Image.Image:
    """Noise, so that any shift shows."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_equals_torchvision(size: tuple[int, int], interpolation: str) -> None:
    """Resize and centre crop equal torchvision's, bit for bit."""
    image = picture(*size)
    resize = transforms.Resize(64, InterpolationMode(interpolation))
    expected = transforms.CenterCrop(56)(resize(image))

    actual = Geometry(resize=64, crop=56, interpolation=interpolation).apply(image)

    assert expected.tobytes() == actual.tobytes()


def test_equals_pil() -> None:
    """Resizing to a given height and width is PIL's."""
    image = picture(40, 60)

    actual = Geometry(resize=(20, 33)).apply(image)

    assert image.resize((33, 20), Image.Resampling.BILINEAR).tobytes() == actual.tobytes()


def test_a_small_picture_is_padded_black() -> None:
    """A crop larger than the picture surrounds it with black."""
    actual = np.asarray(Geometry(crop=6).apply(Image.new("RGB", (4, 4), "white")))

    assert (6, 6, 3) == actual.shape
    assert 0 == actual[0].max()
    assert 255 == actual[1:5, 1:5].min()


def test_without_antialias_samples() -> None:
    """Without antialiasing a shrunken checkerboard keeps its contrast, with it turns grey."""
    board = Image.fromarray(np.kron(np.indices((32, 32)).sum(0) % 2, np.ones((1, 1))).astype(np.uint8) * 255)
    board = board.convert("RGB")

    smooth = np.asarray(Geometry(resize=(11, 11)).apply(board)).std()
    sampled = np.asarray(Geometry(resize=(11, 11), antialias=False).apply(board)).std()

    assert sampled > 4 * smooth


def test_masks_stay_binary() -> None:
    """Masks are sampled, never mixed."""
    mask = Image.fromarray((np.indices((40, 50)).sum(0) % 7 > 3).astype(np.uint8) * 255)

    actual = np.asarray(Geometry(resize=23, crop=20).apply_mask(mask))

    assert {0, 255} == set(np.unique(actual).tolist())


@pytest.mark.parametrize(
    "geometry",
    [NONE, IMAGENET, Geometry(crop=(3, 4)), Geometry(resize=(5, 6), interpolation="nearest", antialias=False)],
)
def test_round_trip(geometry: Geometry) -> None:
    """What is printed can be read."""
    assert geometry == Geometry.parse(str(geometry))


def test_text() -> None:
    """Defaults are left out."""
    assert "none" == str(NONE)
    assert "geometry(crop=224, resize=256)" == str(IMAGENET)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("square(256)", r"unknown geometry 'square\(256\)'; expected none, native or geometry"),
        ("geometry(crop=0)", "crop must be an integer or .height, width. of at least 1"),
        ("geometry(antialias=false, interpolation=lanczos, resize=8)", "lanczos exists with antialias=true only"),
    ],
)
def test_refuses(text: str, match: str) -> None:
    """Nonsense is refused with what would be right."""
    with pytest.raises(SpecError, match=match):
        Geometry.parse(text)
