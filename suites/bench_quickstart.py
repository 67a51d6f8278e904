"""Every family of this package in a few minutes: the embedded data set, three small trained models, a CPU.

Ratios, bands and grids are thinned out; the suites named after the families have the full grids.
"""

import pytest

from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite(
    "quickstart",
    version=1,
    summary="a little of every family on the embedded data set and models",
    models=("zoo:resnet_xs", "zoo:vit_xs", "zoo:vit_xs_nopos"),
    data="shapetex",
    limit=500,
)


def bench_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("center", [0.1, 0.3, 0.5, 0.7, 0.9])
def bench_fourier_noise(center):
    """Band-limited noise from low to high frequency."""
    return Case(Spec("fourier_noise", {"center": center, "rms": 0.15}))


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("region", ["random", "salient", "background"])
def bench_patchdrop(region, ratio):
    """Occlusion of equal area; the true object masks say what is salient."""
    saliency = {} if region == "random" else {"saliency": "mask"}
    return Case(Spec("patchdrop", {"region": region, "ratio": ratio, **saliency}))


@pytest.mark.parametrize("grid", [2, 4, 8])
def bench_shuffle(grid):
    """Patches in another order."""
    return Case(Spec("shuffle", {"grid": grid}))
