"""Made sets: the images of a run, bit for bit, in the published layouts; finished by the command that began them."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from torch import nn

from robustbench_vit.api import perturb, results, run_suite
from robustbench_vit.data import load_dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, DataError, SpecError, StoreError
from robustbench_vit.evaluation.options import Options
from robustbench_vit.make.corrupted import make_corrupted
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.suite import Case, Suite

SPECS = ["clean", "patchdrop(0.25)", "patchdrop(0.5)", "patchdrop(0.5, region=salient, saliency=mask)", "shuffle(4)"]
STORED = {
    "patchdrop(ratio=0.25)": "stored(patchdrop, severity=0.25)",
    "patchdrop(ratio=0.5)": "stored(patchdrop, severity=0.5)",
    "shuffle(grid=4)": "stored(shuffle, severity=4)",
    "fourier_noise(center=0.3)": "stored(fourier_noise, severity=0.3)",
}
"""Perturbations of `made` and where their images are."""
DATA = "shapetex(n=300)"


class Toy(nn.Module):
    """Logits from coarse colours."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.linspace(-1, 1, 48 * classes).view(48, classes).mul(99).sin())

    def forward(self, images):
        """N×3×H×W → N×K."""
        return nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) @ self.weights


def make(out, form="png", specs=SPECS, data=DATA, cases=None, progress=None, **options):
    """Make a set."""
    dataset = load_dataset(data) if isinstance(data, str) else data
    cases = [Case(spec) for spec in specs] if cases is None else cases
    return make_corrupted(dataset, cases, Path(out), form, Options(**{"device": "cpu", **options}), progress)


def content(out):
    """Every file of a set that is not hidden."""
    files = (file for file in sorted(Path(out).rglob("*")) if file.is_file())
    return {str(file.relative_to(out)): file.read_bytes() for file in files if not file.name.startswith(".")}


def images(spec, data=DATA, n=300, seed=0):
    """Perturbed images of a data set by sample id, made on the fly."""
    batch = load_dataset(data).batch(0, n)
    made = perturb(batch.images, spec, ids=batch.ids, seed=seed, positions=batch.positions)
    return dict(zip(batch.ids, made, strict=True))


def read(view):
    """Images of a data set by sample id."""
    batch = view.batch(0, len(view))
    return dict(zip(batch.ids, batch.images, strict=True))


def same(first, second):
    """Whether images by id agree bit for bit."""
    return set(first) == set(second) and all(torch.equal(first[name], second[name]) for name in first)


# ── read back ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["png", "npy"])
def test_images_are_those_of_a_run(tmp_path, form):
    """Same ids, labels, classes, order and bits; clean images are there, too."""
    data = "shapetex(n=50)"
    make(tmp_path / "c", form, [*SPECS, "fourier_noise(0.3)"], data, seed=7)
    dataset, source = load_dataset(f'folder_c("{tmp_path / "c"}")'), load_dataset(data)

    assert (source.ids, source.classes, source.label_space) == (dataset.ids, dataset.classes, dataset.label_space)
    assert torch.equal(source.labels, dataset.labels)
    assert same(images("clean", data, 50), read(dataset))
    for spec, stored in STORED.items():
        args = Case(stored).perturbation
        view = dataset.view(args.positional[0], args.args["severity"])
        assert same(images(spec, data, 50, seed=7), read(view)), spec
    assert 50 == len(dataset.view("patchdrop-region-salient-saliency-mask", 0.5))


@pytest.mark.parametrize("form", ["png", "npy"])
def test_predictions_are_those_of_a_run(tmp_path, form):
    """A run on stored images has the rows of one that makes them."""
    specs = ["patchdrop(0.25)", "patchdrop(0.5)", "shuffle(4)"]  # whose values are of 8 bit without rounding
    make(tmp_path / "c", form, ["clean", *specs])
    model = ImageModel(Toy(), Preprocessing((0.5,) * 3, (0.5,) * 3, None), name="toy", num_classes=10)
    cases = [Case(), *(Case(spec) for spec in specs)]
    stored = [Case(), *(Case(text) for text in list(STORED.values())[:3])]
    for name, data, asked in (("fly", DATA, cases), ("stored", f'folder_c("{tmp_path / "c"}")', stored)):
        run_suite(Suite("toy", version=1), asked, models=[model], data={"": data}, out=tmp_path / name, device="cpu")
    fly, back = ({r.case: r for r in results(tmp_path / name).cases()} for name in ("fly", "stored"))

    assert {"done"} == {record.status for record in [*fly.values(), *back.values()]}
    for one, other in [("clean", "clean"), *list(zip(fly, back, strict=True))[1:]]:
        rows = [results(tmp_path / n).rows(case=c) for n, c in (("fly", one), ("stored", other))]
        assert rows[0]["pred"].tolist() == rows[1]["pred"].tolist()
        assert rows[0]["nll"].tolist() == rows[1]["nll"].tolist()
        assert rows[0]["id"].tolist() == rows[1]["id"].tolist()


