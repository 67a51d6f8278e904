"""The doctor finds what is planted, and finds nothing in a healthy model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from robustbench_vit.data import load_dataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.evaluation.doctor import Finding, examine, mcnemar
from robustbench_vit.models import load_model
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.models.preprocessing import HALF, IMAGENET_MEAN, IMAGENET_STD

CLASSES = 10


class Oracle(nn.Module):
    """Knows the labels of images it is shown with the right normalisation, by their first normalised pixels."""

    def __init__(self, data: Dataset, n: int) -> None:
        super().__init__()
        batch = data.batch(0, n)
        self.register_buffer("known", self.print_of((batch.images.float() / 255 - 0.5) / 0.5))
        self.labels = batch.labels

    @staticmethod
    def print_of(images: Tensor) -> Tensor:
        """N×48 fingerprint."""
        return images[:, :, :4, :4].flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """A logit of 5 for the label of an image that is known exactly, near 0 elsewhere."""
        distance = torch.cdist(self.print_of(images), self.known, compute_mode="donot_use_mm_for_euclid_dist")
        logits = torch.zeros(len(images), CLASSES)
        right = self.labels[distance.argmin(1)]
        logits[torch.arange(len(images)), right] = 5.0 * (distance.amin(1) < 1e-3)
        return logits + 1e-3 * images.mean(dim=(1, 2, 3))[:, None]


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Sixty small images."""
    return load_dataset("shapetex(n=60)")


def model(network: nn.Module, preprocessing: Preprocessing | None = None, num_classes: int = CLASSES) -> ImageModel:
    """A network with a name."""
    preprocessing = preprocessing or Preprocessing(HALF, HALF, None)
    return ImageModel(network, preprocessing, name="patient", num_classes=num_classes)


def found(findings: list[Finding], name: str) -> Finding:
    """The finding of a name."""
    return next(finding for finding in findings if finding.name == name)


def head(forward: Callable[[Tensor], Tensor]) -> nn.Module:
    """A network that is a function."""
    network = nn.Module()
    network.forward = forward  # type: ignore[method-assign]
    return network


def test_a_healthy_model_has_no_findings(data: Dataset) -> None:
    """Everything is ok, and every check reports."""
    findings = examine(model(Oracle(data, 60)), data, n=60)

    assert {"ok"} == {finding.status for finding in findings}
    assert [
        "evaluation mode",
        "classes",
        "input range",
        "outputs",
        "determinism",
        "accuracy",
        "normalisation",
        "geometry",
    ] == [finding.name for finding in findings]
    assert "top-1 100.0% on 60 images" in found(findings, "accuracy").detail


def test_the_wrong_normalisation_is_found(data: Dataset) -> None:
    """The better one is named with both accuracies."""
    findings = examine(model(Oracle(data, 60), Preprocessing(IMAGENET_MEAN, IMAGENET_STD, None)), data, n=60)

    finding = found(findings, "normalisation")
    assert "warning" == finding.status
    assert "100.0% with mean=0.5, std=0.5" in finding.detail


def test_the_wrong_geometry_is_found(data: Dataset) -> None:
    """A model whose own geometry serves it better than the data set's."""

    def forward(images: Tensor) -> Tensor:
        seen = images.shape[-1] == 32  # its own crop arrives unresized
        logits = torch.zeros(len(images), CLASSES)
        logits[torch.arange(len(images)), data.labels[counter[0] : counter[0] + len(images)] if seen else 0] = 1
        counter[0] += len(images) if seen else 0
        return logits + 1e-3 * images.mean(dim=(1, 2, 3))[:, None]

    counter = [0]
    patient = model(head(forward), Preprocessing(HALF, HALF, None))
    object.__setattr__(patient, "preprocessing", _AnySize(HALF, HALF, None))

    finding = found(examine(patient, data, n=60), "geometry")

    assert "warning" == finding.status
    assert "check geometry=native" in finding.detail


class _AnySize(Preprocessing):
    """A recipe for a network that does not have its images resized."""

    def native(self) -> str:
        """A crop of 32."""
        return "geometry(crop=32)"


def test_statistics_of_0_to_255_are_a_problem(data: Dataset) -> None:
    """They squeeze all pixels into one point."""
    findings = examine(model(Oracle(data, 60), Preprocessing((127.5,) * 3, (127.5,) * 3, None)), data, n=60)

    assert "problem" == found(findings, "input range").status


def test_training_mode_is_a_problem(data: Dataset) -> None:
    """The first module is named."""
    patient = load_model("zoo:resnet_xs(pretrained=false)")
    patient.network.stages.train()

    finding = found(examine(patient, data, n=20), "evaluation mode")

    assert "problem" == finding.status
    assert "first network.stages" in finding.detail


def test_sampling_is_a_problem(data: Dataset) -> None:
    """The same images twice give other logits."""
    findings = examine(model(head(lambda images: torch.rand(len(images), CLASSES))), data, n=20)

    assert "problem" == found(findings, "determinism").status


def test_batch_statistics_are_a_problem(data: Dataset) -> None:
    """An image must not depend on its company."""
    offset = torch.arange(float(CLASSES))
    findings = examine(
        model(head(lambda images: images.mean(dim=(1, 2, 3))[:, None] + len(images) * offset)), data, n=20
    )

    assert "look for batch statistics" in found(findings, "determinism").detail


@pytest.mark.parametrize(
    ("forward", "detail"),
    [
        (lambda images: torch.full((len(images), CLASSES), torch.nan), "NaN or infinite"),
        (lambda images: torch.ones(len(images), CLASSES), "the same logits"),
        (lambda images: torch.ones(len(images), 3), "forward pass fails: patient must return"),
    ],
)
def test_bad_outputs_are_a_problem(forward: Callable[[Tensor], Tensor], detail: str, data: Dataset) -> None:
    """NaN, constants, and shapes that are no logits."""
    finding = found(examine(model(head(forward)), data, n=20), "outputs")

    assert "problem" == finding.status
    assert detail in finding.detail


def test_other_classes_are_a_problem(data: Dataset) -> None:
    """Both sides are named, and accuracy is not looked at."""
    findings = examine("zoo:resnet_xs(pretrained=false, num_classes=3)", data, n=10)

    finding = found(findings, "classes")
    assert "problem" == finding.status
    assert "has 3 classes, shapetex (shapetex-10) has 10" in finding.detail
    assert "accuracy" not in [finding.name for finding in findings]


def test_chance_is_a_warning() -> None:
    """An untrained network on a spec of a data set."""
    finding = found(examine("zoo:resnet_xs(pretrained=false)", "shapetex(n=30)", n=30), "accuracy")

    assert "warning" == finding.status
    assert "not above chance" in finding.detail


@pytest.mark.parametrize(("lost", "won", "p"), [(0, 0, 1.0), (3, 3, 1.0), (0, 8, 2 / 256), (1, 9, 22 / 1024)])
def test_mcnemar_by_hand(lost: int, won: int, p: float) -> None:
    """Sums of binomial coefficients."""
    first = torch.tensor([True] * lost + [False] * won + [True] * 5)
    second = torch.tensor([False] * lost + [True] * won + [True] * 5)

    assert p == mcnemar(first, second)
