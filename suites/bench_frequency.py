"""Band-limited noise over the whole spectrum, at three strengths (Park & Kim, ICLR 2022, figure 2b)."""

import pytest

from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite("frequency", version=1, summary="noise of nine frequency bands at three strengths")


def bench_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("center", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
@pytest.mark.parametrize("rms", [0.05, 0.1, 0.2])
def bench_fourier_noise(rms, center):
    """One band of the spectrum; centre as a share of the Nyquist frequency, rms in [0,1] pixel units."""
    return Case(Spec("fourier_noise", {"center": center, "rms": rms}))
