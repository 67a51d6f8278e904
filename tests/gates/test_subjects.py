"""Which numbers a selector finds."""

from dataclasses import replace

import pytest
from fake_gates import judge, one
from fake_runs import attack, broken

from robustbench_vit.errors import SpecError


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("auc", ["patchdrop", "patchdrop(region=salient)"]),
        ("auc[patchdrop]", ["patchdrop", "patchdrop(region=salient)"]),
        ("auc[occlusion]", ["patchdrop", "patchdrop(region=salient)"]),
        ("auc[patchdrop.random]", ["patchdrop"]),
        ("auc[patchdrop.region=random]", ["patchdrop"]),
        ("auc[patchdrop(region=salient)]", ["patchdrop(region=salient)"]),
        ("top1[patchdrop.random]", ["patchdrop(ratio=0.5)", "patchdrop(ratio=1)"]),
        ("top1[patchdrop.ratio=0.5]", ["patchdrop(ratio=0.5)", "patchdrop(ratio=0.5, region=salient)"]),
        ("top1[patchdrop(ratio=0.5)]", ["patchdrop(ratio=0.5)"]),
        ("top1[patchdrop.salient.ratio=1]", ["patchdrop(ratio=1.0, region=salient)"]),
        ("family_accuracy[occlusion]", ["occlusion"]),
        ("top1[clean]", ["clean"]),
    ],
)
@pytest.mark.parametrize("bound", [">= 0", ">= -0.02"])
def test_selectors_find_their_numbers(curves, rule, names, bound):
    """Words and values among the arguments, defaults filled in; a rule about several numbers holds for all."""
    verdicts = judge(curves, curves, f"{rule} {bound}")

    assert [name.replace("ratio=1)", "ratio=1.0)") for name in names] == [verdict.origin.case for verdict in verdicts]
    assert {"met"} == {verdict.outcome for verdict in verdicts}


def test_attacks_by_robust_accuracy(keep):
    """`top1` of an attack has no difference; robust_accuracy has."""
    rows = broken(["none"] * 30 + ["pgd"] * 10)
    run = keep("run", {replace(attack(), n=40, perturbation="pgd(eps=0.1, norm=linf)"): rows})

    assert "met" == one(run, run, "robust_accuracy[pgd.linf] >= -0.1").outcome
    assert 0.75 == one(run, None, "robust_accuracy[adversarial] >= 0.5").found.value
    with pytest.raises(SpecError, match="there is no top1"):
        judge(run, run, "top1 >= -0.02")
