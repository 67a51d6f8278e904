"""The paired comparison of two models: by hand, against scipy, and over many draws."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf

import numpy as np
import pandas as pd
import pytest
from fake_runs import answers, attack, broken, corruption_plan, curve_plan, planned, wrong
from scipy import stats

from robustbench_vit.aggregates import score
from robustbench_vit.aggregates.comparison import Comparison, Difference, compare
from robustbench_vit.aggregates.scored import Scored, score_case
from robustbench_vit.errors import CaseError, SpecError, UnknownNameError
from robustbench_vit.metrics.holm import holm
from robustbench_vit.records import PlannedCase

A, B = "zoo:a", "zoo:b"
Rows = Mapping[PlannedCase, pd.DataFrame]


def judged(rows: Rows) -> Callable[[PlannedCase], Scored]:
    """Gives a case as it is scored."""
    return lambda case: score_case(case, rows.__getitem__)


def compared(rows: Rows, reference: str | None = None) -> Comparison:
    """The comparison of ``zoo:a`` and ``zoo:b``."""
    return compare(list(rows), judged(rows), A, B, reference)


def row(found: Comparison, metric: str, case: str = "clean") -> Difference:
    """The only row of a metric and a case."""
    (only,) = [item for item in found.rows if (item.metric, item.case) == (metric, case)]
    return only


def right(bits: str) -> pd.DataFrame:
    """Rows of images that are right where there is a 1."""
    return answers(*[bit == "1" for bit in bits])


def test_one_case_by_hand() -> None:
    """Of ten images, one is right with A alone and seven with B alone."""
    found = row(compared({planned(model=A): right("1100000000"), planned(model=B): right("1011111110")}), "top1")

    assert (found.n, found.a, found.b, found.only_a, found.only_b) == (10, 0.2, 0.8, 1, 7)
    assert found.difference == pytest.approx(0.6)
    assert found.low < 0.6 < found.high
    assert found.p == pytest.approx(stats.binomtest(1, 8).pvalue)
    assert found.p_holm == found.p
    assert found.better == "tie"


def test_the_intervals_of_each_model_are_those_of_its_results() -> None:
    """Wilson's, as `score` gives them."""
    rows = {planned(model=A): right("1100000000"), planned(model=B): right("1011111110")}
    found, scored = row(compared(rows), "top1"), score(list(rows), rows.__getitem__)
    top1 = scored[scored["metric"] == "top1"].set_index("model")

    assert top1.loc[A, ["value", "low", "high"]].tolist() == [found.a, found.a_low, found.a_high]
    assert top1.loc[B, ["value", "low", "high"]].tolist() == [found.b, found.b_low, found.b_high]


def test_the_better_model_is_named_and_p_is_adjusted_over_all_rows() -> None:
    """Ten images on one side, p = 2/1024, are told apart also among three cases, a curve and a family; two are not."""
    plan = {model: curve_plan(model) for model in (A, B)}
    mine, theirs = ["0" * 12, "110000000000", "1" * 12], ["1" * 10 + "00", "0" * 12, "1" * 12]
    rows = {
        case: right(bits)
        for cases, many in ((plan[A], mine), (plan[B], theirs))
        for case, bits in zip(cases, many, strict=True)
    }
    found = compared(rows).rows

    assert [item.metric for item in found] == ["top1"] * 3 + ["auc", "family_accuracy"]
    assert [item.p for item in found[:3]] == pytest.approx([2 / 1024, 0.5, 1])
    assert [item.p_holm for item in found] == pytest.approx(holm([item.p for item in found]))
    assert [item.better for item in found[:3]] == [B, "tie", "tie"]


def test_a_number_over_several_cases_has_the_p_of_all_exchanges() -> None:
    """Of twelve images all 4096 can be counted; 10,000 draws come close."""
    generator = np.random.default_rng(7)
    plan = {model: curve_plan(model) for model in (A, B)}
    bits = {case: "".join(map(str, generator.integers(2, size=12))) for model in (A, B) for case in plan[model]}
    found = row(compared({case: right(text) for case, text in bits.items()}), "family_accuracy", "occlusion")
    mean = {
        model: np.array([[int(bit) for bit in bits[case]] for case in plan[model][1:]]).mean(axis=0) for model in plan
    }
    exact = stats.permutation_test((mean[A], mean[B]), lambda a, b: (b - a).mean(), permutation_type="samples")

    assert found.p == pytest.approx(exact.pvalue, abs=0.015)


