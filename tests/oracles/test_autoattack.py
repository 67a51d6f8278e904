"""The published ensemble beside its four attacks as torchattacks computes them, at the published number of steps."""

import time

import pytest
import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Context

library = pytest.importorskip("torchattacks")
EPS = 2 / 255


def official(model, images, labels):
    """The authors' order, each attack on what the former left; the library's own ensemble makes 10 steps only."""
    members = [
        library.APGD(model, eps=EPS, steps=100, seed=1),
        library.APGDT(model, eps=EPS, steps=100, seed=1, n_classes=10),
        library.FAB(model, eps=EPS, steps=100, seed=1, multi_targeted=True, n_classes=10),
        library.Square(model, eps=EPS, n_queries=5000, seed=1),
    ]
    return library.MultiAttack(members)(images, labels).detach()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True")
def test_robust_accuracy_is_that_of_torchattacks():
    """On 20 images and a small ViT, at most one image more survives ours than theirs; every image is in the ball."""
    model, block = load_model("zoo:vit_xs").eval(), load_dataset("shapetex").batch(0, 20)
    pixels = block.images.float() / 255
    with torch.no_grad():
        began = time.perf_counter()
        ours = Perturbation.bind("autoattack(eps=2/255)")(
            block.images, block.ids, context=Context(labels=block.labels, model=model)
        )
        middle = time.perf_counter()
        survive_ours = (model(ours.images).argmax(1) == block.labels).sum()
    theirs = official(model, pixels, block.labels)
    ended = time.perf_counter()
    with torch.no_grad():
        survive_theirs = (model(theirs).argmax(1) == block.labels).sum()
    print(
        f"survivors: ours {survive_ours}, theirs {survive_theirs} of 20; {middle - began:.0f} s, {ended - middle:.0f} s"
    )
    print("broken by:", [ours.words["broken_by"][code] for code in ours.columns["broken_by"].tolist()])
    print("forward:", ours.columns["forward_passes"].int().tolist())

    assert survive_ours <= survive_theirs + 1
    assert (ours.images - pixels).abs().max() <= EPS + 1e-6
