"""Pictures: every mode becomes RGB, every broken file is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.pictures import open_mask, open_rgb, to_rgb, to_tensor, with_geometry
from robustbench_vit.errors import DataError

DEEP = np.array([[0, 128, 129, 257], [32768, 65406, 65407, 65535]], np.uint16)
SHALLOW = np.array([[0, 0, 1, 1], [128, 254, 255, 255]], np.uint8)
"""`DEEP` divided by 257 and rounded."""


def noise(*shape: int) -> np.ndarray:
    """Bytes."""
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_rgb_is_untouched(tmp_path: Path) -> None:
    """A stored RGB picture comes back as it is."""
    pixels = noise(5, 7, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")

    assert np.array_equal(pixels, np.asarray(open_rgb(tmp_path / "a.png")))


def test_grey_and_one_bit(tmp_path: Path) -> None:
    """Grey is repeated; one bit becomes black and white."""
    Image.fromarray(SHALLOW).save(tmp_path / "grey.png")
    Image.fromarray(SHALLOW > 100).save(tmp_path / "bit.png")

    grey, bit = (np.asarray(open_rgb(tmp_path / name)) for name in ("grey.png", "bit.png"))

    assert np.array_equal(np.repeat(SHALLOW[..., None], 3, axis=2), grey)
    assert np.array_equal(np.where(SHALLOW > 100, 255, 0), bit[..., 1])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey_is_scaled(tmp_path: Path, suffix: str) -> None:
    """16-bit grey is divided by 257, not clipped."""
    Image.fromarray(DEEP).save(tmp_path / f"a{suffix}")

    assert np.array_equal(SHALLOW, np.asarray(open_rgb(tmp_path / f"a{suffix}"))[..., 0])


def test_16_bit_big_endian_is_scaled(tmp_path: Path) -> None:
    """The byte order of a TIFF does not matter."""
    Image.frombytes("I;16B", (4, 2), DEEP.astype(">u2").tobytes()).save(tmp_path / "a.tif")

    with Image.open(tmp_path / "a.tif") as stored:
        mode = stored.mode

    assert "I;16B" == mode
    assert np.array_equal(SHALLOW, np.asarray(open_rgb(tmp_path / "a.tif"))[..., 0])


@pytest.mark.parametrize("value", [-1, 65536])
def test_other_integers_are_refused(tmp_path: Path, value: int) -> None:
    """Integers that are not 16 bit have no agreed range."""
    Image.fromarray(np.full((2, 2), value, np.int32)).save(tmp_path / "a.tif")

    with pytest.raises(DataError, match=rf"cannot decode .*a.tif: values from {value} to {value} have no agreed range"):
        open_rgb(tmp_path / "a.tif")


def test_floats_are_refused(tmp_path: Path) -> None:
    """A float picture is refused, and the file is named."""
    Image.fromarray(np.zeros((2, 2), np.float32)).save(tmp_path / "a.tif")

    with pytest.raises(DataError, match=r"a\.tif: floating-point pictures have no agreed range"):
        open_rgb(tmp_path / "a.tif")


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    """A palette is looked up; its transparency is dropped without a warning."""
    palette = Image.fromarray(noise(9, 9, 3)).quantize(4)
    palette.save(tmp_path / "plain.png")
    palette.save(tmp_path / "clear.png", transparency=bytes([0, 100, 255, 255]))
    palette.save(tmp_path / "index.gif", transparency=1)
    expected = palette.convert("RGB").tobytes()

    assert [expected] * 3 == [open_rgb(tmp_path / name).tobytes() for name in ("plain.png", "clear.png", "index.gif")]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_dropped(tmp_path: Path, mode: str) -> None:
    """Transparent pixels keep their colour."""
    pixels = noise(4, 5, len(mode))
    Image.fromarray(pixels, mode).save(tmp_path / "a.png")

    actual = np.asarray(open_rgb(tmp_path / "a.png"))

    assert np.array_equal(np.broadcast_to(pixels[..., :-1], (4, 5, 3)), actual)


def test_cmyk(tmp_path: Path) -> None:
    """A CMYK JPEG becomes RGB as PIL converts it, black ink being black."""
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(tmp_path / "a.jpg")

    picture = open_rgb(tmp_path / "a.jpg")

    assert "RGB" == picture.mode
    assert np.asarray(picture).max() < 8


def test_orientation_is_left_alone(tmp_path: Path) -> None:
    """EXIF orientation is not applied."""
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(noise(5, 7, 3)).save(tmp_path / "a.png", exif=exif)

    assert (7, 5) == open_rgb(tmp_path / "a.png").size


def test_missing() -> None:
    """A missing file is named."""
    with pytest.raises(DataError, match=r"no such picture: nowhere\.png"):
        open_rgb(Path("nowhere.png"))


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated(tmp_path: Path, suffix: str, keep: float) -> None:
    """A file cut anywhere is named, never filled with grey."""
    file = tmp_path / f"a{suffix}"
    Image.fromarray(noise(64, 64, 3)).save(file)
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data))])

    with pytest.raises(DataError, match=r"cannot decode .*a\.(jpg|png): .*; replace the file or remove it"):
        open_rgb(file)


@pytest.mark.parametrize(("content", "reason"), [(b"", "is empty"), (b"Dear reader,\n" * 9, "holds no picture")])
def test_no_picture(tmp_path: Path, content: bytes, reason: str) -> None:
    """Empty files and text with a picture's name are told apart."""
    (tmp_path / "a.jpg").write_bytes(content)

    with pytest.raises(DataError, match=rf"cannot decode .*a\.jpg: the file {reason}; replace the file"):
        open_rgb(tmp_path / "a.jpg")


