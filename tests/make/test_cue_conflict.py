"""Cue-conflict sets of one's own: all pairs of classes, read back as published ones, finished by the same command."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from robustbench_vit.cli import main
from robustbench_vit.data import load_dataset
from robustbench_vit.data.cue_conflict import cue_conflict
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.pictures import open_rgb, to_tensor
from robustbench_vit.errors import DataError, SpecError, StoreError
from robustbench_vit.make.cue_conflict import make_cue_conflict
from robustbench_vit.perturbations.perturbation import to_uint8
from robustbench_vit.perturbations.stylize.texture import transfer
from robustbench_vit.randomness import Keys

CLASSES = ("blob", "ring", "wedge")


def render(root, name, number, *, texture):
    """A picture of 80×72: a shape on a plain ground, or stripes all over."""
    y, x = np.mgrid[:80, :72].astype(np.float64)
    kind, radius = CLASSES.index(name) if name in CLASSES else 0, np.hypot(y - 40, x - 36)
    shape = [radius < 20 + number, abs(radius - 20) < 5 + number, (x > 15) & (y > x + number)][kind]
    stripes = 0.5 + 0.5 * np.sin(x * (0.4 + 0.3 * kind) + y * (0.2 * number + 0.5 * kind))
    values = (stripes if texture else 0.2 + 0.6 * shape)[..., None] * np.roll([1.0, 0.8, 0.5], kind)
    file = root / name / f"photo{number}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((values * 255).astype(np.uint8)).save(file)


def classes(root, names=CLASSES, count=1, *, texture=False):
    """A folder of class folders."""
    for name in names:
        for number in range(count):
            render(root, name, number, texture=texture)
    return root


@pytest.fixture
def sources(tmp_path):
    """Content and texture folders, two and three pictures a class."""
    return classes(tmp_path / "content", count=2), classes(tmp_path / "texture", count=3, texture=True)


def make(sources, out, **options):
    """Make a set of small images."""
    return make_cue_conflict(*sources, out, **{"size": 64, **options})


def files(out):
    """Bytes of every file of a set that is not hidden."""
    found = (file for file in sorted(out.rglob("*")) if file.is_file() and not file.name.startswith("."))
    return {file.relative_to(out).as_posix(): file.read_bytes() for file in found}


class Watch:
    """Counts images; stops the run after some."""

    def __init__(self, stop=None):
        self.images, self.done, self.stop = 0, [], stop

    def total(self, images):
        """So many are to be done."""
        self.images += images

    def advance(self, images, what):
        """One is done."""
        self.done += [what] * images
        if len(self.done) == self.stop:
            raise KeyboardInterrupt

    def say(self, text):
        """Nothing is to be said."""
        raise AssertionError(text)


def test_one_picture_a_class_gives_all_pairs(tmp_path):
    """3 + 3 pictures make 9 images, three of them without conflict; shapes are labels, textures are read back."""
    sources = classes(tmp_path / "content"), classes(tmp_path / "texture", texture=True)

    made = make(sources, tmp_path / "out")
    data = cue_conflict(str(tmp_path / "out"))

    assert {f"{shape}1-{style}1" for shape in CLASSES for style in CLASSES} == set(data.ids)
    assert CLASSES == data.classes == made.classes
    assert "cue-conflict-3" == data.label_space
    for name, label, style in zip(data.ids, data.labels.tolist(), data.textures.tolist(), strict=True):
        assert f"{CLASSES[label]}1-{CLASSES[style]}1" == name
    assert (9, 3, 64, 64) == data.batch(0, 9).images.shape


def test_pixels_are_those_of_the_transfer(sources, tmp_path):
    """Of the pictures that the manifest names, resized and cropped, under the key of the file's stem."""
    made = make(sources, tmp_path / "out", strength=0.75, seed=5)
    name, of = next((name, of) for name, of in made.files.items() if name.startswith("ring/") and "-wedge" in name)
    geometry = Geometry(resize=64, crop=64)
    given = [
        to_tensor(geometry.apply(open_rgb(root / f"{of[kind]}.png")))[None].contiguous().float() / 255
        for root, kind in zip(sources, ("content", "texture"), strict=True)
    ]

    expected = to_uint8(transfer(*given, 0.75, keys=Keys(5, "stylize", (Path(name).stem,))))[0]

    assert torch.equal(expected, to_tensor(open_rgb(tmp_path / "out" / name)))


@pytest.mark.parametrize("per_pair", [1, 2, 5, 6])
def test_pictures_take_turns(sources, tmp_path, per_pair):
    """No file comes twice in a pair, numbers are places by name, and all pictures of a class are used alike."""
    made = make(sources, tmp_path / "out", strength=0.0, per_pair=per_pair)

    assert 9 * per_pair == len(made.files) == len(cue_conflict(str(tmp_path / "out")))
    for name, of in made.files.items():
        shape, style = Path(name).stem.split("-")
        assert of == {
            "content": f"{shape[:-1]}/photo{int(shape[-1]) - 1}",
            "texture": f"{style[:-1]}/photo{int(style[-1]) - 1}",
        }
    for kind, count in (("content", 2), ("texture", 3)):
        used = Counter(of[kind] for of in made.files.values())
        assert 3 * count == len(used)
        assert max(used.values()) - min(used.values()) <= 2


def test_the_manifest_names_everything_but_places(sources, tmp_path):
    """The same pictures elsewhere give the same manifest."""
    make(sources, tmp_path / "out", strength=0.5, seed=3)
    moved = [Path(shutil.copytree(root, tmp_path / "else" / root.name)) for root in sources]
    make(moved, tmp_path / "else" / "out", strength=0.5, seed=3)

    text = (tmp_path / "out" / "manifest.json").read_text()
    said = json.loads(text)

    assert files(tmp_path / "out") == files(tmp_path / "else" / "out")
    assert str(tmp_path) not in text
    assert (list(CLASSES), 0.5, 3) == (said["classes"], said["strength"], said["seed"])
    assert {"robustbench_vit", "torch", "torchvision", "numpy", "pillow", "stylize"} == set(said["versions"])


