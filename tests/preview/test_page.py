"""How images and specs are shown: pixel for pixel, small ones large, large ones small."""

import base64
import io

import numpy as np
import pytest
from fake_runs import planned
from PIL import Image

from robustbench_vit.preview.gallery import Family, Room, Strip
from robustbench_vit.preview.page import data_uri, failures_page, gallery_page, place
from robustbench_vit.preview.pictures import Picture, Shot

HOSTILE = '<script>alert("x")</script>'
GREY = np.full((4, 6, 3), 128, np.uint8)


def decoded(uri: str) -> tuple[str, np.ndarray]:
    """Format and pixels of an image that is text."""
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    return image.format, np.asarray(image)


def test_small_images_keep_every_pixel():
    """As PNG."""
    pixels = np.random.default_rng(0).integers(256, size=(5, 7, 3)).astype(np.uint8)
    kind, back = decoded(data_uri(pixels, 7))

    assert "PNG" == kind
    assert (pixels == back).all()


def test_large_images_are_reduced_where_asked():
    """The longest side, to WebP."""
    kind, back = decoded(data_uri(np.zeros((50, 100, 3), np.uint8), 20))

    assert ("WEBP", (10, 20)) == (kind, back.shape[:2])


@pytest.mark.parametrize(
    ("case", "curve", "said"),
    [
        ("patchdrop(ratio=0.5)", "patchdrop", "ratio=0.5"),
        ("pgd(eps=4/255, steps=5)", "pgd(steps=5)", "eps=4/255"),
        ("patchdrop(0.5)", "patchdrop", "0.5"),
        ("clean", "clean", ""),
        ("(", "patchdrop", ""),
    ],
)
def test_what_a_curve_leaves_open(case, curve, said):
    """Is said beside each of its points."""
    assert said == place(case, curve)


def room(**picture: object) -> Room:
    """A case of one picture, and one that cannot be shown."""
    one = Picture("val/1", 3, "cat", GREY, **{"figures": {"rms": 0.25, "none": float("nan")}, **picture})
    shot = Shot(planned("fog(severity=2)", family="corruption"), (one,), (one,))
    missing = planned("pgd", family="corruption", status="failed", reason=HOSTILE)
    return Room(HOSTILE, "none", (one,), (Family("corruption", (Strip("fog", "severity", (shot,)),), (missing,)),), ())


def test_a_gallery_says_what_is_known():
    """Figures, places, and what a model saw; what is no number stays away."""
    text = gallery_page("mine@1", [room(said="dog", confidence=0.914)], {"seed": "7"})

    assert "<b>severity=2</b>" in text
    assert "rms 0.25" in text
    assert "none nan" not in text
    assert "✗ dog" in text
    assert "91\u202f%" in text
    assert 'class="magnified"' in text


def test_nothing_of_a_user_is_markup():
    """Names and reasons are text."""
    text = gallery_page(HOSTILE, [room()], {"model": HOSTILE})

    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


def test_no_failure_is_said():
    """A page of nothing is not empty."""
    assert "No image that is right as it is was ever wrong." in failures_page("mine@1", [], {})
