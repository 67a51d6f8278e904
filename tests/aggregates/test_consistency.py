"""Error consistency by hand, against torchmetrics, and on the trials of humans."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fake_runs import planned
from golden.make_shape_bias import stimuli
from torchmetrics.functional.classification import binary_cohen_kappa

from robustbench_vit.aggregates import Cell
from robustbench_vit.aggregates.consistency import (
    accuracy_difference,
    error_consistency,
    expected_consistency,
    observed_consistency,
)
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.accuracy import hits
from robustbench_vit.trials import read_trials


def cells(*correct: object) -> list[Cell]:
    """Decision makers that are right on these images."""
    return [Cell(planned(), np.asarray(one, dtype=np.float64)) for one in correct]


def test_by_hand() -> None:
    """Accuracies 3/4 and 2/4, together on 3 of 4: (3/4 − 1/2) / (1 − 1/2)."""
    pair = cells([1, 1, 1, 0], [1, 1, 0, 0])

    assert observed_consistency(pair).value == 3 / 4
    assert expected_consistency(pair).value == 3 / 4 * 1 / 2 + 1 / 4 * 1 / 2
    assert error_consistency(pair).value == 1 / 2


def test_agrees_with_torchmetrics() -> None:
    """Cohen's kappa of the two vectors of right and wrong."""
    generator = np.random.default_rng(1)
    one, two = generator.random((2, 300)) < [[0.7], [0.4]]
    expected = binary_cohen_kappa(torch.tensor(one).int(), torch.tensor(two).int()).item()

    assert error_consistency(cells(one, two)).value == pytest.approx(expected, abs=1e-6)


def test_several_pairs_count_alike() -> None:
    """Mean of 1 and 1/2, over the same images."""
    model, first, second = [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]

    assert error_consistency(cells(model, first, model, second)).value == pytest.approx(3 / 4)
    assert accuracy_difference(cells(model, first, model, second)).value == -1 / 8


@pytest.mark.parametrize(("one", "two"), [([1, 1], [1, 1]), ([0, 0], [0, 0])])
def test_nothing_beyond_chance_is_no_number(one: list[int], two: list[int]) -> None:
    """Who is always right agrees with his like whatever happens."""
    with pytest.raises(CaseError, match="both are right on all images, or both wrong"):
        error_consistency(cells(one, two))


def test_one_always_right_is_at_chance() -> None:
    """There is nothing to be consistent about, and κ is 0."""
    assert error_consistency(cells([1, 1, 1], [1, 0, 1])).value == 0


@pytest.fixture(scope="module")
def subjects(shared_data: Path) -> list[pd.DataFrame]:
    """Rows of the ten subjects."""
    asked, classes = stimuli(shared_data)
    return [one.of(asked, classes) for one in read_trials([str(shared_data / "human" / "cue_conflict_trials.csv")])]


def plain_kappa(shared_data: Path, one: str, two: str) -> float:
    """The formula of the paper in plain loops over the file."""
    table = pd.read_csv(shared_data / "human" / "cue_conflict_trials.csv", keep_default_na=False)
    right: dict[str, dict[str, bool]] = {one: {}, two: {}}
    for row in table.itertuples():
        if row.subject in right:
            right[row.subject][row.image] = row.response == row.shape
    same = sum(right[one][image] == right[two][image] for image in right[one]) / len(right[one])
    first, second = (sum(own.values()) / len(own) for own in right.values())
    chance = first * second + (1 - first) * (1 - second)
    return (same - chance) / (1 - chance)


def test_humans_agree_with_plain_loops(shared_data: Path, subjects: list[pd.DataFrame]) -> None:
    """Two pairs of subjects by loops over the file, all 45 by torchmetrics."""
    kappas = {
        (a, b): error_consistency(cells(hits(subjects[a]), hits(subjects[b]))).value
        for a, b in combinations(range(10), 2)
    }
    for (a, b), kappa in kappas.items():
        one, two = (torch.tensor(hits(subjects[place])).int() for place in (a, b))
        assert kappa == pytest.approx(binary_cohen_kappa(one, two).item(), abs=1e-5)

    assert kappas[0, 1] == pytest.approx(plain_kappa(shared_data, "subject-01", "subject-02"), abs=1e-12)
    assert kappas[3, 8] == pytest.approx(plain_kappa(shared_data, "subject-04", "subject-09"), abs=1e-12)
