"""Numbers of RUN and BASE that are not the same number."""

import pytest
from fake_gates import N, flipped, judge, one, patchdrop
from fake_runs import planned, wrong


def test_half_a_curve_is_another_curve(keep, curves):
    """What one side lacks is named, whichever it is."""
    half = keep("half", {c: wrong(0, of=N) for c in (planned(n=N), patchdrop("random", 0.5))})

    assert "RUN lacks patchdrop(ratio=1.0)" in one(half, curves, "auc[patchdrop.random] >= -0.02").reason
    assert "BASE lacks patchdrop(ratio=1.0)" in one(curves, half, "auc[patchdrop.random] >= -0.02").reason
    assert "RUN has no patchdrop(region=salient) of demo@1" in judge(half, curves, "auc >= -0.02")[1].reason


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"suite": "demo@2"}, "RUN has clean of demo@2, BASE of demo@1: numbers of two suites, or of two versions"),
        ({"suite": "other@1"}, "RUN has clean of other@1, BASE of demo@1"),
        ({"seed": 1, "case_key": "x"}, "seed 1 in RUN and 0 in BASE"),
        ({"data": "cifar10", "case_key": "x"}, "data cifar10 in RUN and shapetex in BASE"),
        ({"geometry": "native", "case_key": "x"}, "geometry native in RUN and none in BASE"),
        ({"label_space": "other", "case_key": "x"}, "labels other in RUN and shapetex in BASE"),
        ({"dtype": "bf16", "case_key": "x"}, "dtype bf16 in RUN and fp32 in BASE"),
        ({"case_key": "clean-1"}, "the images, or the version of a perturbation, have changed"),
    ],
)
def test_numbers_of_two_kinds_never_meet(keep, base, fields, told):
    """Versions of a suite, settings and contents: what differs is said, once."""
    run = keep("run", {planned(n=N, **fields): flipped(0)})
    verdict = one(run, base, "top1 >= -0.5")

    assert "no number" == verdict.outcome
    assert told in verdict.reason


def test_two_versions_in_one_folder(keep, base):
    """The old numbers do not pass for the new ones."""
    both = keep("both", {planned(n=N): flipped(0), planned(n=N, suite="demo@2"): flipped(0)})
    new = keep("new", {planned(n=N, suite="demo@2"): flipped(0)})

    for run, against in ((both, new), (new, both)):
        verdicts = judge(run, against, "top1 >= -0.5")
        assert ["met", "no number"] == [verdict.outcome for verdict in verdicts]
        assert "demo@1" in verdicts[1].reason


def test_data_may_be_written_in_two_ways(keep, base):
    """The key says that it is the same; the verdict shows what RUN calls it."""
    run = keep("run", {planned(n=N, data="shapetex(n=400)"): flipped(0)})

    assert [("met", "shapetex(n=400)")] * 2 == [
        (v.outcome, v.origin.data) for v in judge(run, base, "top1 >= -0.02", "top1 >= 0.4")
    ]


@pytest.mark.parametrize("rule", ["top1 >= -0.02", "top1 >= 0.1"])
@pytest.mark.parametrize(
    "lost", [planned("patchdrop(0.5)", n=N), planned(n=N, data="cifar10", case_key="x")], ids=["case", "data"]
)
def test_what_run_has_lost_never_passes(keep, rule, lost):
    """A case or a data set that BASE has, also of rules about numbers themselves."""
    kept = planned(n=N)
    run, base = keep("run", {kept: flipped(0)}), keep("base", {kept: flipped(0), lost: flipped(0)})
    verdicts = judge(run, base, rule)

    assert ["met", "no number"] == [verdict.outcome for verdict in verdicts]
    assert lost.case in verdicts[1].reason
    assert lost.data in verdicts[1].reason


def test_a_number_itself_may_be_of_a_new_version(keep, base):
    """A rule without a sign compares nothing, so suite and settings may have moved on."""
    run = keep("run", {planned(n=N, suite="demo@2", seed=1, case_key="x"): flipped(0)})

    assert "met" == one(run, base, "top1 >= 0.1").outcome


def test_what_run_has_lost_without_such_a_number(keep, base):
    """A rule about a figure that no case of BASE has is not about what was lost."""
    run = keep("run", {planned("noise", n=N): flipped(0).assign(rms=0.1)})

    assert ["noise"] == [verdict.origin.case for verdict in judge(run, base, "rms <= 0.2")]