def test_families_and_curves_are_means_of_the_same_images() -> None:
    """AUC with the clean case at 0: weights ¼, ½ and the rest at 1; the family without it."""
    plan = {model: curve_plan(model) for model in (A, B)}
    bits = {A: ["1111", "1100", "1000"], B: ["1111", "1110", "1000"]}
    found = compared({case: right(one) for model in (A, B) for case, one in zip(plan[model], bits[model], strict=True)})

    area, family = row(found, "auc", "patchdrop"), row(found, "family_accuracy", "occlusion")
    assert (area.cases, family.cases) == (3, 2)
    assert (area.a, area.b) == pytest.approx((0.25 + 0.5 * 0.5 + 0.25 * 0.25, 0.25 + 0.5 * 0.75 + 0.25 * 0.25))
    assert family.difference == pytest.approx((0.75 - 0.5) / 2)
    assert (family.only_a, family.p, family.better) == (None, 1.0, "tie")


def test_a_case_that_only_one_model_has_is_in_no_number() -> None:
    """The family is over what both have, and the rest is named."""
    plan = {model: curve_plan(model) for model in (A, B)}
    rows = {case: right("1100") for case in (*plan[A], *plan[B][:2])}
    found = compared(rows)

    assert [item.case for item in found.alone] == ["patchdrop(ratio=1.0)"]
    assert row(found, "auc", "patchdrop").cases == 2
    assert not [item for item in found.rows if item.metric == "family_accuracy"]


def test_only_shared_images_count() -> None:
    """Whatever the order of the rows."""
    mine, theirs = right("1111000000"), right("0000111111").iloc[::-1].iloc[:6]
    found = row(compared({planned(model=A): mine, planned(model=B): theirs}), "top1")

    assert (found.n, found.only_a, found.only_b) == (6, 0, 6)


def test_attacks_are_compared_by_what_they_left_right() -> None:
    """An image that was broken on the way is not right; attacks have no mean; doubts come along."""
    masked = broken("none none clean none", zero_gradient=[1.0] * 4)
    found = compared({attack(model=A): masked, attack(model=B): broken("none pgd clean pgd").assign(pred=0)})
    only = row(found, "robust_accuracy", "pgd(eps=0.1)")

    assert (only.a, only.b, only.only_a, only.only_b) == (0.75, 0.25, 2, 0)
    assert only.warning.startswith("zoo:a: gradient masking")
    assert len(found.rows) == 1


def test_the_area_over_eps_of_min_eps() -> None:
    """0.25 · 1 of the length 0.4 is the area of an image that breaks at 0.1."""
    threat = {"grid": (0.1, 0.2, 0.4), "eps": 0.4}
    plan = [attack("min_eps(attack=pgd)", model, threat=threat) for model in (A, B)]
    rows = [broken("clean none", min_eps=[0, inf]), broken("min_eps none", min_eps=[0.4, inf])]
    area = row(compared(dict(zip(plan, rows, strict=True))), "robust_auc", "min_eps(attack=pgd)")

    # Right at 0, 0.1 and 0.2, wrong at 0.4: two trapezoids in full, half of the last.
    assert (area.a, area.b) == pytest.approx((0.5, 0.5 + (0.1 + 0.1 + 0.2 / 2) / 0.4 / 2))
    assert area.cases == 1


def test_corruption_errors_relative_to_a_model() -> None:
    """Less is better; a quotient of means, so not linear, and B itself is always 100."""
    plan = {model: corruption_plan(model, variant="cifar_c", label_space="cifar10", n=40) for model in (A, B)}
    rows = {case: wrong(0 if case.family == "clean" else errors, of=40) for model, errors in ((A, 15), (B, 30))
            for case in plan[model]}  # fmt: skip
    found = compared(rows, reference=B)
    mce = row(found, "mce", "corruptions(generated, variant=cifar_c)")

    assert (mce.a, mce.b, mce.difference, mce.better, mce.reference) == (50, 100, 50, A, B)
    assert (mce.b_low, mce.b_high) == (100, 100)
    assert 100 - mce.a_high == pytest.approx(mce.low)
    assert row(found, "mean_corruption_accuracy", "corruptions(generated, variant=cifar_c)").better == A