@pytest.mark.parametrize("form", ["png", "npy"])
def test_folders(tmp_path, fake_data, form):
    """Ids with folders, dots and spaces stay themselves, and a geometry fits clean pictures to the stored ones."""
    fake_data.folder(tmp_path / "x", {"a cat": 4, "dog": 3})
    (tmp_path / "x/a cat/inner.v2").mkdir()
    (tmp_path / "x/a cat/a cat-1.png").rename(tmp_path / "x/a cat/inner.v2/a.b.png")
    data, geometry = f'folder("{tmp_path / "x"}")', "geometry(resize=12, crop=8)"
    make(tmp_path / "c", form, ["patchdrop(0.5, grid=4)"], data, geometry=geometry)
    source = load_dataset(data)

    dataset = load_dataset(f'folder_c("{tmp_path / "c"}", clean="{tmp_path / "x"}")')

    assert source.ids == dataset.ids == dataset.view("patchdrop-grid-4", 0.5).ids
    assert "a cat/inner.v2/a.b" in dataset.ids
    assert (
        (7, 3, 8, 8)
        == dataset.batch(0, 7).images.shape
        == dataset.view("patchdrop-grid-4", 0.5).batch(0, 7).images.shape
    )


def test_cifar(tmp_path, fake_data):
    """In the published layout: `cifar10_c` reads it, by name, in the order of the test images."""
    fake_data.cifar(tmp_path, 10, n=30)
    data = f'cifar10("{tmp_path}")'
    make(tmp_path / "c", "npy", ["clean", *(f"brightness({s}, variant=cifar_c)" for s in range(1, 6))], data)
    dataset, source = load_dataset(f'cifar10_c("{tmp_path / "c"}")'), load_dataset(data)
    published = np.load(tmp_path / "c" / "brightness.npy")

    assert (150, 32, 32, 3) == published.shape
    assert [index % 10 for index in range(30)] * 5 == np.load(tmp_path / "c" / "labels.npy").tolist()
    assert source.ids == dataset.ids
    assert same(images("brightness(4, variant=cifar_c)", data, 30), read(dataset.view("brightness", 4)))
    made = images("brightness(4, variant=cifar_c)", data, 30)
    assert all(np.array_equal(made[f"test/{i:05d}"].permute(1, 2, 0), published[90 + i]) for i in range(30))
    assert same(images("clean", data, 30), read(dataset))
    (tmp_path / "c" / "manifest.json").unlink()  # as everybody else would read it
    assert same(made, read(load_dataset(f'cifar10_c("{tmp_path / "c"}")').view("brightness", 4)))


def test_imagenet(tmp_path, fake_data):
    """In the published layout: `imagenet_c` reads it; JPEG as ImageNet-C was saved."""
    fake_data.folder(tmp_path / "val", {"n01440764": 2, "n15075141": 3})
    (tmp_path / "val/n01440764/n01440764-0.png").rename(tmp_path / "val/n01440764/ILSVRC2012_val_00000003.png")
    data, geometry = f'imagenet("{tmp_path / "val"}")', "geometry(resize=12, crop=8)"
    make(tmp_path / "c", "jpeg85", ["clean", "shuffle(2)"], data, geometry=geometry)
    dataset, source = load_dataset(f'imagenet_c("{tmp_path / "c"}")'), load_dataset(data)

    assert source.ids == dataset.ids
    assert torch.equal(source.labels, dataset.view("shuffle", 2).labels)
    source.geometry = Geometry.parse(geometry)
    assert same(read(source), read(dataset))  # clean images lose nothing
    assert (tmp_path / "c/shuffle/2/n01440764/ILSVRC2012_val_00000003.JPEG").exists()
    with Image.open(tmp_path / "c/shuffle/2/n15075141/n15075141-1.JPEG") as picture:
        assert ("JPEG", (8, 8)) == (picture.format, picture.size)
        assert 5 == picture.quantization[0][0]  # 16 at quality 50, times 2 − 2·0.85


