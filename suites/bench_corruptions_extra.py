"""The 4 common corruptions that do not enter mCE: Hendrycks & Dietterich keep them for tuning."""

import pytest

from robustbench_vit.perturbations.corruption_catalog import EXTRA
from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite("corruptions_extra", version=1, summary="the 4 extra corruptions × 5 severities, ImageNet-C's constants")


def bench_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("corruption", EXTRA)
def bench_corruption(corruption, severity):
    """One cell of the grid."""
    return Case(Spec(corruption, {"severity": severity}))
