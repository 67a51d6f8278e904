"""Signs that a robust accuracy is not what it seems."""

from math import inf, nan

import numpy as np
import pandas as pd
import pytest
from fake_runs import answers, attack, broken, planned

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.honesty import WARNED
from robustbench_vit.records import PlannedCase

SQUARE = attack("square(eps=0.1)", threat={"knowledge": "black-box", "steps": 0})
FGSM = attack("fgsm(eps=0.1)", threat={"steps": 1})


def left(count: int, *, of: int = 100, **columns: object) -> pd.DataFrame:
    """Rows of an attack that leaves the first so many images."""
    return broken(" ".join(["none"] * count + ["pgd"] * (of - count)), **columns)


def warnings(rows: dict[PlannedCase, pd.DataFrame]) -> dict[str, str]:
    """The warning of each case that has one."""
    found = score(list(rows), rows.__getitem__)
    own = found[found["metric"] == "robust_accuracy"].drop_duplicates("case")
    return {case: text for case, text in zip(own["case"], own["warning"], strict=True) if text}


@pytest.mark.parametrize(("zero", "told"), [(5, False), (6, True)])
def test_images_without_a_gradient(zero: int, told: bool) -> None:
    """More than 5 % of those that were attacked."""
    flags = [1.0] * zero + [0.0] * (100 - zero) + [nan] * 20
    found = warnings({attack(): left(50, of=120, zero_gradient=flags)})

    text = "gradient masking: 6.0% of images give no gradient at all, so no attack that follows it moves them"
    assert list(found.values()) == ([text] if told else [])


def test_a_stronger_black_box_attack() -> None:
    """On the white-box case, with both rates and p: 20 images that only PGD left, 2 · 2⁻²⁰."""
    found = warnings({attack(): left(40), SQUARE: left(20)})

    assert found == {
        "pgd(eps=0.1)": "gradient masking? square(eps=0.1), which sees no gradient of the model, leaves 20.0% right, "
        "this attack 40.0% (the same 100 images, p < 0.0001)"
    }


def test_a_transferred_attack_counts_as_black_box() -> None:
    """It saw no gradient of this model either; 8 images only PGD left: p = 2 · 2⁻⁸."""
    transfer = attack("transfer(source=b)", threat={"knowledge": "transfer", "source": "b"})

    assert (
        "transfer(source=b), which sees no gradient"
        in warnings({attack(): left(40), transfer: left(32)})["pgd(eps=0.1)"]
    )
    assert "p = 0.0078" in warnings({attack(): left(40), transfer: left(32)})["pgd(eps=0.1)"]


@pytest.mark.parametrize("model", ["zoo:a", "zoo:a #12ab34", "zoo:a · seed 1"])
def test_examples_made_on_the_model_itself_are_no_black_box(model: str) -> None:
    """The diagonal of a transfer matrix has seen its gradients."""
    own = attack("transfer(source=zoo:a)", model, threat={"knowledge": "transfer", "source": "zoo:a"})

    assert warnings({attack(model=model): left(40), own: left(0)}) == {}


@pytest.mark.parametrize(("square", "of"), [(33, 100), (981, 1000), (60, 100)])
def test_small_differences_are_no_sign(square: int, of: int) -> None:
    """Seven images of 100 (p = 0.016); 1.9 points; a weaker black-box attack."""
    mine = {33: 40, 981: 1000, 60: 40}[square]

    assert warnings({attack(): left(mine, of=of), SQUARE: left(square, of=of)}) == {}


@pytest.mark.parametrize(
    "other",
    [
        {"threat": {"knowledge": "black-box", "eps": 0.2}},
        {"threat": {"knowledge": "black-box", "norm": "l2"}},
        {"threat": {"knowledge": "black-box"}, "geometry": "native"},
        {"threat": {"knowledge": "black-box"}, "data": "folder(/x)"},
        {"threat": {"knowledge": "black-box"}, "seed": 1},
        {"threat": {"knowledge": "black-box"}, "label_space": "16"},
        {"threat": {"knowledge": "black-box"}, "model": "zoo:b"},
    ],
)
def test_only_like_attacks_are_compared(other: dict[str, object]) -> None:
    """The same model, images, labels, seed, norm and eps."""
    assert warnings({attack(): left(40), attack("square", **other): left(0)}) == {}


def test_attacks_are_compared_on_the_images_both_share() -> None:
    """A costly attack on a subset leaves 10 of 20, as PGD does there."""
    assert warnings({attack(): left(10, of=100).assign(pred=0, broken_by=["none"] * 10 + ["pgd"] * 10 + ["none"] * 80),
                     SQUARE: left(10, of=20)}) == {}  # fmt: skip


