"""APGD: checkpoints, halving, targets, passes; other programs judge it in tests/oracles/test_torchattacks.py."""

from itertools import pairwise
from math import ceil

import pytest
import torch

from robustbench_vit.perturbations.attacks.apgd import _Climb, _windows, _wrong_classes
from robustbench_vit.perturbations.attacks.ball import Ball
from robustbench_vit.perturbations.attacks.search import Slope
from robustbench_vit.randomness import Keys


def test_published_checkpoints():
    """For 100 steps: 22, 41, 57, 70, 80, 87, 93, 99, as the recurrence of section 3.1 says."""
    assert list(_windows(100).items()) == [
        (0, 0), (22, 22), (41, 19), (57, 16), (70, 13), (80, 10), (87, 7), (93, 6), (99, 6)
    ]  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 20, 37, 100, 1000])
def test_windows_add_up_to_checkpoints(steps):
    """Every checkpoint is w_j = ⌈p_j·steps⌉; the windows between them leave no step out."""
    places = [0, 22, 41, 57, 70, 80, 87, 93, 99]
    windows = _windows(steps)
    points = sorted({ceil(place * steps / 100 - 1e-9) for place in places})

    assert list(windows) == points
    assert [windows[after] for after in points[1:]] == [after - before for before, after in pairwise(points)]


def climber(**changed) -> _Climb:
    """Three samples on their way; best points are all ones."""
    climb = _Climb.at(torch.zeros(3, 3, 2, 2), torch.arange(3), torch.zeros(3), 0.2)
    climb.best, climb.best_gradient, climb.best_loss = torch.ones(3, 3, 2, 2), torch.ones(3, 3, 2, 2), torch.ones(3)
    for name, value in changed.items():
        setattr(climb, name, torch.tensor(value))
    return climb


def test_condition_1_halves_where_few_steps_help():
    """7 of 10 rises are fewer than three quarters, 8 are not; 75 % exactly are not fewer."""
    climb = climber(rises=[7.0, 8.0, 0.0], best_before=[0.0, 0.0, 0.0])
    climb.check(10)
    quarters = climber(rises=[3.0, 2.0, 4.0], best_before=[0.0, 0.0, 0.0])
    quarters.check(4)

    assert climb.length.tolist() == pytest.approx([0.1, 0.2, 0.1])
    assert climb.images.amax((1, 2, 3)).tolist() == [1, 0, 1]
    assert climb.gradient.amax((1, 2, 3)).tolist() == [1, 0, 1]
    assert climb.loss.tolist() == [1, torch.inf, 1]
    assert climb.rises.tolist() == [0, 0, 0]
    assert quarters.halved.tolist() == [False, True, False]


def test_condition_2_halves_where_neither_length_nor_loss_changed():
    """All steps rose but none beyond the best: halved, unless the length was halved at the last checkpoint."""
    climb = climber(rises=[10.0, 10.0, 10.0], best_before=[1.0, 1.0, 0.5], halved=[False, True, False])
    climb.check(10)

    assert climb.halved.tolist() == [True, False, False]
    assert climb.best_before.tolist() == [1, 1, 1]


def test_best_point_is_kept_with_its_gradient():
    """Where the loss is larger than ever, and nowhere else; the first loss is no rise."""
    climb = _Climb.at(torch.zeros(2, 3, 2, 2), torch.arange(2), torch.zeros(2), 0.2)
    right = torch.zeros(2, dtype=torch.bool)
    climb.note(Slope(torch.full((2, 3, 2, 2), 5.0), torch.tensor([1.0, 1.0]), right))
    climb.images = torch.ones(2, 3, 2, 2)
    climb.note(Slope(torch.full((2, 3, 2, 2), 6.0), torch.tensor([2.0, 0.5]), right))

    assert climb.rises.tolist() == [1, 0]
    assert climb.best_loss.tolist() == [2, 1]
    assert climb.best.amax((1, 2, 3)).tolist() == [1, 0]
    assert climb.best_gradient.amax((1, 2, 3)).tolist() == [6, 5]


def test_momentum_goes_on_in_the_direction_before():
    """First step: 2·eps, cut back to eps. Second: three quarters of the step and a quarter of the one before."""
    ball, clean = Ball("linf", 0.1), torch.full((1, 3, 1, 1), 0.5)
    climb = _Climb.at(clean.clone(), torch.arange(1), torch.zeros(1), 0.02)
    climb.gradient = torch.tensor([1.0, -1, 0]).view(1, 3, 1, 1)
    climb.step(ball, clean, 1)
    climb.gradient = torch.tensor([1.0, 1, 0]).view(1, 3, 1, 1)
    climb.step(ball, clean, 0.75)

    expected = [0.52 + 0.75 * 0.02 + 0.25 * 0.02, 0.48 + 0.75 * 0.02 - 0.25 * 0.02, 0.5]
    assert climb.images.flatten().tolist() == pytest.approx(expected)


