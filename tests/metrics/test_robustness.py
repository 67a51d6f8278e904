"""Accuracy that an attack leaves, and the test that compares two attacks."""

import numpy as np
import pytest
from fake_runs import answers, broken
from scipy.stats import binomtest

from robustbench_vit.metrics import estimate, wilson
from robustbench_vit.metrics.mcnemar import mcnemar
from robustbench_vit.metrics.robustness import right, robust_accuracy, survivors


def test_only_what_was_never_wrong_counts() -> None:
    """Neither what a step broke and the last image did not, nor what was wrong before, nor what is when judged."""
    rows = broken("none pgd clean none").assign(pred=[0, 0, 0, 1])

    assert survivors(rows).tolist() == [1, 0, 0, 0]


def test_robust_accuracy_has_wilsons_interval() -> None:
    """Two of five."""
    (number,) = estimate([robust_accuracy(broken("none none pgd pgd clean"))])

    assert (number.value, number.n) == (0.4, 5)
    assert (number.low, number.high) == wilson(2, 5)


def test_without_an_attack_right_is_right() -> None:
    """Other perturbations break nothing."""
    assert right(answers(True, False)).tolist() == [1, 0]


def pair(only_one: int, only_two: int, both: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """What two attacks left, with so many images that only one of them left."""
    one = np.repeat([1.0, 0.0, 1.0, 0.0], [only_one, only_two, both, 2])
    two = np.repeat([0.0, 1.0, 1.0, 0.0], [only_one, only_two, both, 2])
    return one, two


@pytest.mark.parametrize(
    "discordant", [(0, 0), (1, 0), (0, 5), (3, 3), (9, 2), (2, 9), (40, 12), (700, 610), (5000, 4800), (900, 0)]
)
def test_mcnemar_is_the_two_sided_binomial_test(discordant: tuple[int, int]) -> None:
    """Of the images that only one gets right, as scipy has it."""
    expected = binomtest(discordant[0], sum(discordant), 0.5).pvalue if sum(discordant) else 1.0

    assert mcnemar(*pair(*discordant)) == pytest.approx(expected, rel=1e-9)


def test_images_that_both_have_right_say_nothing() -> None:
    """Only discordant pairs count."""
    assert mcnemar(*pair(9, 2, both=0)) == mcnemar(*pair(9, 2, both=1000))