def test_one_step_that_beats_many() -> None:
    """On the case of many steps."""
    found = warnings({attack(): left(40), FGSM: left(20)})

    assert list(found) == ["pgd(eps=0.1)"]
    assert "fgsm(eps=0.1), which makes one gradient step and not 20, leaves 20.0%" in found["pgd(eps=0.1)"]


def test_a_single_step_may_be_weaker_than_a_black_box_attack() -> None:
    """That is no sign where many steps are not; it is one where there is nothing else."""
    assert warnings({attack(): left(5), FGSM: left(40), SQUARE: left(10)}) == {}
    assert list(warnings({FGSM: left(40), SQUARE: left(10)})) == ["fgsm(eps=0.1)"]


@pytest.mark.parametrize(("late", "told"), [(2, False), (7, False), (8, True)])
def test_members_without_gradients(late: int, told: bool) -> None:
    """Of 100 images that gradients had left: 2 points are 2 images, which is no proof; (1/2)⁷ = 0.008 is."""
    members = ("apgd(eps=0.1)", "square(eps=0.1)")
    words = ["none"] * 50 + [members[0]] * (50 - late) + [members[1]] * late
    found = warnings(
        {attack("worst", threat={"members": members, "black_box": members[1:], "steps": 0}): broken(" ".join(words))}
    )

    assert [text.endswith("left: square(eps=0.1) 8.0%") for text in found.values()] == [True] * told


def test_order_of_members_matters() -> None:
    """Square first leaves nothing to say."""
    words = " ".join(["none"] * 10 + ["square"] * 10)
    first, last = (
        attack("worst", threat={"members": members, "black_box": ("square",), "steps": 0})
        for members in (("square", "apgd"), ("apgd", "square"))
    )

    assert warnings({first: broken(words)}) == {}
    assert "square 50.0%" in warnings({last: broken(words)})["worst"]
    assert warnings({SQUARE: broken(words)}) == {}


def test_nothing_beats_one_grey_image_at_half_the_range() -> None:
    """60 of 100 where all images could be the same, and the classes are equally frequent."""
    rows = left(60).assign(label=np.arange(100) % 10, pred=np.where(np.arange(100) < 60, np.arange(100) % 10, -1))
    wide = {"eps": 0.5}

    found = warnings({attack("pgd(eps=1/2)", threat=wide): rows})
    assert found["pgd(eps=1/2)"] == (
        "the attack fails: at eps 0.5 every image can be made the same grey, so no more than 10.0% (the most frequent "
        "class) can be robust, not 60.0%"
    )
    assert warnings({attack(threat=wide): left(100)}) == {}  # one class only
    assert warnings({attack(threat={"eps": 0.49}): rows}) == {}
    assert warnings({attack(threat={"eps": 0.5, "norm": "l2"}): rows}) == {}


def test_wide_ends_of_a_curve_are_looked_at() -> None:
    """Half of the images survive 0.5, of which one half is of each class."""
    case = attack("min_eps", threat={"grid": (0.1, 0.5), "eps": 0.5})
    rows = left(80, min_eps=[inf] * 80 + [0.1] * 20).assign(
        label=np.arange(100) % 2, pred=np.where(np.arange(100) < 80, np.arange(100) % 2, -1)
    )

    found = score([case], lambda _: rows)
    warned = found[found["warning"] != ""]
    assert set(warned["metric"]) == WARNED
    assert warned["warning"].str.contains("no more than 50.0%").all()


@pytest.mark.parametrize(("column", "advice"), [("stochastic", "expectation over"), ("train_mode", "evaluation mode")])
def test_models_that_are_not_what_is_judged(column: str, advice: str) -> None:
    """One image is enough."""
    found = warnings({attack(): left(1, of=2, **{column: [True, False]})})

    assert advice in found["pgd(eps=0.1)"]
    assert warnings({attack(): left(1, of=2, **{column: [False, False]})}) == {}


def test_warnings_stand_on_accuracy_alone() -> None:
    """Several of them in one text; other cases and numbers have none."""
    rows = {planned(): answers(True, True), attack(): left(1, of=2, stochastic=[True] * 2, train_mode=[True] * 2)}
    found = score(list(rows), rows.__getitem__)
    warned = found[found["warning"] != ""]

    assert warned[["case", "metric"]].to_numpy().tolist() == [
        ["pgd(eps=0.1)", "top1"],
        ["pgd(eps=0.1)", "robust_accuracy"],
    ]
    assert warned["warning"].str.contains("stochastic: .*; training mode: ").all()