def test_targets_are_wrong_classes_most_likely_first():
    """The label itself is left out, wherever it stands; at most K − 1."""
    logits = torch.tensor([[0.0, 3, 2, 1], [5, 1, 1, 2]])

    assert _wrong_classes(logits, torch.tensor([2, 0]), 2).tolist() == [[1, 3], [3, 1]]
    assert _wrong_classes(logits, torch.tensor([1, 3]), 9).tolist() == [[2, 3, 0], [0, 1, 2]]


@pytest.mark.parametrize(("loss", "runs"), [("ce", 2), ("dlr", 2), ("dlr_targeted, targets=9", 2 * 4)])
def test_passes_where_nothing_breaks(loss, runs, attacks, gray):
    """Clean 1; each run makes its steps, forward and back, and one more pass; as the model really counts."""
    model, images = attacks.linear.random(5, 4), gray[1]
    far = model.distances(images, model(images).argmax(1), "linf").argsort(descending=True)[:4]
    counting = attacks.counting(model, 4)
    images = counting.marked(images[far])
    labels = counting(images).argmax(1)
    counting.forward.zero_()
    found = attacks.run(f"apgd(1e-5, loss={loss}, steps=7, restarts=2)", counting, images, labels)

    assert attacks.robust_accuracy(found) == 1
    assert found.columns["forward_passes"].tolist() == [1 + 8 * runs] * 4 == counting.forward.tolist()
    assert found.columns["backward_passes"].tolist() == [7 * runs] * 4 == counting.backward.tolist()


def test_early_stopping_saves_passes(attacks, gray):
    """A broken image is not shown again: far fewer passes than steps, the counts those of the model."""
    model, images, labels = gray
    counting = attacks.counting(model, 8)
    images = counting.marked(images[:8])
    labels = counting(images).argmax(1)
    labels[0] = 1 - labels[0]
    counting.forward.zero_()
    found = attacks.run("apgd(0.05, steps=50)", counting, images, labels)
    forward, back = found.columns["forward_passes"], found.columns["backward_passes"]

    assert forward.tolist() == counting.forward.tolist()
    assert back.tolist() == counting.backward.tolist()
    assert (forward[0], back[0]) == (1, 0)
    assert (forward[1:] < 10).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_every_run_has_a_start_of_its_own(norm, attacks, gray):
    """Run n of all restarts and targets starts at the field start/n, whoever else is in the batch."""
    model, images = attacks.linear.random(5, 4), gray[1]
    labels = model(images).argmax(1)
    far = model.distances(images, labels, "linf") > 0.001
    images, labels, seen = images[far], labels[far], []

    def watched(pixels):
        seen.append(pixels.detach().clone())
        return model(pixels)

    attacks.run(f"apgd(1e-5, norm={norm}, loss=dlr_targeted, targets=2, steps=1, restarts=2)", watched, images, labels)
    keys = Keys(0, "apgd", tuple(map(str, range(len(images)))))

    assert len(seen) == 1 + 2 * 4
    for number, first in enumerate(seen[1::2]):
        assert torch.equal(first, Ball(norm, 1e-5).random(images, keys, f"start/{number}"))


@pytest.mark.parametrize("spec", ["apgd(2/255, steps=5)", "apgd(0.4, norm=l2, loss=dlr, steps=5)"])
def test_broken_sets_do_not_depend_on_the_batch(spec, attacks, block, vit):
    """One batch of 64 against four, and two shards."""
    together = attacks.in_parts(spec, vit, block, [range(64)])
    for parts in [[range(i, i + 16) for i in range(0, 64, 16)], [range(0, 64, 2), range(1, 64, 2)]]:
        attacks.assert_same_broken(together, attacks.in_parts(spec, vit, block, parts))


def test_at_most_one_point_above_pgd(attacks, block, vit):
    """At equal passes: 10 steps each, on 64 images at 2/255."""
    images = block.images.float() / 255
    pgd, apgd = (
        attacks.run(f"{name}(2/255, steps=10)", vit, images, block.labels, block.ids) for name in ("pgd", "apgd")
    )

    assert 0.2 <= attacks.robust_accuracy(pgd) <= 0.8
    assert attacks.robust_accuracy(apgd) <= attacks.robust_accuracy(pgd) + 0.01
    assert apgd.columns["forward_passes"].max() == pgd.columns["forward_passes"].max() == 12
