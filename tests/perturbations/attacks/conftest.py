"""What tests of attacks share: a way to run one, small models whose answer is known, and the models of the zoo."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Batch, Context, Logits, Perturbed, Pixels


class Linear:
    """Logits W·x + b: distances to the decision boundary are known in closed form.

    Args:
        weights: K×D.
        bias: Shape (K,).
    """

    def __init__(self, weights: Tensor, bias: Tensor) -> None:
        self.weights, self.bias = weights, bias

    @classmethod
    def random(cls, classes: int, size: int, seed: int = 0) -> "Linear":
        """Normal weights for images of 3×size×size; gray has the same logits everywhere."""
        weights = torch.randn(classes, 3 * size * size, generator=torch.Generator().manual_seed(seed))
        return cls(weights, -0.5 * weights.sum(1))

    def __call__(self, pixels: Pixels) -> Logits:
        """N×3×H×W → N×K."""
        return pixels.flatten(1) @ self.weights.T + self.bias

    def distances(self, images: Pixels, labels: Tensor, norm: str) -> Tensor:
        """Shape (N,): the smallest change that makes another logit as large as the label's: margin over dual norm."""
        logits, weights, every = self(images).double(), self.weights.double(), torch.arange(len(images))
        margins = logits[every, labels][:, None] - logits
        differences = weights[labels][:, None] - weights
        dual = differences.abs().sum(2) if norm == "linf" else differences.square().sum(2).sqrt()
        return (margins / dual.clamp_min(1e-30)).scatter(1, labels[:, None], torch.inf).amin(1)


class Counting:
    """A model that counts how often it is shown each image, known by its last pixel.

    Args:
        model: Sees the images with the last pixel at 0.5.
        count: Number of images N; the i-th has (i + 1)/(N + 1) there, so eps must be below half of 1/(N + 1).
    """

    def __init__(self, model, count: int) -> None:
        self.model, self.count = model, count
        self.forward, self.backward = torch.zeros(count), torch.zeros(count)

    def marked(self, images: Pixels) -> Pixels:
        """Images with their numbers written into the last pixel."""
        images = images.clone()
        images[:, :, -1, -1] = ((torch.arange(len(images)) + 1) / (self.count + 1))[:, None]
        return images

    def __call__(self, pixels: Pixels) -> Logits:
        """N×3×H×W → N×K, and one more pass for each of them."""
        numbers = (pixels[:, 0, -1, -1].detach() * (self.count + 1)).round().long() - 1
        self.forward.index_add_(0, numbers, torch.ones(len(pixels)))
        if pixels.requires_grad:
            pixels.register_hook(lambda _: self._passed_back(numbers))
        hidden = torch.ones_like(pixels[0])
        hidden[:, -1, -1] = 0
        return self.model(pixels * hidden + 0.5 * (1 - hidden))

    def _passed_back(self, numbers: Tensor) -> None:
        self.backward.index_add_(0, numbers, torch.ones(len(numbers)))


class Attacks:
    """Ways to run an attack."""

    linear, counting = Linear, Counting

    @staticmethod
    def run(spec, model, images: Pixels, labels: Tensor, ids: Sequence[str] | None = None, seed: int = 0) -> Perturbed:
        """Attack float images; without ids they are called by their places."""
        names = tuple(map(str, range(len(images)))) if ids is None else tuple(ids)
        return Perturbation.bind(spec)(images, names, seed=seed, context=Context(model=model, labels=labels))

    @staticmethod
    def in_parts(spec, model, block: Batch, parts) -> Perturbed:
        """Attack some images of a block after the others, and put them back in order."""
        found = [
            Attacks.run(spec, model, block.images[part].float() / 255, block.labels[part], [block.ids[i] for i in part])
            for part in parts
        ]
        order = torch.tensor([i for part in parts for i in part]).argsort()
        columns = {name: torch.cat([one.columns[name] for one in found])[order] for name in found[0].columns}
        return Perturbed(torch.cat([one.images for one in found])[order], columns, found[0].words)

    @staticmethod
    def assert_same_broken(one: Perturbed, other: Perturbed) -> None:
        """At most 1 % of the images differ, and those were within rounding of the boundary."""
        left, right = (found.columns["broken_by"] == 0 for found in (one, other))
        margins = torch.minimum(one.columns["margin"].abs(), other.columns["margin"].abs())

        assert (left != right).float().mean() <= 0.01
        assert (margins[left != right] < 0.05).all()

    @staticmethod
    def robust_accuracy(found: Perturbed) -> float:
        """Share that nobody broke."""
        return float((found.columns["broken_by"] == 0).double().mean())


@pytest.fixture(scope="session")
def attacks() -> type[Attacks]:
    """Ways to run an attack, and models for it."""
    return Attacks


@pytest.fixture(scope="session")
def block() -> Batch:
    """The first 64 images of shapetex."""
    return load_dataset("shapetex").batch(0, 64)


@pytest.fixture(scope="session")
def vit():
    """A ViT of the zoo."""
    return load_model("zoo:vit_xs")


@pytest.fixture(scope="session")
def resnet():
    """A CNN of the zoo."""
    return load_model("zoo:resnet_xs")


@pytest.fixture(scope="session")
def gray():
    """Thirty-two images of 3×4×4 so near to gray that [0,1] does not bind, and two classes for them."""
    generator = torch.Generator().manual_seed(1)
    images = 0.5 + 0.05 * torch.randn(32, 3, 4, 4, generator=generator)
    model = Linear.random(2, 4)
    return model, images, model(images).argmax(1)
