"""Stored corruptions as published (Hendrycks & Dietterich, ICLR 2019): 15 by 5 severities, and the 4 extra ones.

The data are a stored set: `imagenet_c`, `cifar10_c`, `cifar100_c`, `tiny_imagenet_c`, or `folder_c` for a set of one's
own. Numbers on stored images and on images corrupted on the fly differ, and never share a row.
"""

import pytest

from robustbench_vit.perturbations.corruption_catalog import BENCHMARK, EXTRA
from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite("corruptions_stored", version=1, summary="19 stored corruptions at five severities, e.g. of ImageNet-C")


def bench_clean():
    """Uncorrupted images; skipped where the data set does not say where they are."""
    return Case(tags=("optional",))


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("corruption", BENCHMARK)
def bench_corruption(corruption, severity):
    """One of the 15 corruptions of the benchmark."""
    return Case(Spec("stored", {"corruption": corruption, "severity": severity}))


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("corruption", EXTRA)
def bench_extra(corruption, severity):
    """One of the 4 corruptions that do not enter the mean; skipped where the set does not hold it."""
    return Case(Spec("stored", {"corruption": corruption, "severity": severity}), tags=("optional", "extra"))
