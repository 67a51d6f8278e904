"""What attacks cost beside the bare forward and backward passes they need, in one run; and whether memory grows."""

import statistics
import time
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Context

IMAGES, ROUNDS = 32, 7
ATTACKS = (
    "fgsm(eps=8/255)",
    "pgd(eps=8/255, steps=10)",
    "pgd(eps=2, norm=l2, steps=10)",
    "apgd(eps=8/255, steps=10)",
    "apgd(eps=8/255, steps=10, loss=dlr_targeted, targets=2)",
    "square(eps=8/255, queries=100)",
    "worst([pgd(eps=8/255, steps=10), square(eps=8/255, queries=50)])",
    "min_eps(attack=pgd(steps=5), grid=[2/255, 8/255])",
)


class Recorder:
    """A model that notes the size of each batch it sees, and whether a gradient is wanted."""

    def __init__(self, model):
        self.model, self.seen = model, []

    def __call__(self, images):
        """Note and pass on."""
        self.seen.append((len(images), images.requires_grad))
        return self.model(images)


@pytest.fixture(scope="module", params=["timm:resnet18", "zoo:vit_xs"])
def setting(request):
    """A network and a batch that fits it."""
    small = request.param.startswith("zoo")
    spec = request.param if small else f"{request.param}(pretrained=false, num_classes=10, input_size=64)"
    return load_model(spec), load_dataset("shapetex").batch(0, IMAGES)


def bare(model, images, seen):
    """The same passes over batches of the same sizes, and nothing else."""
    for size, backward in seen:
        pixels = images[:size].clone()
        if backward:
            pixels.requires_grad_()
            logits = model(pixels)
            torch.autograd.grad(logits.sum(), pixels)
        else:
            with torch.no_grad():
                model(pixels)


@pytest.mark.parametrize("spec", ATTACKS)
def test_an_attack_against_its_passes(benchmark, setting, spec):
    """Rounds alternate, so that both see the same machine; the ratio of medians is reported."""
    model, block = setting
    # What the model answers is right, so that attacks have something to do.
    images = block.images.float() / 255
    with torch.no_grad():
        labels = model(images).argmax(1)
    attack, recorder = Perturbation.bind(spec), Recorder(model)
    attack(block.images, block.ids, context=Context(model=recorder, labels=labels))
    bares, attacks = [], []

    def both():
        began = time.perf_counter()
        bare(model, images, recorder.seen)
        middle = time.perf_counter()
        attack(block.images, block.ids, context=Context(model=model, labels=labels))
        bares.append(middle - began)
        attacks.append(time.perf_counter() - middle)

    benchmark.pedantic(both, rounds=ROUNDS, warmup_rounds=1)
    ratios = sorted(a / b for a, b in zip(attacks, bares, strict=True))
    benchmark.extra_info["attack over bare passes"] = {
        "median": round(statistics.median(ratios), 4),
        "lowest": round(ratios[0], 4),
        "highest": round(ratios[-1], 4),
        "passes": len(recorder.seen),
        "images": round(float(Fraction(sum(size for size, _ in recorder.seen), IMAGES)), 1),
    }
    print(f"\n{spec}: attack / bare passes: {benchmark.extra_info['attack over bare passes']}")


def test_memory_does_not_grow(benchmark, setting):
    """Resident memory after many batches, beside that after a few."""
    model, block = setting
    attack = Perturbation.bind("worst([apgd(eps=4/255, steps=5), square(eps=4/255, queries=20)])")

    def resident():
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * 4096 / 2**20

    def batch():
        attack(block.images, block.ids, context=Context(model=model, labels=block.labels))

    for _ in range(5):
        batch()
    before = resident()
    benchmark.pedantic(batch, rounds=30)
    benchmark.extra_info["MiB more after 30 batches"] = round(resident() - before, 1)
    print(f"\nMiB more after 30 batches: {benchmark.extra_info['MiB more after 30 batches']}")
    assert resident() - before < 64
