"""Decision makers side by side: models of a plan and imported trials."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_runs import CUES, answers, cue_conflict, one, planned

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.boards import HUMANS
from robustbench_vit.errors import DataError
from robustbench_vit.records import PlannedCase
from robustbench_vit.trials import Trials

SEEN = "cdc cdd oco doo cod ccc"
WRONG = "cdo cdd oco doo cod cco"


def said(decisions: str, name: str = "subject-01", data: str = "cue_conflict", **changes: object) -> Trials:
    """Trials of somebody who decided so on the images of `cue_conflict`."""
    case, rows = cue_conflict(decisions)
    words = {"image": rows["id"], "category": [case.classes[label] for label in rows["label"]]}
    decided = pd.DataFrame({**words, "response": [case.classes[decision] for decision in rows["pred"]]})
    return Trials(data, name, name.startswith("subject"), Path(f"{name}.csv"), decided.assign(**changes))


def scored(*trials: Trials, models: dict[str, str] | None = None, **fields: object) -> pd.DataFrame:
    """Measurements of models with these decisions, and of these trials."""
    rows: dict[PlannedCase, pd.DataFrame] = {}
    for model, decisions in (models or {"zoo:a": SEEN}).items():
        case, own = cue_conflict(decisions, model=model, **fields)
        rows[case] = own
    return score(list(rows), rows.__getitem__, trials=trials)


def of(found: pd.DataFrame, model: str, metric: str, reference: str = "") -> pd.Series:
    """The only measurement of a decision maker, or of two."""
    return one(found[(found["model"] == model) & (found["reference"] == reference)], metric, "clean")


def test_a_case_with_conflict_has_shape_bias_over_all_and_by_category() -> None:
    """Categories by the names of the plan, each with its own images."""
    found = scored()
    categories = found[found["metric"] == "category_shape_bias"]

    assert of(found, "zoo:a", "shape_bias")[["value", "n", "unit"]].tolist() == [2 / 4, 5, "rate"]
    assert of(found, "zoo:a", "shape_bias")["definition"].endswith("5 trials with conflict, 1 without left out")
    assert categories["category"].tolist() == list(CUES)
    assert categories["value"].tolist() == [1 / 2, 0, 1]
    assert categories["n"].tolist() == [3, 1, 1]


def test_classes_without_names_have_numbers() -> None:
    """Nothing is lost where the plan does not know them."""
    found = scored(classes=())

    assert found[found["metric"] == "category_shape_bias"]["category"].tolist() == ["0", "1", "2"]


def test_a_category_without_a_decision_has_a_reason() -> None:
    """And the others their numbers."""
    found = scored(models={"zoo:a": "cdc doc"})
    categories = found[found["metric"] == "category_shape_bias"].set_index("category")

    assert np.isnan(categories["value"]["dog"])
    assert categories["reason"]["dog"] == "none of 1 images with conflicting cues was classified by either"
    assert categories["value"]["cat"] == 1


def test_where_cues_agree_nothing_is_said_of_shape() -> None:
    """Photographs, and the congruent control."""
    assert not {"shape_bias", "texture"} & set(scored(models={"zoo:a": "ccc ddo"})["metric"])


def test_any_two_models_are_compared_once() -> None:
    """The first of the plan names the second; alone, nobody is compared."""
    found = scored(models={"zoo:a": SEEN, "zoo:b": WRONG, "zoo:c": SEEN})
    pairs = found[found["metric"] == "error_consistency"]

    assert list(zip(pairs["model"], pairs["reference"], strict=True)) == [
        ("zoo:a", "zoo:b"),
        ("zoo:a", "zoo:c"),
        ("zoo:b", "zoo:c"),
    ]
    assert of(found, "zoo:a", "error_consistency", "zoo:c")[["value", "n", "status"]].tolist() == [1, 6, "done"]
    assert not set(scored()["reference"]) - {""}


def test_models_without_conflict_are_compared_where_asked() -> None:
    """By a tag; edges and silhouettes have no texture."""
    cases = [planned(model=model, tags=tags) for tags in [(), ("consistency",)] for model in ("zoo:a", "zoo:b")]
    found = [
        score(pair, lambda case: answers(True, case.model == "zoo:a", False))["metric"]
        for pair in (cases[:2], cases[2:])
    ]

    assert ["error_consistency" in set(metrics) for metrics in found] == [False, True]


def test_partial_models_share_what_there_is() -> None:
    """The other images are left out, and the status says so."""
    case, rows = cue_conflict(SEEN)
    half = replace(case, model="zoo:b", model_key="b", status="partial")
    found = score([case, half], lambda asked: rows if asked == case else rows[:4])

    assert of(found, "zoo:a", "error_consistency", "zoo:b")[["n", "status"]].tolist() == [4, "partial"]


def test_no_image_in_common_is_a_reason() -> None:
    """Two shards of a run."""
    case, rows = cue_conflict(SEEN)
    other = replace(case, model="zoo:b", model_key="b")
    found = score([case, other], lambda asked: rows[:3] if asked == case else rows[3:])

    assert of(found, "zoo:a", "error_consistency", "zoo:b")["reason"] == "they share no image"


def test_trials_become_decision_makers() -> None:
    """A subject, another network, and all subjects together; what needs probabilities is not there."""
    found = scored(said(SEEN), said(WRONG, "subject-02"), said(WRONG, "resnet50"))
    makers = found.drop_duplicates("model").set_index("model")["maker"].to_dict()

    assert makers == {
        "zoo:a": "model",
        "trials:subject-01": "human",
        "trials:subject-02": "human",
        "trials:resnet50": "model",
        HUMANS: "humans",
    }
    assert of(found, "trials:subject-01", "shape_bias")["value"] == 2 / 4
    assert of(found, "trials:resnet50", "shape_bias")["value"] == 1 / 3
    assert "nll" not in set(found[found["model"] != "zoo:a"]["metric"])


def test_humans_together_are_pooled_and_their_accuracy_is_a_mean() -> None:
    """3 decisions for the shape of 7; right on 3 and on 1 of 6."""
    found = scored(said(SEEN), said(WRONG, "subject-02"))

    assert of(found, HUMANS, "shape_bias")[["value", "n"]].tolist() == [pytest.approx(3 / 7), 5]
    assert of(found, HUMANS, "shape_bias")["definition"].endswith("10 trials with conflict, 2 without left out")
    assert of(found, HUMANS, "top1")["value"] == pytest.approx(4 / 12)
    assert of(found, "zoo:a", "accuracy_difference", HUMANS)["value"] == pytest.approx(3 / 6 - 4 / 12)
    assert found[found["metric"] == "accuracy_difference"]["model"].tolist() == ["zoo:a"]


def test_consistency_with_humans_is_the_mean_over_subjects() -> None:
    """Of a model with each; of a subject with the others; of the humans with one another."""
    found = scored(said(SEEN), said(WRONG, "subject-02"))
    single = [of(found, "zoo:a", "error_consistency", f"trials:subject-0{number}")["value"] for number in (1, 2)]
    among = of(found, "trials:subject-01", "error_consistency", "trials:subject-02")["value"]

    assert of(found, "zoo:a", "error_consistency", HUMANS)["value"] == pytest.approx(np.mean(single))
    assert of(found, HUMANS, "error_consistency", HUMANS)["value"] == pytest.approx(among)
    assert of(found, "trials:subject-01", "error_consistency", HUMANS)["value"] == pytest.approx(among)


def test_trials_of_images_beyond_the_run_are_left_out() -> None:
    """A run with a limit has fewer."""
    found = scored(said(SEEN), models={"zoo:a": SEEN}, n=3)

    assert of(found, "trials:subject-01", "top1")["n"] == 3


def test_trials_about_nothing_are_an_error() -> None:
    """Either the data set or its images are others."""
    with pytest.raises(DataError, match=r"trials in subject-01.csv are about none .* one of: cue_conflict"):
        scored(said(SEEN, data="edges"))
    with pytest.raises(DataError, match=r"about none of the images"):
        scored(said(SEEN, image=[f"dog{place}-cat1" for place in range(90, 96)]))


def test_trials_need_names_of_classes() -> None:
    """Rows of an old version have none."""
    with pytest.raises(DataError, match=r"subject-01.csv: trials name classes, and those of cue_conflict\(x\) are not"):
        scored(said(SEEN), classes=())


def test_manifests_keep_the_names_of_classes() -> None:
    """And old ones, without them, can be read."""
    case, _ = cue_conflict(SEEN)
    old = {name: value for name, value in case.to_json().items() if name != "classes"}

    assert PlannedCase.from_json(case.to_json()) == case
    assert PlannedCase.from_json(old) == replace(case, classes=())