def test_the_manifest_tells_everything_but_where(tmp_path):
    """Data, seed, geometry, canonical perturbations, versions; no path."""
    made = make(tmp_path / "c", seed=3, limit=20)
    text = (tmp_path / "c" / "manifest.json").read_text()
    manifest = json.loads(text)

    assert made.to_json() == manifest
    assert ["shapetex(n=300)", 20, 3, "none", "png", True, "cpu"] == [
        manifest[name] for name in ("data", "n", "seed", "geometry", "format", "clean", "device")
    ]
    assert "ratio=0.25, region=random" in manifest["conditions"]["patchdrop"]["0.25"]
    assert {"robustbench_vit", "torch", "pillow", "patchdrop", "mask", "shuffle"} <= set(manifest["versions"])
    assert str(tmp_path) not in text


def test_a_limit_is_a_prefix(tmp_path):
    """The first N samples of the canonical order."""
    make(tmp_path / "c", "npy", ["shuffle(4)"], limit=20)

    dataset = load_dataset(f'folder_c("{tmp_path / "c"}")')

    assert set(load_dataset(DATA).ids[:20]) == set(dataset.ids)
    assert same(images("shuffle(4)", n=20), read(dataset.view("shuffle", 4)))


# ── what does not fit ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_does_not_fit_is_found_before_anything_is_written(tmp_path):
    """As an error, or left out where the suite says it is optional."""
    said = []

    class Told:
        """Progress that keeps what is said."""

        total = advance = staticmethod(lambda *_: None)
        say = staticmethod(said.append)

    with pytest.raises(CaseError, match="a 7×7 grid does not divide 64×64 images"):
        make(tmp_path / "c", specs=["shuffle(4)", "shuffle(7)"])
    assert not (tmp_path / "c").exists()
    cases = [Case("shuffle(4)"), Case("shuffle(7)", tags=("optional",))]
    assert {"shuffle": {"4": "shuffle(compat=none, grid=4)"}} == make(
        tmp_path / "c", cases=cases, limit=5, progress=Told()
    ).conditions
    assert said[0].startswith("shuffle(grid=7): left out, a 7×7 grid does not divide")
    with pytest.raises(SpecError, match="there is nothing to make; give --suite NAME or --perturbation SPEC that fits"):
        make(tmp_path / "d", cases=cases[1:])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 1}, "its seed is 0 and would be 1"),
        ({"specs": ["shuffle(4)"]}, "its clean is true and would be false .*conditions"),
        ({"data": "shapetex(n=300, seed=1)"}, r'its data is "shapetex\(n=300\)" and would be "shapetex\(n=300, seed=1'),
        ({"form": "npy"}, 'its format is "png" and would be "npy"'),
        ({"limit": 6}, "its n is 5 and would be 6"),
        ({"geometry": "geometry(crop=32)"}, "its geometry is"),
    ],
)
def test_another_set_in_the_same_folder(tmp_path, changes, named):
    """What differs is named, and nothing is touched."""
    make(tmp_path / "c", limit=5)
    before = content(tmp_path / "c")

    with pytest.raises(StoreError, match=f"holds another set: {named}.*; choose another folder"):
        make(tmp_path / "c", **{"limit": 5, **changes})

    assert before == content(tmp_path / "c")


def test_a_folder_with_other_files(tmp_path):
    """Nobody's pictures are mixed with ours."""
    (tmp_path / "cat").mkdir()

    with pytest.raises(StoreError, match="holds other files, such as cat; choose an empty folder"):
        make(tmp_path, limit=5)


def test_two_at_once(tmp_path):
    """The second says so."""
    with FileLock(tmp_path / ".lock"), pytest.raises(StoreError, match="another process is making a set in"):
        make(tmp_path, limit=5)


def test_a_broken_picture_stops_and_loses_nothing(tmp_path, fake_data):
    """Replaced, the same command finishes the set."""
    fake_data.folder(tmp_path / "x", {"cat": 300, "dog": 2})
    data, options = f'folder("{tmp_path / "x"}")', {"geometry": "none", "specs": ["shuffle(2)"]}
    source = load_dataset(data)
    broken = tmp_path / "x" / f"{source.ids[290]}.png"
    whole = broken.read_bytes()
    size = len(whole)
    broken.write_bytes(whole[: size // 2] + bytes(size - size // 2))
    with pytest.raises(DataError, match="cannot decode"):
        make(tmp_path / "c", data=data, **options)
    kept = content(tmp_path / "c")
    broken.write_bytes(whole)

    with pytest.raises(StoreError, match="its digest is"):  # other bytes are other data
        make(tmp_path / "c", data=data, **options)
    assert 256 == sum(name.endswith(".png") for name in kept)


# ── resumed ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["png", "npy"])
def test_a_finished_set_is_left_alone(tmp_path, form, monkeypatch):
    """Nothing is decoded but the first image, nothing is written again."""
    make(tmp_path / "c", form)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "c").rglob("*.[pn][np][gy]")}
    data = load_dataset(DATA)
    decoded = []
    batch = data.batch
    monkeypatch.setattr(data, "batch", lambda *a: decoded.append(a[:2]) or batch(*a))

    make(tmp_path / "c", form, data=data)

    assert [(0, 1)] == decoded
    after = {file: file.stat().st_mtime_ns for file in before}
    assert {name: time for name, time in before.items() if name.name != "labels.npy"} == {
        name: time for name, time in after.items() if name.name != "labels.npy"
    }


