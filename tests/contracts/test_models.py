"""Every row of the catalogue of models keeps the contract of `ImageModel`."""

import inspect
from pathlib import Path

import pytest
import torch

from robustbench_vit.catalog import Row
from robustbench_vit.models import MODELS, load_model
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.models.preprocessing import OVERRIDES
from robustbench_vit.zoo import ARCHITECTURES

# One spec a row that needs neither network nor weights.
SPECS = {
    "file": "{file}:net(mean=0.5, std=0.5, input_size=16)",
    "timm": "timm:test_vit(pretrained=false)",
    "torchvision": "torchvision:squeezenet1_1(weights=none)",
    "zoo:resnet_xs": "zoo:resnet_xs(pretrained=false)",
    "zoo:vit_xs": "zoo:vit_xs(pretrained=false)",
    "zoo:vit_xs_nopos": "zoo:vit_xs_nopos(pretrained=false)",
}

FILE = "from torch import nn\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 5))\n"


@pytest.fixture(params=sorted(SPECS))
def model(request: pytest.FixtureRequest, tmp_path: Path) -> ImageModel:
    """The model of one row."""
    file = tmp_path / "net.py"
    file.write_text(FILE)
    return load_model(SPECS[request.param].format(file=file))


def pixels(n: int) -> torch.Tensor:
    """Random images of a size that hardly any network takes."""
    return torch.rand(n, 3, 70, 70, generator=torch.Generator().manual_seed(0))


def test_every_row_is_tried() -> None:
    """A new row needs a spec here, a new network of the zoo needs a row."""
    assert sorted(SPECS) == [row.name for row in MODELS.builtin]
    assert sorted(ARCHITECTURES) == [name.removeprefix("zoo:") for name in MODELS.names if name.startswith("zoo:")]


@pytest.mark.parametrize("row", MODELS.builtin, ids=lambda row: row.name)
def test_row_and_signature_agree(row: Row) -> None:
    """The target takes what the row promises; preprocessing travels as keywords."""
    signature = inspect.signature(row.load()).parameters
    promised = {parameter.name: parameter.default for parameter in row.parameters if parameter.name not in OVERRIDES}

    assert any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.values())
    if row.name != "file":
        assert promised == {name: signature[name].default for name in promised}


@pytest.mark.parametrize("n", [1, 3])
def test_pixels_in_finite_logits_out(model: ImageModel, n: int) -> None:
    """For one image and for three, of any size; the pixels stay as they are."""
    images = pixels(n)

    logits = model(images)

    assert (n, model.num_classes) == logits.shape
    assert bool(logits.isfinite().all())
    assert torch.equal(pixels(n), images)


def test_alone_and_in_a_batch(model: ImageModel) -> None:
    """An image's logits do not depend on its company."""
    images = pixels(3)

    assert torch.allclose(model(images)[1:2], model(images[1:2]), atol=1e-4)


def test_evaluation_mode_and_frozen(model: ImageModel) -> None:
    """No dropout, no batch statistics, no gradients of weights."""
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_gradient_flows_to_the_pixels(model: ImageModel) -> None:
    """Attacks and saliency need it."""
    images = pixels(2).requires_grad_()

    # squeezenet ends in a ReLU, which random weights may silence for one class but not for all.
    model(images).logsumexp(dim=1).sum().backward()

    assert images.grad is not None
    assert bool(images.grad.isfinite().all())
    assert bool((images.grad.flatten(1).abs().amax(1) > 0).all())


def test_digest_follows_the_weights(model: ImageModel) -> None:
    """Loading again gives the same digest; one changed weight gives another."""
    before = model.digest()
    assert before == model.digest()

    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1

    assert before != model.digest()


def test_loading_again_gives_the_same_model(model: ImageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The display form of a model is a spec that loads it, where its files lie in the working folder."""
    monkeypatch.chdir(tmp_path)
    again = load_model(model.name)

    assert (model.digest(), model.name) == (again.digest(), again.name)


def test_native_geometry_is_known(model: ImageModel) -> None:
    """Every row's model can be run under ``geometry=native``."""
    from robustbench_vit.data.geometry import Geometry

    assert Geometry.parse(model.preprocessing.native()).crop == model.preprocessing.input_size[0]
