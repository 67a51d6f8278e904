"""Stylizing without weights: contours stay, texture and colours are the style's, and the batch does not matter."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from robustbench_vit.data import load_dataset
from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.perturbation import to_uint8
from robustbench_vit.perturbations.stylize.filters import bands, correlation, edges
from robustbench_vit.perturbations.stylize.spectrum import Equaliser
from robustbench_vit.perturbations.stylize.styles import style_files, style_picture
from robustbench_vit.perturbations.stylize.stylize import stylize
from robustbench_vit.perturbations.stylize.texture import transfer
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context

IDS = tuple(f"image {index}" for index in range(11))


def texture(kind, side=96):
    """A rendered style: stripes, checks, dots or grain in two colours, side×side×3 uint8."""
    y, x = np.mgrid[:side, :side]
    value = {
        "stripes": np.sin((x + 2 * y) / 3),
        "checks": np.sign(np.sin(x / 4) * np.sin(y / 4)),
        "dots": np.hypot(x % 13 - 6, y % 13 - 6) / 4 - 1,
        "grain": np.random.default_rng(3).normal(0, 0.5, (side, side)),
    }[kind].clip(-1, 1)[..., None] / 2 + 0.5
    return np.uint8(value * [200, 60, 30] + (1 - value) * [30, 90, 220])


@pytest.fixture(scope="module")
def styles(tmp_path_factory):
    """A folder of four rendered styles, one of them in a folder of its own."""
    root = tmp_path_factory.mktemp("styles")
    (root / "more").mkdir()
    for file, kind in {"b.png": "stripes", "a.png": "checks", "more/c.png": "dots", "d.bmp": "grain"}.items():
        Image.fromarray(texture(kind)).save(root / file)
    (root / "notes.txt").write_text("no picture")
    return str(root)


@pytest.fixture(scope="module")
def images():
    """Eleven images of the embedded data set, 64×64 float."""
    return load_dataset("shapetex(n=20)").batch(0, 11).images.float() / 255


def run(images, style, chosen=range(11), seed=0, **parameters):
    """Stylise some of the images under their own ids."""
    chosen = list(chosen)
    keys = Keys(seed, "stylize", tuple(IDS[index] for index in chosen))
    return stylize(images[chosen], keys, context=Context(), style=style, **parameters)


def pictures(*kinds, side=96):
    """Rendered styles as N×3×H×W float."""
    return torch.stack([torch.from_numpy(texture(kind, side)).permute(2, 0, 1) for kind in kinds]).float() / 255


def shapes(count, side=96):
    """A disc, a square and a cross on a slope of light, N×3×H×W float."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    y, x = y - side / 2, x - side / 2
    figures = [torch.hypot(y, x) < side / 3, (y.abs() < side / 4) & (x.abs() < side / 3), (y.abs() < 9) | (x.abs() < 9)]
    slope = 0.5 + 0.2 * x / side
    return torch.stack([torch.where(figures[index % 3], slope + 0.35, slope - 0.2) for index in range(count)])[
        :, None
    ].repeat(1, 3, 1, 1)


