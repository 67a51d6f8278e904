"""Shape bias by hand, and on the published trials."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_runs import cue_conflict
from golden.make_shape_bias import stimuli

from robustbench_vit.errors import CaseError
from robustbench_vit.metrics import estimate, wilson
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.metrics.shape_bias import (
    category_shape_bias,
    shape_bias,
    shape_bias_classmean,
    shape_decisions,
    texture_decisions,
)
from robustbench_vit.trials import Trials, read_trials

TRIALS = "cdc cdd cdo cod ocd oco doo ccc odd"
"""Two decided for the shape, three for the texture, three for neither, and one without conflict."""


def rows(decisions: str) -> pd.DataFrame:
    """Rows of these decisions."""
    return cue_conflict(decisions)[1]


def test_by_hand() -> None:
    """Two of the five that are for either cue."""
    found = shape_bias(rows(TRIALS))

    assert (found.value, len(found)) == (2 / 5, 8)
    assert found.remark == "8 trials with conflict, 1 without left out"
    assert (shape_decisions(rows(TRIALS)).value, texture_decisions(rows(TRIALS)).value) == (2 / 8, 3 / 8)


def test_class_mean_weighs_shape_classes_alike() -> None:
    """Cats 1/2, dogs 0/1, owls 1/2."""
    assert shape_bias_classmean(rows(TRIALS)).value == pytest.approx((1 / 2 + 0 + 1 / 2) / 3)


def test_classes_without_a_decision_are_left_out_and_said_to_be() -> None:
    """Of dogs nothing is known."""
    found = shape_bias_classmean(rows("cdc cdd doc oco"))

    assert found.value == pytest.approx((1 / 2 + 1) / 2)
    assert found.remark.endswith("; 1 of 3 categories without a decision for either cue left out")


def test_no_decision_in_time_is_neither() -> None:
    """Negative classes are never a cue."""
    late = rows("cdc cdd cdd").assign(pred=[0, 1, -1])

    assert shape_bias(late).value == 1 / 2
    assert texture_decisions(late).value == 1 / 3


@pytest.mark.parametrize("metric", [shape_bias, shape_bias_classmean, shape_decisions, texture_decisions])
def test_without_conflict_there_is_no_number(metric: object) -> None:
    """Both cues say the same."""
    with pytest.raises(CaseError, match="no image has a texture of another class than its shape"):
        metric(rows("ccc ddo"))


@pytest.mark.parametrize("metric", [shape_bias, shape_bias_classmean, category_shape_bias])
def test_without_a_decision_for_either_there_is_no_number(metric: object) -> None:
    """0 of 0."""
    with pytest.raises(CaseError, match="none of 2 images with conflicting cues was classified by either"):
        metric(rows("cdo doc ccc"))


def test_a_category_decided_one_way_has_an_interval() -> None:
    """0 of 4; images decided for neither say nothing."""
    (found,) = estimate([category_shape_bias(rows("cdd cdd cdd cdd cdo"))])

    assert found == (0.0, *wilson(0, 4), 5)


def test_several_decision_makers_are_resampled_by_image() -> None:
    """Their counts add up, and each image counts once."""
    one, two = rows("cdc cdd cod"), rows("cdc cdc coo")
    together = shape_bias(pd.concat([one, two])).averaged(2)

    assert together.value == pytest.approx(3 / 5)
    assert together.values.tolist() == [[1, 0], [0.5, 0.5], [0, 0.5]]


def test_one_decision_maker_is_left_as_it_is() -> None:
    """Wilson's interval included."""
    found = Contributions(np.ones(3), proportion=True)

    assert found.averaged(1) is found


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict[str, list[pd.DataFrame]]:
    """Rows of the published trials: each network, and ``humans``."""
    asked, classes = stimuli(shared_data)
    files = [str(shared_data / "human" / f"cue_conflict_{kind}trials.csv") for kind in ("", "cnn_")]
    found: dict[str, list[pd.DataFrame]] = {}

    def name(one: Trials) -> str:
        return "humans" if one.human else one.name

    for one in read_trials(files):
        found.setdefault(name(one), []).append(one.of(asked, classes))
    return found


@pytest.mark.parametrize(
    ("name", "shape", "texture", "pooled", "classmean"),
    [
        ("humans", 9236, 398, 0.9587, 0.9538),
        ("alexnet_caffe", 283, 376, 0.4294, 0.3710),
        ("googlenet_caffe", 228, 503, 0.3119, 0.2896),
        ("vgg16_caffe", 130, 625, 0.1722, 0.1570),
        ("resnet50", 162, 572, 0.2207, 0.1951),
        ("resnet50-train-60-epochs", 586, 141, 0.8061, 0.7537),
        ("vgg16", 84, 828, 0.0921, 0.0871),
    ],
)
def test_published_trials_give_the_published_counts(
    published: dict[str, list[pd.DataFrame]], name: str, shape: int, texture: int, pooled: float, classmean: float
) -> None:
    """Exactly; 1200 of the 1280 images have a conflict."""
    trials = pd.concat(published[name])
    found = shape_bias(trials)

    assert found.values.sum(axis=0).tolist() == [shape, texture]
    assert len(found) == 1200 * len(published[name])
    assert (found.value, shape_bias_classmean(trials).value) == pytest.approx((pooled, classmean), abs=5e-5)


def test_published_subjects(published: dict[str, list[pd.DataFrame]]) -> None:
    """Mean, least and most of ten."""
    biases = [shape_bias(own).value for own in published["humans"]]

    assert (np.mean(biases), min(biases), max(biases)) == pytest.approx((0.9576, 0.9191, 0.9866), abs=5e-5)
