"""``corruptions`` on its published subset: the first 5,000 samples of the canonical order, all 75 cells.

The order is a function of the sample ids (classes in turn, within a class by blake2b of the id), so of the ImageNet
validation set everybody gets the same 5,000 images, five a class, and its rows are part of those of ``corruptions``.
``--limit 1000`` takes one image a class.
"""

import pytest

from robustbench_vit.perturbations.corruption_catalog import BENCHMARK
from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite(
    "corruptions_subset",
    version=1,
    summary="the 15 common corruptions × 5 severities on the first 5,000 samples",
    limit=5000,
)


def bench_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("corruption", BENCHMARK)
def bench_corruption(corruption, severity):
    """One cell of the grid."""
    return Case(Spec(corruption, {"severity": severity}))