@pytest.mark.parametrize("form", ["png", "npy"])
def test_what_was_deleted_is_made_again(tmp_path, form):
    """And an empty file, as a power failure leaves it, counts as deleted."""
    make(tmp_path / "c", form)
    before = content(tmp_path / "c")
    files = sorted(name for name in before if name.startswith("shuffle"))
    (tmp_path / "c" / files[0]).unlink()
    if form == "png":
        (tmp_path / "c" / files[1]).write_bytes(b"")
    make(tmp_path / "c", form)

    assert before == content(tmp_path / "c")


@pytest.mark.parametrize("form", ["png", "npy"])
@pytest.mark.parametrize("after", [1, 3, 7, 8])
def test_broken_off_anywhere(tmp_path, form, after):
    """The same command finishes the set, byte for byte."""
    make(tmp_path / "whole", form)

    class Enough:
        """Progress that ends the run after some conditions of some blocks."""

        left = after
        total = say = staticmethod(lambda *_: None)

        def advance(self, *_):
            """Count."""
            Enough.left -= 1
            if not Enough.left:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "broken", form, progress=Enough())
    assert content(tmp_path / "whole") != content(tmp_path / "broken")
    make(tmp_path / "broken", form)

    assert content(tmp_path / "whole") == content(tmp_path / "broken")
    assert [".lock"] == [file.name for file in (tmp_path / "broken").rglob(".*")]


def test_an_unfinished_set_says_so(tmp_path):
    """Conditions that are whole can be read."""
    make(tmp_path / "c", specs=["shuffle(2)", "shuffle(4)"], limit=20)
    next((tmp_path / "c/shuffle/4").rglob("*.png")).unlink()
    dataset = load_dataset(f'folder_c("{tmp_path / "c"}")')

    assert 20 == len(dataset.view("shuffle", 2))
    with pytest.raises(DataError, match=r"lacks 1 of 20 pictures, .*run the same `make corrupted` command again"):
        dataset.view("shuffle", 4)


@pytest.mark.parametrize(("form", "call"), [("png", "pathlib.Path.replace"), ("npy", "os.pwrite")])
def test_full_disk(tmp_path, form, call, monkeypatch):
    """A sentence; everything finished is kept, and no temporary file remains."""
    make(tmp_path / "whole", form)
    room = [700]
    module, name = (os, "pwrite") if form == "npy" else (Path, "replace")
    real = getattr(module, name)

    def full(*arguments):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, full)
        with pytest.raises(StoreError, match=r"cannot write .*No space left on device; make room .* is kept"):
            make(tmp_path / "c", form)
    assert [] == list((tmp_path / "c").rglob("*.tmp"))
    make(tmp_path / "c", form)

    assert content(tmp_path / "whole") == content(tmp_path / "c")


SCRIPT = """
import sys
from pathlib import Path
import torch
from robustbench_vit.data import load_dataset
from robustbench_vit.evaluation.options import Options
from robustbench_vit.make.corrupted import make_corrupted
from robustbench_vit.suite import Case

class Told:
    total = say = staticmethod(lambda *_: None)

    def advance(self, images, what):
        print(what, flush=True)

torch.set_num_threads(1)
cases = [Case(), Case("patchdrop(0.5)"), Case("shuffle(4)")]
make_corrupted(load_dataset("shapetex(n=800)"), cases, Path(sys.argv[1]), sys.argv[2], Options(device="cpu"), Told())
"""


@pytest.mark.parametrize("form", ["png", "npy"])
def test_killed(tmp_path, form):
    """Killed within a block, and within a later one, the same command ends in the same bytes."""

    def start(out):
        arguments = [sys.executable, "-c", SCRIPT, str(out), form]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})

    for conditions in (2, 5):
        with start(tmp_path / "killed") as process:
            assert all(process.stdout.readline() for _ in range(conditions))
            process.send_signal(signal.SIGKILL)
    with start(tmp_path / "killed") as process:
        assert process.stdout.read()
    make(tmp_path / "whole", form, ["clean", "patchdrop(0.5)", "shuffle(4)"], "shapetex(n=800)")

    assert content(tmp_path / "whole") == content(tmp_path / "killed")