def spectral_distance(first, second):
    """Mean absolute difference of the log power of luminance over rings one frequency wide: a loop of its own."""
    profiles = []
    for image in (first, second):
        grey = (image.double().numpy() * np.array([0.299, 0.587, 0.114])[:, None, None]).sum(0)
        power = np.abs(np.fft.fftshift(np.fft.fft2(grey))) ** 2
        y, x = np.indices(power.shape)
        radius = np.hypot(y - power.shape[0] // 2, x - power.shape[1] // 2).round().astype(int)
        rings = range(1, min(power.shape) // 2)
        profiles.append(np.array([np.log(power[radius == ring].mean() + 1e-12) for ring in rings]))
    return np.abs(profiles[0] - profiles[1]).mean()


@pytest.mark.parametrize("how", ["alone", "sevens", "permuted"])
def test_same_uint8_however_batched(images, styles, how):
    """Alone, in batches of seven, in another order: bit-identical 8-bit images, equal columns."""
    together = run(images, styles)
    parts = {
        "alone": [[index] for index in range(11)],
        "sevens": [range(7), range(7, 11)],
        "permuted": [[(5 * index + 3) % 11 for index in range(11)]],
    }[how]

    for part in parts:
        again = run(images, styles, part)
        assert torch.equal(to_uint8(together.images[list(part)]), to_uint8(again.images))
        assert torch.equal(together.columns["edge_correlation"][list(part)], again.columns["edge_correlation"])


def test_shape_dtype_range_and_untouched_input(images, styles):
    """N×3×H×W float in [0,1]; the input is as before; twice gives the same."""
    before = images.clone()
    result, again = run(images, styles), run(images, styles)

    assert result.images.shape == images.shape
    assert result.images.dtype == torch.float32
    assert 0 <= result.images.min() < result.images.max() <= 1
    assert result.columns["edge_correlation"].shape == (11,)
    assert torch.equal(before, images)
    assert torch.equal(result.images, again.images)


def test_strength_goes_in_a_straight_line(images, styles):
    """0 leaves the images exactly; more strength is further away, in proportion; an empty batch stays empty."""
    levels = [0, Fraction(1, 4), 0.5, 1.0]
    results = [run(images, styles, strength=level).images for level in levels]
    distances = [float((result - images).norm()) for result in results]

    assert torch.equal(results[0], images)
    assert distances == pytest.approx([distances[-1] * float(level) for level in levels], rel=1e-4)
    assert run(images, styles, []).images.shape == (0, 3, 64, 64)


def test_style_is_keyed(images, styles):
    """The style is drawn from (seed, id) among the sorted files; seeds differ; strength changes no draw."""
    files = style_files(styles)
    chosen = Keys(0, "stylize", IDS).integers("style", low=0, high=4).tolist()
    given = torch.stack([style_picture(files[index], 64, 64) for index in chosen]).float() / 255

    assert [file.name for file in files] == ["a.png", "b.png", "d.bmp", "c.png"]
    assert len(set(chosen)) > 1
    assert torch.equal(run(images, styles).images, transfer(images, given, keys=Keys(0, "stylize", IDS)))
    assert not torch.equal(run(images, styles).images, run(images, styles, seed=1).images)


@pytest.mark.parametrize("kind", ["stripes", "checks", "dots", "grain"])
def test_contours_stay_and_the_spectrum_goes_to_the_style(kind):
    """Edge maps correlate by 0.5 with the content; the spectrum is at most half as far from the style as before."""
    content, style = shapes(3), pictures(kind, kind, kind)
    result = transfer(content, style)

    for before, goal, after in zip(content, style, result, strict=True):
        assert correlation(edges(after), edges(before)) >= 0.5
        assert spectral_distance(after, goal) <= 0.5 * spectral_distance(before, goal)
        assert (after.mean((1, 2)) - goal.mean((1, 2))).abs().max() < 0.1


def test_real_photos(shared_data):
    """The same on photographs at 224, and the column says what a loop of our own measures."""
    files = sorted((shared_data / "imagenet-samples").glob("*/*.JPEG"))[40::250]
    photos = torch.stack([style_picture(file, 224, 224) for file in files]).float() / 255
    style = photos.roll(1, 0)
    result = transfer(photos, style)

    for before, goal, after in zip(photos, style, result, strict=True):
        slopes = [np.hypot(*np.gradient(image.mean(0).numpy())) for image in (before, after)]
        assert np.corrcoef(slopes[0].ravel(), slopes[1].ravel())[0, 1] >= 0.5
        assert spectral_distance(after, goal) <= 0.5 * spectral_distance(before, goal)


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (64, 40)])
def test_odd_sizes(size):
    """Small, odd and oblong images come out whole."""
    content, style = shapes(1)[..., : size[0], : size[1]], pictures("dots")[..., : size[0], : size[1]]
    result = transfer(content, style)

    assert result.shape == content.shape
    assert result.isfinite().all()
    assert 0 <= result.min() <= result.max() <= 1


