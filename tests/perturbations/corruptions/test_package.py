"""The package imagecorruptions as a backend, with a stand-in for it: the seeds, numpy's state, and the errors."""

import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from robustbench_vit.api import perturb
from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.corruptions import package as module

IMAGES = torch.randint(0, 256, (3, 3, 32, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))
SPEC = "{}(2, variant=imagecorruptions, backend=imagecorruptions)"


def given(name="gaussian_noise", images=IMAGES, ids=("a", "b", "c")):
    """What the stand-in gives, uint8."""
    return (perturb(images, SPEC.format(name), ids=ids) * 255).round().to(torch.uint8)


@pytest.fixture
def package(monkeypatch):
    """Adds what numpy's global generator draws; for impulse noise, what scikit-image is told to draw from."""
    util = SimpleNamespace(random_noise=lambda image, seed: np.random.default_rng(seed).integers(0, 9, image.shape))

    def corrupt(image, severity, name):
        field = util.random_noise(image) if name == "impulse_noise" else np.random.randint(0, 9, image.shape)
        return np.uint8(image // 2 + field * severity)

    monkeypatch.setitem(sys.modules, "skimage.util", util)
    monkeypatch.setitem(sys.modules, "imagecorruptions", SimpleNamespace(corrupt=corrupt))
    return util


@pytest.mark.parametrize("name", ["gaussian_noise", "impulse_noise"])
def test_each_image_has_its_own_seed(name, package):
    """Alone and together the same; under another id another field."""
    together = given(name)

    assert torch.equal(together[1:2], given(name, IMAGES[1:2], ("b",)))
    assert not torch.equal(together[1:2], given(name, IMAGES[1:2], ("d",)))
    assert ((together - IMAGES // 2) % 2 == 0).all()


def test_the_generators_are_put_back(package):
    """The global one goes on where it was, and scikit-image's function is the old one."""
    drawn = package.random_noise
    np.random.seed(7)
    expected = np.random.random(3)
    np.random.seed(7)
    given()

    assert expected.tolist() == np.random.random(3).tolist()
    assert drawn is package.random_noise


def test_a_failure_names_the_requirements(package, monkeypatch):
    """Whatever an old program raises among new libraries; the generators are put back all the same."""

    def corrupt(image, severity, name):
        raise TypeError("gaussian() got an unexpected keyword argument 'multichannel'")

    monkeypatch.setattr(sys.modules["imagecorruptions"], "corrupt", corrupt)
    before, drawn = np.random.get_state()[1].tolist(), package.random_noise

    with pytest.raises(CaseError, match=r"multichannel.*numpy<2, scikit-image==0\.19\.3, scipy<1\.15"):
        given()
    assert (before, drawn) == (np.random.get_state()[1].tolist(), package.random_noise)


def test_a_package_that_cannot_be_imported_names_the_requirements(monkeypatch):
    """None in `sys.modules` makes the import fail."""
    monkeypatch.setitem(sys.modules, "imagecorruptions", None)

    with pytest.raises(CaseError, match=r"cannot be imported.*robustbench_vit\[imagecorruptions\]"):
        given()


@pytest.mark.parametrize(
    "spec",
    ["fog(2, backend=imagecorruptions)", "fog(2, variant=imagecorruptions, exact=true, backend=imagecorruptions)"],
)
def test_other_settings_are_refused(spec):
    """The error says what to write."""
    with pytest.raises(CaseError, match=r"write fog\(2, variant=imagecorruptions, backend=imagecorruptions\)"):
        perturb(IMAGES, spec)


def test_small_images_are_refused():
    """The original takes 32 pixels a side and more."""
    with pytest.raises(CaseError, match="at least 32 pixels a side, got 32×31"):
        given(images=IMAGES[..., :31])


def test_the_requirements_named_are_those_of_the_extra():
    """The error's list and the extra in pyproject.toml are one."""
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())["project"]

    assert module._PINS == ", ".join(project["optional-dependencies"]["imagecorruptions"])
