"""Short names of cases and curves."""

import pandas as pd
import pytest

from robustbench_vit.leaderboard.labels import attack_labels, full_specs, hidden, short_labels

DROP = {
    "drop": "drop(fill=0, region=random, saliency=spectral())",
    "drop(region=salient, saliency=mask())": "drop(fill=0, region=salient, saliency=mask())",
    "drop(region=background, saliency=mask())": "drop(fill=0, region=background, saliency=mask())",
}


def test_a_default_is_said_where_others_change_it() -> None:
    """The random region beside the salient one; no more of the defaults than tell them apart."""
    assert list(short_labels(DROP, DROP).values()) == ["drop random", "drop salient mask", "drop background mask"]


def test_a_default_stands_in_its_row_of_numbers() -> None:
    """0.1 between 0.05 and 0.2."""
    specs = {f"noise(rms={rms})": f"noise(rms={rms}, shape=ring)" for rms in (0.05, 0.2)}
    specs["noise"] = "noise(rms=0.1, shape=ring)"

    assert list(short_labels(specs, specs).values()) == ["noise rms=0.05", "noise rms=0.2", "noise rms=0.1"]


def test_defaults_that_are_not_known_or_nothing_are_left_out() -> None:
    """As are those of cases that users named."""
    specs = {"drop(grid=4)": "drop(grid=4)", "drop": "drop(grid=none)", "my case": "other(grid=1)"}

    assert list(short_labels(specs, specs).values()) == ["drop grid=4", "drop", "my case"]
    assert list(short_labels(specs).values()) == ["drop grid=4", "drop", "my case"]


def test_attacks_say_their_norm_beside_another() -> None:
    """L∞ is taken for granted only where it is alone."""
    specs = {"pgd(eps=4/255)": "pgd(eps=4/255, norm=linf)", "pgd(eps=0.5, norm=l2)": "pgd(eps=0.5, norm=l2)"}
    labels = attack_labels(specs, specs)

    assert list(labels.values()) == ["pgd eps=4/255", "pgd eps=0.5 l2"]
    assert attack_labels([*specs, "pgd(eps=0.5)"], {**specs, "pgd(eps=0.5)": "pgd(eps=0.5, norm=linf)"}) == {
        "pgd(eps=4/255)": "pgd eps=4/255 linf",
        "pgd(eps=0.5, norm=l2)": "pgd eps=0.5 l2",
        "pgd(eps=0.5)": "pgd eps=0.5 linf",
    }


@pytest.mark.parametrize(
    ("spec", "label", "more"),
    [
        ("noise(rms=0.1)", "noise rms=0.1", ""),
        ("noise(rms=0.1)", "noise", "noise(rms=0.1)"),
        ("drop(region=salient, saliency=mask())", "drop salient mask", ""),
        ("what [ever", "what [ever", ""),
    ],
)
def test_nothing_is_said_twice(spec: str, label: str, more: str) -> None:
    """Only what the label leaves out is worth the whole spec."""
    assert hidden(spec, label) == more


def test_full_specs_are_those_of_cases_and_of_a_point_of_each_curve() -> None:
    """Other metrics have none."""
    frame = pd.DataFrame(
        [("top1", "drop(ratio=1)", "drop", "drop(ratio=1, region=random)"), ("auc", "drop", "drop", "drop")],
        columns=["metric", "case", "curve", "perturbation"],
    )

    assert full_specs(frame) == dict.fromkeys(["drop", "drop(ratio=1)"], "drop(ratio=1, region=random)")