def test_an_interrupted_set_is_finished(sources, tmp_path):
    """Only what is missing is made, and every byte is the one it would have been."""
    out, rest, none = tmp_path / "out", Watch(), Watch()
    make(sources, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        make(sources, out, progress=Watch(stop=4))
    make(sources, out, progress=rest)
    make(sources, out, progress=none)

    assert (5, 5, 0) == (rest.images, len(rest.done), none.images)
    assert files(tmp_path / "whole") == files(out)


def test_a_deleted_file_is_made_again(sources, tmp_path):
    """Bit for bit."""
    out, again = tmp_path / "out", Watch()
    make(sources, out)
    before = files(out)
    lost = next(name for name in before if name.startswith("ring/"))
    (out / lost).unlink()

    make(sources, out, progress=again)

    assert [Path(lost).stem] == again.done
    assert before == files(out)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": 1}, "its seed is 0 and would be 1"),
        ({"strength": 0.5}, "its strength is 0.0 and would be 0.5"),
        ({"size": 48}, "its geometry is"),
        ({"per_pair": 2}, "its files is"),
    ],
)
def test_another_set_is_left_alone(sources, tmp_path, change, reason):
    """What was made by another command is named, not mixed."""
    make(sources, tmp_path / "out", strength=0.0)
    before = files(tmp_path / "out")

    with pytest.raises(StoreError, match=reason):
        make(sources, tmp_path / "out", **{"strength": 0.0, **change})

    assert before == files(tmp_path / "out")


def test_changed_pictures_make_another_set(sources, tmp_path):
    """Names may be the same."""
    make(sources, tmp_path / "out", strength=0.0)
    shutil.copy(sources[0] / "ring" / "photo0.png", sources[0] / "blob" / "photo0.png")

    with pytest.raises(StoreError, match="its content is"):
        make(sources, tmp_path / "out", strength=0.0)


def test_other_files_and_broken_manifests_are_left_alone(sources, tmp_path):
    """A folder that is no set is not written to."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"holds other files, such as notes\.txt"):
        make(sources, out)
    (out / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"cannot read .*manifest"):
        make(sources, out)

    assert {"notes.txt": b"mine", "manifest.json": b"{"} == files(out)


def test_bad_folders(sources, tmp_path):
    """Unequal, empty, missing or indistinguishable classes are named before anything is written."""
    content, texture = sources
    out = tmp_path / "out"
    (tmp_path / "none").mkdir()
    less = classes(tmp_path / "less", ["blob", "cone"])
    with pytest.raises(DataError, match=r"less lacks ring, wedge and .*texture lacks cone; add"):
        make((less, texture), out)
    with pytest.raises(DataError, match="none holds no class folders"):
        make((content, tmp_path / "none"), out)
    with pytest.raises(DataError, match="nowhere does not exist"):
        make((tmp_path / "nowhere", texture), out)
    one = classes(tmp_path / "one", ["blob"])
    with pytest.raises(DataError, match="two classes at least"):
        make((one, one), out)
    numbered = classes(tmp_path / "numbered", ["blob", "blob2"])
    with pytest.raises(DataError, match="texture 'blob2' could be one of 'blob' with a longer number"):
        make((numbered, numbered), out)
    dashed = classes(tmp_path / "dashed", ["a", "a1-b", "b", "b1-b"])
    with pytest.raises(DataError, match="would be called the same"):
        make((dashed, dashed), out)
    (content / "cone").mkdir()
    (texture / "cone").mkdir()
    with pytest.raises(DataError, match=r"class folder .*cone holds no pictures"):
        make((content, texture), out)

    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"strength": 1.5}, SpecError, r"strength must lie in \[0, 1\], got 1.5"),
        ({"strength": float("nan")}, SpecError, "strength must lie in"),
        ({"size": 8}, SpecError, "size must be at least 16 pixels, got 8"),
        ({"per_pair": 0}, SpecError, "at least one image of each pair"),
        ({"per_pair": 7}, DataError, "2 content pictures of blob and 3 textures of blob make 6"),
    ],
)
def test_bad_numbers(sources, tmp_path, options, error, reason):
    """Likewise."""
    with pytest.raises(error, match=reason):
        make(sources, tmp_path / "out", **options)

    assert not (tmp_path / "out").exists()


def test_a_broken_picture_is_named(sources, tmp_path):
    """What was finished before it is kept."""
    (sources[1] / "wedge" / "photo0.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"photo0\.png: the file is empty"):
        make(sources, tmp_path / "out", strength=0.0)

    assert (tmp_path / "out" / "blob" / "blob1-blob1.png").exists()


def test_command(sources, tmp_path, capsys):
    """The command makes the set and says how to open it; mistakes are one line."""
    content, texture = map(str, sources)
    arguments = ["make", "cue-conflict", "--content", content, "--texture", texture, "--out", str(tmp_path / "out")]
    arguments += ["--strength", "0", "--size", "32", "--per-pair", "2"]

    assert 0 == main(arguments)
    shown = capsys.readouterr().out
    assert "18 images of 3 classes in" in shown
    assert f"--data 'cue_conflict({tmp_path / 'out'})'" in shown
    assert 18 == len(load_dataset(f"cue_conflict({tmp_path / 'out'})"))
    assert 2 == main([*arguments, "--seed", "1"])
    assert "holds another set: its seed is 0 and would be 1" in capsys.readouterr().err
