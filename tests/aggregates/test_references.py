"""What corruption errors are relative to."""

import numpy as np
import pandas as pd
import pytest
from fake_runs import answers, corruption_plan, one, planned

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.corruptions import BENCHMARK, GROUPS
from robustbench_vit.aggregates.references import AlexNet, reference_model
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.records import PlannedCase

GRID = "corruptions(generated, variant=imagenet_c)"

# Means over severities, to six digits, as public evaluation scripts for ImageNet-C have them beside the names.
MEANS = dict(
    zip(
        BENCHMARK,
        (
            *(0.886428, 0.894468, 0.922640),
            *(0.819880, 0.826268, 0.785948, 0.798360),
            *(0.866816, 0.826572, 0.819324, 0.564592),
            *(0.853204, 0.646056, 0.717840, 0.606500),
        ),
        strict=True,
    )
)


@pytest.mark.parametrize("corruption", BENCHMARK)
def test_errors_by_severity_have_the_published_means(corruption: str) -> None:
    """To all six digits."""
    cases = corruption_plan(corruptions=[corruption])[1:]

    assert np.mean([AlexNet().errors(case) for case in cases]) == pytest.approx(MEANS[corruption], abs=5e-7)


def test_alexnet_is_what_it_is_known_for() -> None:
    """43.48 % clean, 78.9 % over the 15; noise is hardest, impulse noise above all, brightness easiest."""
    group = {name: np.mean([MEANS[one] for one in GROUPS[name]]) for name in ("noise", "blur", "weather", "digital")}

    assert AlexNet().errors(planned()) == 0.4348
    assert np.mean(list(MEANS.values())) == pytest.approx(0.788993, abs=5e-7)
    assert max(group, key=group.__getitem__) == "noise"
    assert max(MEANS, key=MEANS.__getitem__) == "impulse_noise"
    assert min(MEANS, key=MEANS.__getitem__) == "brightness"


def scored(reference: str | None = None, **fields: object) -> pd.DataFrame:
    """A complete grid of a model."""
    return score(corruption_plan(**fields), lambda case: answers(True, case.family == "clean"), reference)


@pytest.mark.parametrize(
    ("fields", "grid", "reason"),
    [
        ({"label_space": "cifar10"}, GRID, "the labels of cifar10"),
        (
            {"geometry": "geometry(crop=384, resize=438)"},
            GRID,
            r"imagenet(val) under geometry(crop=384, resize=438)",
        ),
        ({"geometry": "geometry(resize=224)"}, GRID, "under geometry(resize=224)"),
        ({"geometry": "none"}, GRID, "imagenet(val) under geometry none"),
        (
            {"variant": None, "geometry": "none", "data": "folder_c(x)"},
            "corruptions(stored)",
            "images of folder_c(x) under geometry none",
        ),
        ({"variant": "cifar_c"}, "corruptions(generated, variant=cifar_c)", "the constants of CIFAR-C"),
    ],
)
def test_alexnet_is_no_reference_for_other_images(fields: dict[str, object], grid: str, reason: str) -> None:
    """The reason stands once, for mCE and its relative form, and says what to do; the mean error is there."""
    found = scored(**fields)
    row = one(found, "mce", grid)

    assert np.isnan(row["value"])
    assert row["status"] == "skipped"
    assert row["reason"].startswith(
        "mCE with AlexNet's errors is defined for ImageNet-1k labels, images of 224×224 and "
    )
    assert row["reason"].endswith(f"{reason}; give --reference MODEL, or read mean_corruption_error")
    assert not {"ce", "relative_ce"} & set(found["metric"])
    assert one(found, "mean_corruption_error", grid)["value"] == 0.5


@pytest.mark.parametrize(
    "fields",
    [
        {"geometry": "geometry(crop=[224, 224], resize=232)"},
        {"geometry": "geometry(resize=[224, 224])"},
        {"variant": "imagecorruptions"},
        {"variant": None, "geometry": "none", "data": "imagenet_c(ImageNet-C, clean=val)"},
    ],
)
def test_alexnet_is_the_reference_at_224(fields: dict[str, object]) -> None:
    """However it is said, and for the published files."""
    found = scored(**fields)

    assert found[found["metric"] == "mce"]["value"].notna().all()


