"""`ImageModel`: what networks may return, where gradients go, and what changes a digest."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from robustbench_vit.errors import ModelError
from robustbench_vit.models.image_model import ImageModel, Preprocessing

PREPROCESSING = Preprocessing((0.4, 0.5, 0.6), (0.2, 0.3, 0.4), (8, 8))


class Network(nn.Module):
    """A linear classifier whose output can be wrapped."""

    def __init__(self, wrap: Callable[[Tensor], Any] = lambda logits: logits) -> None:
        super().__init__()
        self.norm, self.head, self.wrap = nn.BatchNorm2d(3), nn.Linear(3 * 64, 5), wrap

    def forward(self, images: Tensor) -> Any:
        """Logits in the chosen wrapping."""
        return self.wrap(self.head(self.norm(images).flatten(1)))


def model(wrap: Callable[[Tensor], Any] = lambda logits: logits, num_classes: int = 5) -> ImageModel:
    """A model with the same weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ImageModel(Network(wrap), PREPROCESSING, name="toy", num_classes=num_classes)


def pixels(n: int = 2, size: int = 8) -> Tensor:
    """Random images."""
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda logits: [logits],
        lambda logits: (torch.tensor(0.5), logits, torch.zeros(2, 7, 3)),
        lambda logits: {"logits": logits, "hidden": torch.zeros(2, 5)},
        lambda logits: (logits, torch.zeros(2, 9)),
    ],
    ids=["list", "loss and logits", "mapping", "logits and features"],
)
def test_wrapped_logits_are_found(wrap: Callable[[Tensor], Any]) -> None:
    """Lists, tuples and mappings with one N×K entry mean that entry."""
    assert torch.equal(model()(pixels()), model(wrap)(pixels()))


@pytest.mark.parametrize(
    ("wrap", "came"),
    [
        (lambda logits: logits[:, :4], "2×4"),
        (lambda logits: logits[0], "got 5 of"),
        (lambda logits: (logits, logits), "tuple"),
        (lambda logits: {"scores": logits}, "scores: 2×5"),
        (lambda logits: logits.long(), "int64"),
        (lambda _: None, "NoneType"),
    ],
)
def test_other_outputs_are_named(wrap: Callable[[Tensor], Any], came: str) -> None:
    """The message says what was expected and what came."""
    with pytest.raises(ModelError, match=rf"toy must return 2×5 logits.*{came}"):
        model(wrap)(pixels())


def test_wrong_class_count_is_named() -> None:
    """A head of another size is no model for these labels."""
    with pytest.raises(ModelError, match="must return 2×10 logits, got 2×5"):
        model(num_classes=10)(pixels())


def test_integers_are_refused() -> None:
    """8-bit pixels would pass through normalisation unnoticed."""
    with pytest.raises(ModelError, match="divide 8-bit images by 255"):
        model()(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize("size", [8, 20])
def test_gradient_reaches_the_pixels_and_leaves_them_alone(size: int) -> None:
    """Also through the resize; the input tensor keeps its values."""
    images = pixels(size=size)
    before = images.clone()
    images.requires_grad_()

    model()(images).sum().backward()

    assert images.grad is not None
    assert bool((images.grad != 0).any())
    assert torch.equal(before, images.detach())


def test_pixels_are_normalised_once() -> None:
    """The network sees (pixels − mean) / std."""
    seen: list[Tensor] = []
    ours = model()
    ours.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))

    ours(pixels())

    mean, std = torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1), torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)
    assert torch.equal((pixels() - mean) / std, seen[0])


def test_evaluation_mode_from_the_start() -> None:
    """Every module, the wrapper included."""
    assert not any(module.training for module in model().modules())


def test_digest_is_a_function_of_weights_and_preprocessing() -> None:
    """Two equal models share it; the name does not enter."""
    first, second = model(), model()
    second.name = "other"

    assert first.digest() == second.digest()


def test_tensors_changed_behind_autograd_change_the_digest() -> None:
    """As a swap of averaged weights does."""
    ours = model()
    before = ours.digest()

    ours.network.head.weight.data.mul_(2)

    assert before != ours.digest()


def test_settings_without_state_change_the_digest() -> None:
    """A network built in Python is more than its tensors: its class and its settings count."""

    class Scaled(nn.Module):
        def __init__(self, scale: float) -> None:
            super().__init__()
            self.scale = scale

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean((2, 3)) * self.scale

    first, second = (ImageModel(Scaled(scale), PREPROCESSING, name="x", num_classes=3) for scale in (1.0, 2.0))

    assert first.digest() != second.digest()
    assert not first.verified  # nothing shows that these settings are all there is


@pytest.mark.parametrize("name", ["norm.running_mean", "norm.weight", "head.bias", "norm.num_batches_tracked"])
def test_a_changed_tensor_changes_the_digest(name: str) -> None:
    """Parameters, buffers and scalars, changed in place after the first call."""
    ours = model()
    before = ours.digest()

    with torch.no_grad():
        ours.network.state_dict()[name].add_(1)

    assert before != ours.digest()


def test_a_replaced_layer_changes_the_digest() -> None:
    """Even where the new tensors have the shape of the old."""
    ours = model()
    before = ours.digest()

    ours.network.head = nn.Linear(3 * 64, 5)

    assert before != ours.digest()


def test_source_and_preprocessing_change_the_digest() -> None:
    """The same weights in another wrapping are another model."""
    network = model().network
    others = [
        ImageModel(network, PREPROCESSING, name="toy", num_classes=5, source="other"),
        ImageModel(network, PREPROCESSING.replaced({"mean": 0}), name="toy", num_classes=5),
        ImageModel(copy.deepcopy(network).bfloat16(), PREPROCESSING, name="toy", num_classes=5),
    ]

    assert len({model().digest(), *(other.digest() for other in others)}) == 4


def test_number_of_parameters() -> None:
    """Buffers do not count."""
    assert 2 * 3 + 3 * 64 * 5 + 5 == model().num_parameters