def test_alexnet_s_errors_are_not_asked_of_other_images() -> None:
    """No row rather than one without a number."""
    plan = {model: corruption_plan(model, variant="cifar_c", label_space="cifar10", n=4) for model in (A, B)}
    found = compared({case: wrong(1, of=4) for model in (A, B) for case in plan[model]})

    assert "mce" not in {item.metric for item in found.rows}


def test_the_same_case_of_two_suites_is_one_test() -> None:
    """Nothing is adjusted twice for it."""
    cases = [planned(model=model, suite=suite) for suite in ("one@1", "two@1") for model in (A, B)]
    found = compared({case: right("000000" if case.model == A else "111111") for case in cases})

    assert [item.p_holm for item in found.rows] == pytest.approx([2 / 64, 2 / 64])


def test_equal_models_are_told_apart_in_one_of_twenty_at_most() -> None:
    """400 pairs of models of the same accuracy; and the intervals hold the true difference, which is 0."""
    generator, apart, held, times = np.random.default_rng(0), 0, 0, 400
    for _ in range(times):
        bits = [pd.DataFrame(wrong(0, of=100)).assign(pred=generator.random(100) < 0.4) for _ in range(2)]
        only = row(compared({planned(model=A): bits[0], planned(model=B): bits[1]}), "top1")
        apart += only.better != "tie"
        held += only.low <= 0 <= only.high

    assert apart / times <= 0.06
    assert held / times >= 0.92


def test_of_equal_models_a_whole_comparison_has_a_wrong_row_in_one_of_twenty_at_most() -> None:
    """Of 80 comparisons of three cases, a curve and a family, all adjusted together."""
    generator, wrongly, times = np.random.default_rng(8), 0, 80
    plan = {model: curve_plan(model) for model in (A, B)}
    base = wrong(0, of=120)
    for _ in range(times):
        hard = generator.random(120)
        rows = {
            case: base.assign(pred=(0.6 * hard + 0.4 * generator.random(120) > cut))
            for cases in plan.values()
            for case, cut in zip(cases, (0.7, 0.6, 0.5), strict=True)
        }
        wrongly += any(item.better != "tie" for item in compared(rows).rows)

    assert wrongly / times <= 0.06 + 0.05


def test_intervals_cover_a_difference() -> None:
    """Of two models with accuracy 0.50 and 0.64 that err on the same images more often than by chance."""
    generator, held, times = np.random.default_rng(1), 0, 300
    for _ in range(times):
        hard = generator.random(100)
        rows = [wrong(0, of=100).assign(pred=(0.7 * hard + 0.3 * generator.random(100) > cut)) for cut in (0.5, 0.6)]
        only = row(compared({planned(model=A): rows[0], planned(model=B): rows[1]}), "top1")
        held += only.low <= _TRUE <= only.high

    assert held / times >= 0.91


def _passed(cut: float) -> float:
    """P(0.7·U + 0.3·V ≤ cut) of independent uniform U and V, for a cut in [0.3, 0.7]: a trapezoid's distribution."""
    return (cut - 0.15) / 0.7


_TRUE = _passed(0.6) - _passed(0.5)


def test_mistakes_are_told() -> None:
    """Unknown, ambiguous and equal models; no case; no image."""
    rows = {planned(model=A): right("10"), planned(model=B): right("11")}
    cases = list(rows)
    with pytest.raises(UnknownNameError, match="unknown model 'zoo:aa'; did you mean zoo:a"):
        compare(cases, judged(rows), "zoo:aa", B)
    with pytest.raises(SpecError, match="zoo:a and key-zoo:a are the same model"):
        compare(cases, judged(rows), A, "key-zoo:a")
    with pytest.raises(SpecError, match="zoo:a is the name of 2 models; give one of key-zoo:a, other"):
        compare([*cases, planned(model=A, model_key="other")], judged(rows), A, B)
    named = [replace(cases[0], model=f"{A} #{key}", model_key=key) for key in ("123456", "abcdef")]
    with pytest.raises(SpecError, match="zoo:a is the name of 2 models; give one of zoo:a #123456, zoo:a #abcdef"):
        compare([*named, cases[1]], judged(rows), A, B)
    with pytest.raises(CaseError, match="zoo:a and zoo:b share no case"):
        compare([cases[0], replace(cases[1], case_key="seed 1")], judged(rows), A, B)
    other = right("11").assign(id=["x", "y"])
    with pytest.raises(CaseError, match="share 1 cases but no image"):
        compared({cases[0]: right("10"), cases[1]: other})