def test_images_other_than_the_validation_set_are_marked() -> None:
    """In the definition that travels with the number; not in that of a number relative to a model."""
    ending = "; on 2 images of imagenet(val), not the 50,000 of ImageNet's validation set"

    assert one(scored(), "mce", GRID)["definition"].endswith(ending)
    assert one(scored(), "ce", "fog")["definition"].endswith(ending)
    assert one(scored("zoo:a"), "ce", "fog")["definition"].endswith("/ the same of zoo:a on the same images")


def two(**fields: object) -> list[PlannedCase]:
    """A grid of two models, on small images."""
    shared = {"label_space": "cifar10", "data": "cifar10(x)", "geometry": "none", "variant": "cifar_c", **fields}
    return [case for model in ("zoo:a", "zoo:b") for case in corruption_plan(model, **shared)]


def test_a_model_is_a_reference_for_any_images() -> None:
    """Extra corruptions have a CE relative to it, which AlexNet does not give; the table names it."""
    plan = two(corruptions=(*BENCHMARK, *GROUPS["extra"]))
    found = score(plan, lambda case: answers(True, case.model == "zoo:a", False, False), reference="zoo:b")
    own = found[(found["model"] == "zoo:a") & found["reference"].ne("")]

    assert (own["metric"] == "ce").sum() == 19
    assert set(own["reference"]) == {"zoo:b"}
    assert one(own, "mce", "corruptions(generated, variant=cifar_c)")["value"] == pytest.approx(100 * 2 / 3)


def test_pairs_are_over_the_images_both_models_have() -> None:
    """By sample id, whatever the order."""
    rows = {"zoo:a": answers(False, False, True), "zoo:b": answers(False, True, False, True).iloc[::-1]}
    found = score(two(), lambda case: rows[case.model], reference="zoo:b")
    row = one(found[found["model"] == "zoo:a"], "mce", "corruptions(generated, variant=cifar_c)")

    assert row[["value", "n"]].tolist() == [100, 3]


@pytest.mark.parametrize(
    "without",
    [
        lambda case: case.case.startswith("fog"),
        lambda case: case.seed == 0 and case.family == "corruption",
    ],
)
def test_what_the_reference_lacks_is_named(without: object) -> None:
    """The number was asked for, so the table shows that it is missing; CE is silent about it."""
    plan = [case for case in two() if case.model == "zoo:a" or not without(case)]
    found = score(plan, lambda case: answers(True, False), reference="zoo:b")
    row = one(found[found["model"] == "zoo:a"], "mce", "corruptions(generated, variant=cifar_c)")

    assert row["status"] == "partial"
    assert row["reason"].startswith("the reference zoo:b has no rows of ")
    assert "fog(severity=1, variant=cifar_c)" in row["reason"] or " and 71 more " in row["reason"]
    assert "fog(variant=cifar_c)" not in set(found[found["metric"] == "ce"]["case"])


def test_only_the_same_case_of_the_reference_counts() -> None:
    """Another key says other data, versions, seed or dtype; another suite is another plan."""
    for other in ({"case_key": "x"}, {"suite": "demo@2"}):
        plan = [*corruption_plan("zoo:a"), *corruption_plan("zoo:b", **other)]
        found = score(plan, lambda case: answers(True, False), reference="zoo:b")

        assert "has no rows of" in one(found[found["model"] == "zoo:a"], "mce", GRID)["reason"]


def test_an_unknown_reference_is_answered_with_names() -> None:
    """Before anything is read."""
    with pytest.raises(UnknownNameError, match="unknown reference model 'zoo:aa'; did you mean zoo:a"):
        score(two(), lambda case: pytest.fail(f"{case} was read"), reference="zoo:aa")


def test_variants_and_keys_name_a_reference() -> None:
    """Runs of several seeds are one model; models of one name are told apart by their keys."""
    seeds = [planned(model=f"zoo:a · seed {seed}", model_key="a-1", seed=seed) for seed in (0, 1)]
    namesakes = [planned(model="zoo:a", model_key=key) for key in ("a-1", "a-2")]

    assert reference_model(seeds, "zoo:a", lambda _: pd.Series()).name == "zoo:a"
    assert reference_model(namesakes, "a-2", lambda _: pd.Series()).name == "zoo:a"
    with pytest.raises(SpecError, match="the name of 2 models; give one of a-1, a-2"):
        reference_model(namesakes, "zoo:a", lambda _: pd.Series())
