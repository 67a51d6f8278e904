"""Patch shuffling (Naseer et al., NeurIPS 2021, section 3.3), on the published grids."""

import pytest

from robustbench_vit.spec import Spec
from robustbench_vit.suite import Case, Suite

SUITE = Suite("shuffle", version=1, summary="the cells of seven grids in another order")


def bench_clean():
    """Images as they are."""
    return Case()


@pytest.mark.parametrize("grid", [(2, 2), (2, 4), (4, 4), (4, 8), (8, 8), (14, 14), (16, 16)], ids=str)
def bench_shuffle(grid):
    """One permutation an image; grids that do not divide the images are skipped."""
    return Case(Spec("shuffle", {"grid": grid}), tags=("optional",))
