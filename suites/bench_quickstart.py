"""Every family of this package in a few minutes: the embedded data set, three small trained models, a CPU.

Ratios, bands and grids are thinned out; the suites named after the families have the full grids.
"""

import pytest

from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite(
    "quickstart",
    version=2,
    summary="a little of every family on the embedded data set and models",
    models=("zoo:resnet_xs", "zoo:vit_xs", "zoo:vit_xs_nopos"),
    data={"": "shapetex", "cue_conflict": "shapetex(conflict)"},
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


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("corruption", ["gaussian_noise", "defocus_blur", "frost", "jpeg_compression"])
def bench_corruption(corruption, severity):
    """One common corruption of each group, with the constants of ImageNet-C."""
    return Case(Spec(corruption, {"severity": severity}))


def bench_cue_conflict():
    """Shape against texture; skipped where the model has other classes than these images."""
    return Case(data="cue_conflict", tags=("optional",))
