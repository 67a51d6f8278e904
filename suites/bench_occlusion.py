"""PatchDrop (Naseer et al., NeurIPS 2021, section 3.1): random, salient and background, equal areas dropped."""

import pytest

from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite("occlusion", version=1, summary="random, salient and background PatchDrop, 10 % to 90 % of the area")

RATIOS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def bench_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("ratio", RATIOS)
def bench_random(ratio):
    """Cells at random, one mask an image."""
    return Case(Spec("patchdrop", {"region": "random", "ratio": ratio}))


@pytest.mark.parametrize("ratio", RATIOS)
def bench_salient(ratio):
    """The most salient cells first (spectral residual)."""
    return Case(Spec("patchdrop", {"region": "salient", "ratio": ratio}))


@pytest.mark.parametrize("ratio", RATIOS)
def bench_background(ratio):
    """The least salient cells first (spectral residual)."""
    return Case(Spec("patchdrop", {"region": "background", "ratio": ratio}))