@pytest.mark.parametrize(("content", "style"), [(0.0, None), (1.0, None), (None, 0.0), (None, 0.5), (0.5, 0.5)])
def test_flat_pictures(content, style):
    """A flat content becomes texture, a flat style gives its colour; nothing is divided by zero."""
    flat = torch.ones(1, 3, 48, 48)
    first = shapes(1, 48) if content is None else flat * content
    second = pictures("dots", side=48) if style is None else flat * style
    result = transfer(first, second)

    assert result.isfinite().all()
    assert result.mean((2, 3)).sub(second.mean((2, 3))).abs().max() < 0.1
    if content is not None:
        assert result.std() == pytest.approx(float(second.std()), abs=0.1)


def test_bands_sum_to_the_plane():
    """The filter bank loses nothing."""
    plane = pictures("grain")[0, 0]

    assert len(bands(plane)) == 4
    assert torch.allclose(sum(bands(plane)), plane, atol=1e-5)


def test_equaliser_leaves_the_style_itself():
    """A style has its own spectrum already."""
    style = pictures("checks")[0]

    assert torch.allclose(Equaliser(style, style)(style), style, atol=1e-4)


def test_pictures_of_every_mode(tmp_path):
    """Grey, palette, CMYK, transparent and 16-bit styles become RGB, cut to the content's aspect ratio."""
    grey = Image.fromarray(np.tile(np.uint8([0, 50, 100, 255]).repeat(10), (20, 1)))
    for mode in ("L", "P", "RGBA", "RGB"):
        grey.convert(mode).save(tmp_path / f"{mode}.png")
    grey.convert("CMYK").save(tmp_path / "cmyk.tiff")
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(tmp_path / "deep.png")
    decoded = [style_picture(file, 20, 20) for file in style_files(str(tmp_path))]

    assert len(decoded) == 6
    for picture in decoded:
        assert picture.shape == (3, 20, 20)
        assert (picture[:, 5, 2].int() - 50).abs().max() <= 1  # the outer bars are cut off
        assert (picture[:, 5, 17].int() - 100).abs().max() <= 1


def test_bad_styles_are_named(images, tmp_path):
    """A missing or empty folder, a file, a truncated, empty or floating-point picture."""
    for path, message in {tmp_path / "no": "no does not exist", tmp_path: "holds no pictures"}.items():
        with pytest.raises(CaseError, match=message):
            run(images, str(path))
    whole = tmp_path / "whole.png"
    Image.fromarray(texture("grain")).save(whole)
    with pytest.raises(CaseError, match=r"whole\.png is a file; style= takes a folder"):
        run(images, str(whole))

    broken = {"cut.png": whole.read_bytes()[:300], "void.jpg": b"", "text.png": b"no picture at all"}
    for name, content in broken.items():
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_bytes(content)
        with pytest.raises(CaseError, match=f"cannot decode the style .*{name}: .*replace or remove it"):
            run(images, str(folder))
    (tmp_path / "float").mkdir()
    Image.fromarray(np.zeros((9, 9), np.float32)).save(tmp_path / "float" / "f.tiff")
    with pytest.raises(CaseError, match=r"f\.tiff: floating-point pictures have no agreed range"):
        run(images, str(tmp_path / "float"))


def test_what_does_not_fit_is_said(images, styles):
    """Parameters of the other method, tiny images, pairs of unequal size."""
    with pytest.raises(CaseError, match="alpha belong to method=adain"):
        run(images, styles, alpha=0.5)
    with pytest.raises(CaseError, match="needs encoder=PATH"):
        run(images, styles, method="adain")
    with pytest.raises(CaseError, match="at least 16×16 pixels, got 12×64"):
        run(images[:, :, :12], styles)
    with pytest.raises(CaseError, match=r"a style of the content's shape, got 1×3×32×32 for 11×3×64×64"):
        transfer(images, torch.zeros(1, 3, 32, 32))
