"""CIFAR-10-C made on the fly (Hendrycks & Dietterich, ICLR 2019): 15 corruptions at 5 severities, constants for 32.

For the published files use ``corruptions_stored``, for pictures of 224×224 ``corruptions``.
"""

import pytest

from robustbench_vit.perturbations.corruption_catalog import BENCHMARK
from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite(
    "corruptions_cifar", version=1, summary="the 15 common corruptions × 5 severities, CIFAR-10-C's constants"
)


def bench_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("corruption", BENCHMARK)
def bench_corruption(corruption, severity):
    """One cell of the grid."""
    return Case(Spec(corruption, {"severity": severity, "variant": "cifar_c"}))
