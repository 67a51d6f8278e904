"""`load_model` on timm, torchvision and zoo specs."""

import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from robustbench_vit.errors import ModelError, SpecError, UnknownNameError
from robustbench_vit.models import load_model, zoo
from robustbench_vit.models.preprocessing import HALF
from robustbench_vit.zoo import build


def test_timm_brings_its_preprocessing() -> None:
    """Mean, size and crop are those of timm's configuration."""
    model = load_model("timm:test_vit(pretrained=false)")

    assert ((160, 160), "bicubic", 0.95) == (
        model.preprocessing.input_size,
        model.preprocessing.interpolation,
        model.preprocessing.crop_pct,
    )
    assert 1000 == model.num_classes


def test_timm_checkpoint_and_overrides(tmp_path: Path) -> None:
    """Weights of the file, statistics of the spec, and a display name without defaults."""
    source = timm.create_model("test_vit", pretrained=False, num_classes=4)
    path = tmp_path / "weights.safetensors"
    save_file(source.state_dict(), path)

    model = load_model(
        f"timm:test_vit(num_classes=4, std=0.25, mean=[0.1, 0.2, 0.3], checkpoint={path}, crop_pct=none)"
    )

    images = torch.rand(2, 3, 160, 160)
    expected = source.eval()((images - torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1)) / 0.25)
    assert torch.allclose(expected, model(images), atol=1e-6)
    assert f"timm:test_vit(checkpoint={path.name}, mean=[0.1, 0.2, 0.3], num_classes=4, std=0.25)" == model.name


def test_timm_network_of_fixed_size_is_told_the_size() -> None:
    """A ViT takes another input size by resampling its positions."""
    model = load_model("timm:test_vit(pretrained=false, input_size=96)")

    assert 37 == model.network.pos_embed.shape[1]  # 6×6 patches of 16 and the class token
    assert (1, 1000) == model(torch.rand(1, 3, 96, 96)).shape


def test_timm_models_without_head_are_refused() -> None:
    """Features would pass for logits."""
    with pytest.raises(ModelError, match="has no classification head"):
        load_model("timm:vit_small_patch16_dinov3(pretrained=false)")


def test_timm_random_head_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretrained features under a fresh head are plausible nonsense."""
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **kwargs: create(name, **kwargs))

    with pytest.raises(ModelError, match="published with 1000 classes, so a head of 7 would be random"):
        load_model("timm:test_vit(num_classes=7)")


def test_timm_without_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the hub raises becomes one clear error."""

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)

    with pytest.raises(ModelError, match=r"timm cannot build test_vit: no route to host; give checkpoint=PATH"):
        load_model("timm:test_vit")


@pytest.mark.parametrize(
    ("spec", "close"),
    [
        ("timm:vit_tiny_patch16_225", "vit_tiny_patch16_224"),
        ("timm:resnet18.a4_in1k", "resnet18.a1_in1k"),
        ("torchvision:resnet51(weights=none)", "resnet50"),
        ("torchvision:resnet50(weights=IMAGENET1K_V3)", "IMAGENET1K_V[12]"),
        ("zoo:vit_xl", "zoo:vit_xs"),
        ("timm:test_vit(pretraind=false)", "pretrained"),
    ],
)
def test_unknown_names_answer_with_the_closest(spec: str, close: str) -> None:
    """Models, weights and parameters."""
    with pytest.raises(UnknownNameError, match=rf"did you mean .*{close}"):
        load_model(spec)


@pytest.mark.parametrize("spec", ["resnet50", "resnet50(pretrained=false)"])
def test_names_without_model_source_are_explained(spec: str) -> None:
    """The message lists the forms a model spec has."""
    with pytest.raises(SpecError, match=r"write timm:NAME, torchvision:NAME, zoo:NAME or path/to/file.py:function"):
        load_model(spec)


def test_preprocessing_is_checked_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in an argument costs no download."""
    monkeypatch.delattr(timm, "create_model")

    with pytest.raises(SpecError, match="mean must be a number or a list of three, got grey"):
        load_model("timm:test_vit(mean=grey)")


def test_torchvision_without_weights() -> None:
    """It keeps the preprocessing of the default weights and takes any number of classes."""
    model = load_model("torchvision:squeezenet1_1(weights=none, num_classes=6)")

    assert ((224, 224), 0.875, 6) == (model.preprocessing.input_size, model.preprocessing.crop_pct, model.num_classes)


def test_torchvision_published_weights_keep_their_classes() -> None:
    """Torchvision's own complaint, with the next step; nothing is fetched."""
    with pytest.raises(ModelError, match="leave num_classes out, or say weights=none"):
        load_model("torchvision:squeezenet1_1(num_classes=6)")


def test_zoo_checkpoint_brings_architecture_and_statistics(tmp_path: Path) -> None:
    """Both stand in the metadata that the training script writes."""
    architecture = {"num_classes": 7, "image_size": 28, "patch_size": 4}
    path = tmp_path / "weights.safetensors"
    metadata = {"architecture": json.dumps(architecture), "preprocessing": json.dumps({"mean": 0.25, "std": [1, 2, 3]})}
    save_file(build("vit_xs", **architecture).state_dict(), path, metadata)

    model = load_model(f"zoo:vit_xs(checkpoint={path})")

    assert (7, (28, 28)) == (model.num_classes, model.preprocessing.input_size)
    assert ((0.25,) * 3, (1.0, 2.0, 3.0)) == (model.preprocessing.mean, model.preprocessing.std)
    assert (2, 7) == model(torch.rand(2, 3, 28, 28)).shape


def test_zoo_untrained_is_the_same_every_time() -> None:
    """Its digest is stable, and the caller's random numbers are left alone."""
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    first = load_model("zoo:vit_xs(pretrained=false, num_classes=4, image_size=32, patch_size=4)")
    drawn = torch.rand(3)
    second = load_model("zoo:vit_xs(pretrained=false, num_classes=4, image_size=32, patch_size=4)")

    assert first.digest() == second.digest()
    assert torch.equal(expected, drawn)
    assert ((32, 32), HALF) == (first.preprocessing.input_size, first.preprocessing.mean)


def test_zoo_architecture_is_part_of_the_digest(tmp_path: Path) -> None:
    """The number of heads leaves no trace in the shapes of the weights."""
    digests = set()
    for heads in (2, 4):
        path = tmp_path / f"{heads}.safetensors"
        weights = {name: torch.zeros_like(tensor) for name, tensor in build("vit_xs").state_dict().items()}
        save_file(weights, path, {"architecture": json.dumps({"heads": heads})})
        digests.add(load_model(f"zoo:vit_xs(checkpoint={path})").digest())

    assert 2 == len(digests)


def test_zoo_without_shipped_weights_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A source checkout may come without them."""
    monkeypatch.setattr(zoo, "files", lambda _: tmp_path)

    with pytest.raises(ModelError, match=r"weights of zoo:vit_xs are not part.*train vit_xs.*pretrained=false"):
        load_model("zoo:vit_xs")


def test_real_vit_is_right_on_photographs(shared_data: Path) -> None:
    """ViT-Ti/16 names most of 40 photographs."""
    from robustbench_vit.data import load_dataset

    weights = shared_data / "weights" / "vit_tiny_patch16_224.safetensors"
    data = load_dataset(f"folder({shared_data / 'imagenet-samples'})")
    batch = data.batch(0, 40)
    model = load_model(f"timm:vit_tiny_patch16_224(checkpoint={weights}, mean=0.5, std=0.5)")

    with torch.no_grad():
        right = int((model(batch.images.float() / 255).argmax(1) == batch.labels).sum())

    assert right >= 28
