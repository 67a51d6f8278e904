"""PGD: starts, steps, early stopping; other programs judge it in tests/oracles/test_torchattacks.py."""

import pytest
import torch

from robustbench_vit.perturbations.attacks.ball import Ball
from robustbench_vit.randomness import Keys

SPEC = "pgd(2/255, steps=5)"


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_first_images_are_the_keyed_starts(norm, attacks, gray):
    """What the model is shown first is the start of each restart: the same image by image and together."""
    model, images, labels = gray
    far = model.distances(images, labels, "linf") > 0.01
    images, labels, seen = images[far], labels[far], []

    def watched(pixels):
        seen.append(pixels.detach().clone())
        return model(pixels)

    attacks.run(f"pgd(0.001, norm={norm}, steps=1, restarts=2)", watched, images, labels)
    keys = Keys(0, "pgd", tuple(map(str, range(len(images)))))
    starts = [Ball(norm, 0.001).random(images, keys, f"start/{restart}") for restart in range(2)]

    assert len(seen) == 5  # the clean images, then the start and the last image of each restart
    assert torch.equal(seen[1], starts[0])
    assert torch.equal(seen[3], starts[1])


def test_every_step_follows_the_formula(attacks, gray):
    """Without a random start: x + alpha·sign ∇, clipped to eps, step by step."""
    model, images, labels = gray
    direction = (model.weights[1 - labels] - model.weights[labels]).sign().view_as(images)
    for steps, length in ((1, 0.004), (2, 0.008), (3, 0.01)):
        found = attacks.run(
            f"pgd(0.01, steps={steps}, alpha=0.004, random_start=false, iterate=last)", model, images, labels
        )

        assert (found.images - (images + length * direction)).abs().max() < 1e-6


def test_early_stopping_counts_passes(attacks, gray):
    """Counted by hand: clean 1; then one a step until broken, and one for the last image where none was."""
    model, images, labels = gray
    images, labels = images[:8], labels[:8].clone()
    labels[0] = 1 - labels[0]
    counting = attacks.counting(model, 8)
    images = counting.marked(images)
    hidden = images.clone()
    hidden[:, :, -1, -1] = 0.5
    distances = model.distances(hidden, labels, "linf")
    spec = "pgd(0.05, steps=4, alpha=0.01, random_start=false)"
    # The k-th image shown lies (k − 1)·0.01 from the clean one, gray's last pixel not moving: it has no gradient.
    weights = (model.weights[0] - model.weights[1]).view(3, 4, 4).clone()
    weights[:, -1, -1] = 0
    reach = distances * (model.weights[0] - model.weights[1]).abs().sum() / weights.abs().sum()
    moves = (reach / 0.01).ceil()

    found = attacks.run(spec, counting, images, labels)

    assert 2 <= len(set(moves[1:].clamp_max(5).tolist()))
    expected = torch.where(moves <= 4, moves + 2, 6)
    expected[0] = 1
    assert found.columns["forward_passes"].tolist() == expected.tolist() == counting.forward.tolist()
    assert torch.equal(found.columns["backward_passes"], counting.backward)
    assert counting.backward[0] == 0
    assert (found.columns["backward_passes"][1:] == (expected[1:] - 1).clamp_max(4)).all()


@pytest.mark.parametrize(
    ("spec", "sizes"), [("pgd(2/255, steps=5)", (1, 16)), ("pgd(0.4, norm=l2, steps=5)", (16,))], ids=["linf", "l2"]
)
def test_broken_sets_do_not_depend_on_the_batch(spec, sizes, attacks, block, vit):
    """One batch of 64 against smaller ones and two shards."""
    together = attacks.in_parts(spec, vit, block, [range(64)])
    for parts in [[range(i, i + size) for i in range(0, 64, size)] for size in sizes] + [
        [range(0, 64, 2), range(1, 64, 2)]
    ]:
        attacks.assert_same_broken(together, attacks.in_parts(spec, vit, block, parts))


def test_worst_iterate_is_never_weaker(attacks, block, vit):
    """Of each image the worst iterate has at most the margin of the last one, from the same starts."""
    images = block.images[:32].float() / 255
    worst, last = (
        attacks.run(f"pgd(2/255, steps=5, iterate={which})", vit, images, block.labels[:32], block.ids[:32])
        for which in ("worst", "last")
    )
    still = (worst.columns["broken_by"] == 0).nonzero()[:, 0]

    assert attacks.robust_accuracy(worst) <= attacks.robust_accuracy(last)
    assert (worst.columns["margin"][still] <= last.columns["margin"][still] + 1e-4).all()


def test_input_stays_untouched_and_eps_is_kept(attacks, block, vit):
    """The clean images are not written to; the norm column is the distance of the images returned."""
    images = block.images[:8].float() / 255
    before = images.clone()
    found = attacks.run(SPEC, vit, images, block.labels[:8], block.ids[:8])

    assert torch.equal(images, before)
    assert torch.equal(found.columns["norm"], (found.images - images).flatten(1).abs().amax(1))
    assert found.columns["norm"].max() <= 2 / 255 + 1e-6
