"""The published ensemble: order, members, classes, and that it is no weaker than any of them."""

import re

import pytest
import torch

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attack_catalog import ATTACKS, AUTOATTACK
from robustbench_vit.perturbations.attacks import autoattack as module
from robustbench_vit.spec import Spec

MEMBERS = ("apgd-ce", "apgd-t", "fab-t", "square")


@pytest.fixture
def short(monkeypatch):
    """Few steps and queries."""
    pytest.importorskip("torchattacks")
    shorter = {"steps=100": "steps=4", "targets=9": "targets=3", "queries=5000": "queries=20"}
    parts = [(name, re.sub("|".join(shorter), lambda found: shorter[found[0]], text)) for name, text in AUTOATTACK]
    monkeypatch.setattr(module, "AUTOATTACK", parts)


@pytest.fixture(scope="module")
def linear(attacks):
    """Five classes, 24 images near gray, labels of the model, the first one wrong; distances in closed form."""
    model = attacks.linear.random(5, 6)
    images = 0.5 + 0.05 * torch.randn(24, 3, 6, 6, generator=torch.Generator().manual_seed(7))
    labels = model(images).argmax(1)
    labels[0] = (labels[0] + 1) % 5
    return model, images, labels


def test_members_are_the_published_ones():
    """100 steps, one start, 9 targets, 5,000 queries, in the authors' order (ICML 2020, section 6)."""
    eps = {"eps": 0.1, "norm": "l2"}
    expected = {
        "apgd-ce": Spec("apgd", {**eps, "loss": "ce", "steps": 100}),
        "apgd-t": Spec("apgd", {**eps, "loss": "dlr_targeted", "steps": 100, "targets": 9}),
        "fab-t": Spec("fab", {**eps, "steps": 100, "targets": 9}),
        "square": Spec("square", {**eps, "queries": 5000, "schedule": 10000}),
    }
    members = module._members(0.1, "l2")

    assert members == expected
    assert tuple(members) == MEMBERS
    assert all(ATTACKS.row(spec).bind(spec).args.get("restarts", 1) == 1 for spec in members.values())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_weaker_than_any_member(norm, short, attacks, linear):
    """On every sample: what a member breaks alone, the ensemble breaks; its column says who was first."""
    model, images, labels = linear
    eps = float(model.distances(images, model(images).argmax(1), norm).median()) * 1.1
    both = attacks.run(f"autoattack({eps:.6f}, norm={norm})", model, images, labels)
    broken = both.columns["broken_by"]

    assert both.words["broken_by"] == ("none", "clean", *MEMBERS)
    assert broken[0] == 1
    assert (both.columns["norm"] <= eps * (1 + 1e-4)).all()
    assert 0 < (broken > 1).sum() < 23
    for code, spec in enumerate(module._members(round(eps, 6), norm).values(), start=2):
        alone = attacks.run(spec, model, images, labels).columns["broken_by"] == 2
        assert (broken[alone] > 0).all()
        assert (broken[alone] <= code).all()


def test_passes_are_those_of_all_members(short, attacks):
    """A model counts that knows images by a pixel; the look at the first, for the number of classes, is extra."""
    counting = attacks.counting(attacks.linear.random(5, 8), 6)
    images = counting.marked(torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(8)))
    labels = counting(images).argmax(1)
    counting.forward.zero_()
    found = attacks.run("autoattack(0.003)", counting, images, labels)
    extra = torch.eye(6)[0]

    assert torch.equal(found.columns["forward_passes"], counting.forward - extra)
    assert torch.equal(found.columns["backward_passes"], counting.backward)


def test_three_classes_are_too_few(short, attacks):
    """Said before anything is attacked, with what to write instead."""
    model = attacks.linear.random(3, 4)
    images = torch.rand(2, 3, 4, 4)
    message = (
        r"dlr_targeted needs at least 4 classes, the model has 3; "
        r"use worst\(attacks=\[apgd\(eps=0\.1, norm=l2\), square\(eps=0\.1, norm=l2\)\]\)"
    )
    with pytest.raises(CaseError, match=message):
        attacks.run("autoattack(0.1, norm=l2)", model, images, torch.tensor([0, 1]))


def test_four_classes_have_three_targets(short, attacks):
    """All wrong classes, where there are fewer than nine."""
    model = attacks.linear.random(4, 4)
    images = torch.rand(4, 3, 4, 4)
    found = attacks.run("autoattack(0.5)", model, images, model(images).argmax(1))

    assert (found.columns["broken_by"] > 1).all()


def test_threat_names_the_members():
    """An ensemble: no number of steps of its own."""
    threat = ATTACKS["autoattack"].threat("autoattack(8/255)")

    assert threat.members == MEMBERS
    assert (threat.norm, threat.eps, threat.steps, threat.knowledge) == ("linf", 8 / 255, 0, "white-box")