@pytest.mark.parametrize("limit", [60, 20])
def test_decompression_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Pictures PIL finds suspicious are named, with the way to trust them."""
    Image.new("L", (10, 10)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)

    with pytest.raises(DataError, match=r"a\.png: .*bomb.* raise PIL\.Image\.MAX_IMAGE_PIXELS"):
        open_rgb(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["bit", "0/1", "0/255", "16 bit", "palette", "RGB", "JPEG"])
def test_masks_of_all_kinds(tmp_path: Path, mode: str) -> None:
    """However a binary mask is stored, it reads the same."""
    mask = np.zeros((16, 24), np.uint8)
    mask[:8, 8:] = 1
    colour = np.zeros((16, 24, 3), np.uint8)
    colour[:8, 8:, 2] = 128
    stored = {
        "bit": Image.fromarray(mask > 0),
        "0/1": Image.fromarray(mask),
        "16 bit": Image.fromarray(mask.astype(np.uint16)),
        "palette": Image.fromarray(colour).quantize(2),
        "RGB": Image.fromarray(colour),
    }.get(mode, Image.fromarray(mask * 255))
    file = tmp_path / ("a.jpg" if mode == "JPEG" else "a.png")
    stored.save(file)

    assert np.array_equal(mask * 255, np.asarray(open_mask(file)))


def test_an_empty_mask_stays_empty(tmp_path: Path) -> None:
    """Without an object there is nothing brighter than half of nothing."""
    Image.new("L", (3, 3)).save(tmp_path / "a.png")

    assert 0 == np.asarray(open_mask(tmp_path / "a.png")).max()


def test_to_tensor() -> None:
    """Channels come first."""
    pixels = noise(4, 6, 3)

    assert torch.equal(torch.from_numpy(pixels).permute(2, 0, 1), to_tensor(Image.fromarray(pixels)))


def test_to_rgb_leaves_its_argument_alone() -> None:
    """Converting changes nothing in the picture given."""
    palette = Image.fromarray(noise(4, 4, 3)).quantize(4)
    palette.info["transparency"] = bytes([0, 9])

    to_rgb(palette)

    assert ("P", bytes([0, 9])) == (palette.mode, palette.info["transparency"])


def test_with_geometry() -> None:
    """Arrays take the same path as files, masks by nearest sampling."""
    images = torch.from_numpy(noise(2, 3, 8, 8))
    mask = torch.rand(2, 8, 8)
    geometry = Geometry(resize=6, crop=4)

    actual, extra = with_geometry(images, {"mask": mask, "other": mask}, geometry)

    expected = to_tensor(geometry.apply(Image.fromarray(images[1].permute(1, 2, 0).numpy())))
    assert torch.equal(expected, actual[1])
    assert (2, 4, 4) == extra["mask"].shape
    assert set(extra["mask"].unique().tolist()) <= set(mask.unique().tolist())
    assert extra["other"] is mask


def test_without_geometry() -> None:
    """No geometry, no change."""
    images = torch.from_numpy(noise(2, 3, 8, 8))

    assert images is with_geometry(images, {}, Geometry())[0]