def seeded(*bits: str, spec: str = "clean") -> Rows:
    """Seeds 0, 1, … of ``zoo:a``, then those of ``zoo:b``; nothing for an empty text."""
    half = len(bits) // 2
    return {
        planned(spec, f"{model} · seed {seed}", model_key=model, seed=seed, case_key=f"{spec}-{seed}"): right(text)
        for model, own in ((A, bits[:half]), (B, bits[half:]))
        for seed, text in enumerate(own)
        if text
    }


def test_seeds_of_a_model_are_one_row() -> None:
    """The mean over the seeds, with the p of all 1024 exchanges of what images contribute to it."""
    bits = ("1100000000", "1010000000", "1111111000", "1110111100")
    only = row(compared(seeded(*bits)), "top1")
    mean = np.array([[int(bit) for bit in text] for text in bits], float).reshape(2, 2, 10).mean(axis=1)
    exact = stats.permutation_test((mean[0], mean[1]), lambda a, b: (b - a).mean(), permutation_type="samples")

    assert (only.seeds, only.seed, only.model_a, only.n, only.cases) == ("0, 1", 0, A, 10, 1)
    assert (only.a, only.b, only.difference) == pytest.approx((0.2, 0.7, 0.5))
    assert only.p == pytest.approx(exact.pvalue, abs=0.015)
    assert (only.only_a, only.only_b) == (None, None)


def test_what_no_seed_touches_is_as_with_one() -> None:
    """McNemar's test, Wilson's intervals, and nothing is adjusted twice."""
    one, two = compared(seeded("1100000000", "1011111110")), compared(seeded(*["1100000000"] * 2, *["1011111110"] * 2))
    same = replace(two.rows[0], seeds="0", model_a=one.a, model_b=one.b, warning=one.rows[0].warning)

    assert one.rows == (same,)
    assert (two.rows[0].seeds, two.rows[0].only_b, two.rows[0].p_holm) == ("0, 1", 7, one.rows[0].p)


def test_numbers_over_cases_are_means_over_seeds() -> None:
    """A family of two cases; of a quotient of means, too, the mean of what single seeds have."""
    rows: Rows = {
        **seeded("1100", "1000", "1111", "1110", spec="x"),
        **seeded("0000", "1000", "1100", "1100", spec="y"),
    }
    plan = [replace(case, family="occlusion") for case in rows]
    by_case = dict(zip(plan, rows.values(), strict=True))
    family = row(compared(by_case), "family_accuracy", "occlusion")
    single = compare(plan, judged(by_case), A, B, each_seed=True)

    assert (family.cases, family.seeds) == (2, "0, 1")
    assert (family.a, family.b) == pytest.approx((4 / 16, 11 / 16))
    assert [item.seed for item in single.rows if item.metric == "family_accuracy"] == [0, 1]
    assert len(single.rows) == 2 * len(compared(by_case).rows)


def test_the_mean_of_corruption_errors_over_seeds() -> None:
    """Of quotients: that of each seed, and then their mean."""
    rows = {}
    for model, errors in ((A, (10, 20)), (B, (20, 25))):
        for seed, wrongs in enumerate(errors):
            for case in corruption_plan(model, variant="cifar_c", label_space="cifar10", n=40):
                name = replace(case, model_key=model, seed=seed, case_key=f"{case.case_key} seed {seed}")
                rows[name] = wrong(0 if case.family == "clean" else wrongs, of=40)
    mce = row(compared(rows, reference=B), "mce", "corruptions(generated, variant=cifar_c)")

    assert (mce.a, mce.b, mce.seeds) == (pytest.approx((50 + 80) / 2), pytest.approx(100), "0, 1")


def test_a_seed_that_only_one_model_has_is_in_no_number() -> None:
    """It is left out, and named."""
    found = compared(seeded("1100", "1000", "1111", ""))

    assert [item.seeds for item in found.rows] == ["0"]
    assert [(case.seed, case.model_key) for case in found.alone] == [(1, A)]


def test_doubts_of_all_seeds_are_told_once() -> None:
    """Whichever seed has them."""
    rows = {replace(case, n=20): answers for case, answers in seeded("1100", "1000", "1111", "1110").items()}
    cases = [replace(case, status="partial") for case in rows]
    only = row(compared(dict(zip(cases, rows.values(), strict=True))), "top1")

    assert only.warning == "zoo:a: partial, 4 of 20 images; zoo:b: partial, 4 of 20 images"
