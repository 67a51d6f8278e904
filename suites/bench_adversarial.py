"""Adversarial attacks in pixels, with the accounting that makes robust accuracy mean something.

Two tiers: ``-k fast`` takes minutes, ``-k standard`` hours without a GPU, on the first 100 of the same images.
AutoAttack needs ``pip install 'robustbench_vit[attacks]'`` and is skipped without::

    robustbench-vit run adversarial -k fast
    robustbench-vit run adversarial --model timm:resnet50 --data "imagenet(/x)" --limit 1000

Accuracy is that of the worst case for each image, never a mean over attacks. Networks that were not trained against
attacks lose most images below 1/255; hence the small values of the grid.
"""

from fractions import Fraction

import pytest

from robustbench_vit.spec import Spec
from robustbench_vit.suite import EACH, Case, Suite

SUITE = Suite(
    "adversarial",
    version=1,
    summary="FGSM, PGD, the smallest eps that breaks each image, transfer; APGD, Square and AutoAttack as worst case",
    models=("zoo:resnet_xs", "zoo:vit_xs", "zoo:vit_xs_nopos"),
    data="shapetex",
    limit=500,
)

EPS = Fraction(4, 255)
GRID = tuple(Fraction(step) / 255 for step in ("0.1", "0.25", "0.5", "1", "2", "4", "8", "16"))
SUBSET = 100


def bench_fast_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("eps", ["1/255", "4/255"])
def bench_fast_fgsm(eps):
    """One step."""
    return Case(Spec("fgsm", {"eps": Fraction(eps)}))


@pytest.mark.parametrize("eps", ["1/255", "4/255"])
def bench_fast_pgd(eps):
    """Five steps, as Naseer et al. attack."""
    return Case(Spec("pgd", {"eps": Fraction(eps), "steps": 5}))


def bench_fast_min_eps():
    """The whole curve of robust accuracy over eps, from the smallest eps that breaks each image."""
    return Case(Spec("min_eps", {"attack": Spec("pgd", {"steps": 5}), "grid": GRID}))


def bench_fast_large_eps():
    """Every image may become the same grey: what is still right here was not attacked well.

    From the image itself, because noise of that size would break it without any gradient.
    """
    return Case(Spec("pgd", {"eps": Fraction(1, 2), "random_start": False}))


def bench_fast_transfer():
    """Every model of the run attacks, every model judges."""
    return Case(Spec("transfer", {"attack": Spec("pgd", {"eps": EPS}), "source": EACH}), limit=SUBSET)


def bench_standard_worst():
    """The worst of two gradient attacks and one that needs no gradient; all of it is ours."""
    attacks = (
        Spec("apgd", {"eps": EPS}),
        Spec("apgd", {"eps": EPS, "loss": "dlr_targeted"}),
        Spec("square", {"eps": EPS}),
    )
    return Case(Spec("worst", {"attacks": attacks}), limit=SUBSET)


def bench_standard_autoattack():
    """The published ensemble; skipped where torchattacks is missing, or there are fewer than four classes."""
    return Case(Spec("autoattack", {"eps": EPS}), limit=SUBSET, tags=("optional",))
