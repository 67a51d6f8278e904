"""Native preprocessing equals the libraries' own, bit for bit."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from PIL import Image
from timm.data import create_transform
from timm.data.config import resolve_data_config
from torch import Tensor

from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.pictures import open_rgb, to_tensor
from robustbench_vit.errors import ModelError, SpecError
from robustbench_vit.models import timm as timm_models, torchvision as torchvision_models
from robustbench_vit.models.preprocessing import HALF, Preprocessing

# Bicubic 0.9, bicubic 0.875, bicubic 0.95, bilinear 0.875, squash at 1.0, squash at 0.9.
TIMM = (
    "vit_tiny_patch16_224",
    "tf_efficientnet_lite0",
    "resnet18.a1_in1k",
    "resnet18.tv_in1k",
    "eva_large_patch14_336.in22k_ft_in1k",
    "dm_nfnet_f0.dm_in1k",
)


def rendered(size: tuple[int, int]) -> Image.Image:
    """A picture with edges, ramps and noise; size is (width, height)."""
    generator = torch.Generator().manual_seed(0)
    width, height = size
    pixels = torch.randint(0, 256, (height, width, 3), generator=generator)
    pixels[: height // 2] = torch.arange(width)[None, :, None] % 256
    return Image.fromarray(pixels.to(torch.uint8).numpy())


def ours(preprocessing: Preprocessing, picture: Image.Image) -> Tensor:
    """The network's input by way of geometry and normalisation."""
    pixels = to_tensor(Geometry.parse(preprocessing.native()).apply(picture)).float() / 255
    return (pixels - torch.tensor(preprocessing.mean).view(3, 1, 1)) / torch.tensor(preprocessing.std).view(3, 1, 1)


def timm_recipe(name: str) -> tuple[Preprocessing, Callable[[Image.Image], Tensor]]:
    """Our reading of a model's configuration, and timm's."""
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    return timm_models.preprocessing_of(config), create_transform(**config, is_training=False)


@pytest.mark.parametrize("name", TIMM)
@pytest.mark.parametrize("size", [(300, 260), (260, 411), (64, 64)])
def test_native_is_timms_own_on_rendered_pictures(name: str, size: tuple[int, int]) -> None:
    """Larger, upright and smaller pictures come out as timm's validation makes them."""
    preprocessing, transform = timm_recipe(name)
    picture = rendered(size)

    assert torch.equal(transform(picture), ours(preprocessing, picture))


@pytest.mark.parametrize("name", TIMM)
def test_native_is_timms_own_on_photographs(name: str, shared_data: Path) -> None:
    """Real photographs come out as timm's validation makes them."""
    preprocessing, transform = timm_recipe(name)

    for file in sorted((shared_data / "imagenet-samples").glob("*/*.JPEG"))[::250]:
        picture = open_rgb(file)
        assert torch.equal(transform(picture), ours(preprocessing, picture))


def test_both_crop_modes_are_tried() -> None:
    """The list of models above covers both crop modes."""
    assert {"center", "squash"} == {timm_recipe(name)[0].crop_mode for name in TIMM}


def test_native_is_torchvisions_own() -> None:
    """Every published weight of every classifier keeps its resize and crop, and one is compared pixel by pixel."""
    for name in torchvision.models.list_models(module=torchvision.models):
        for weights in torchvision.models.get_model_weights(name):
            recipe = weights.transforms()
            geometry = Geometry.parse(torchvision_models.preprocessing_of(weights).native())
            assert (recipe.resize_size, recipe.crop_size) == ([geometry.resize], [geometry.crop])
            assert recipe.interpolation.value == geometry.interpolation

    weights = torchvision.models.ResNet50_Weights.IMAGENET1K_V2
    picture = rendered((300, 260))
    assert torch.equal(weights.transforms()(picture), ours(torchvision_models.preprocessing_of(weights), picture))


def test_overrides_replace_fields() -> None:
    """Numbers, lists and sizes as they stand in a spec; none keeps."""
    base = Preprocessing(HALF, HALF, (224, 224))

    changed = base.replaced({"mean": Fraction(1, 4), "std": (1, 2, 3), "input_size": 96, "crop_pct": None})

    assert Preprocessing((0.25, 0.25, 0.25), (1.0, 2.0, 3.0), (96, 96)) == changed


@pytest.mark.parametrize("value", [(1, 2), "grey", (1, 2, "x")])
def test_channels_are_one_or_three_numbers(value: object) -> None:
    """Anything else is named."""
    with pytest.raises(SpecError, match="mean must be a number or a list of three"):
        Preprocessing(HALF, HALF, None).replaced({"mean": value})


def test_zero_deviation_is_refused() -> None:
    """It would make every logit infinite."""
    with pytest.raises(ModelError, match="must be positive"):
        Preprocessing(HALF, (0.5, 0.5, 0.0), None)


def test_native_without_size_says_what_to_do() -> None:
    """A network of any size has no native geometry."""
    with pytest.raises(ModelError, match="give the model input_size"):
        Preprocessing(HALF, HALF, None).native()


def test_native_of_padding_recipes_is_refused() -> None:
    """Timm's border mode pads, which a resize and a crop cannot say."""
    with pytest.raises(ModelError, match="crop_mode=border"):
        Preprocessing(HALF, HALF, (224, 224), crop_mode="border").native()
