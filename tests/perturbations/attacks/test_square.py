"""Square attack: the published schedule and shapes, keyed draws, no gradient, bookkeeping."""

import numpy as np
import pytest
import torch

from robustbench_vit.perturbations.attacks import square as module
from robustbench_vit.perturbations.attacks.ball import Ball
from robustbench_vit.randomness import Keys

LINF, L2 = "square(0.02, queries=40)", "square(1, norm=l2, queries=40)"


def watched(model, seen):
    """The model, keeping what it is shown."""

    def call(pixels):
        seen.append(pixels.detach().clone())
        return model(pixels)

    return call


def test_sides_follow_the_published_schedule():
    """Share p = 0.8, halved after 10, 50, 200, … of 10,000: the side is √(p·H·W), at least 1; odd, at least 3 in L2."""
    for query, halvings in [(0, 0), (10, 0), (11, 1), (51, 2), (201, 3), (501, 4), (1001, 5), (8001, 9)]:
        side = np.sqrt(0.8 / 2**halvings * 224 * 224)

        assert module._side(query / 10_000, "linf", 224, 224) == round(side)
        assert 0 <= module._side(query / 10_000, "l2", 224, 224) - round(side) <= 1
        assert module._side(query / 10_000, "l2", 224, 224) % 2 == 1
    assert module._side(0.9, "linf", 32, 32) == 1
    assert module._side(0.9, "l2", 32, 32) == 3
    assert module._side(0.0, "linf", 100, 8) == 8


def test_schedule_is_stretched_to_the_number_of_queries():
    """Half-way through 500 queries squares are as large as half-way through 10,000."""
    for query in (0, 3, 30, 250, 499):
        assert module._side(query / 500, "linf", 64, 64) == module._side(20 * query / 10_000, "linf", 64, 64)


def test_autoattack_keeps_to_the_schedule_of_10000_queries():
    """Sides of the authors' program on 32×32, which does not rescale the schedule there."""
    sides = {0: 29, 10: 29, 11: 20, 51: 14, 101: 14, 201: 10, 501: 7, 1001: 5, 2001: 4, 4001: 3, 4999: 3}

    assert {query: module._side(query / 10_000, "linf", 32, 32) for query in sides} == sides


def test_peaks_follow_equation_2():
    """Σ 1/(n + 1 − k)² over k ≤ M, two halves of equal length and opposite sign, and its transpose."""
    for side in (3, 5, 8, 21):
        raw = np.zeros((side, side))
        for half, top, height, sign in ((0, 0, side // 2, 1), (1, side // 2, side - side // 2, -1)):
            n = side // 2
            for r in range(height):
                for s in range(side):
                    m = n - max(abs(r - height // 2), abs(s - side // 2))
                    raw[top + r, s] = sign * sum(1 / (n + 1 - k) ** 2 for k in range(m + 1))
            assert half in (0, 1)
            raw[top : top + height] /= np.linalg.norm(raw[top : top + height])
        upright, turned = module._peaks(side, torch.zeros(1, dtype=torch.float64)).numpy()

        assert upright == pytest.approx(raw / np.linalg.norm(raw))
        assert (turned == upright.T).all()


def test_starts_with_vertical_stripes(attacks, gray):
    """The first query: each column of each channel is eps above or below, both about equally often."""
    model, seen = attacks.linear.random(2, 16), []
    images = torch.full((32, 3, 16, 16), 0.5)
    attacks.run("square(0.01, queries=1)", watched(model, seen), images, model(images).argmax(1))
    change = seen[1] - 0.5

    assert len(seen) == 2
    assert (change.abs() - 0.01).abs().max() < 1e-6
    assert (change == change[:, :, :1]).all()
    assert 0.45 < (change[:, :, 0] > 0).float().mean() < 0.55


def test_each_query_recolours_one_square(attacks):
    """Against the best so far, what changed lies in one square of the query's side, eps above or below in a channel."""
    images = torch.full((1, 3, 16, 16), 0.5)
    seen, best, lowest = [], None, torch.inf

    def model(pixels):
        seen.append(pixels.clone())
        return torch.stack([1 + 0.1 * pixels.square().sum((1, 2, 3)), 0 * pixels.sum((1, 2, 3))], 1)

    attacks.run("square(0.02, queries=200)", model, images, torch.zeros(1, dtype=torch.long))
    for query, shown in enumerate(seen[1:]):
        margin = float(1 + 0.1 * shown.square().sum())
        if best is not None:
            side = module._side(query / 200, "linf", 16, 16)
            where = (shown != best).any(1)[0].nonzero()
            assert not len(where) or (where.amax(0) - where.amin(0) < side).all()
            assert ((shown - 0.5).abs() - 0.02).abs().max() < 1e-6
        if margin < lowest:
            best, lowest = shown, margin
    found = attacks.run("square(0.02, queries=200)", model, images, torch.zeros(1, dtype=torch.long))

    assert float(found.columns["margin"]) == pytest.approx(lowest)
    assert torch.equal(found.images, best)


def test_l2_spends_all_of_eps(attacks):
    """Where [0,1] does not bind, every query lies at distance eps: change is moved, never lost."""
    model, seen = attacks.linear.random(2, 16), []
    images = torch.full((4, 3, 16, 16), 0.5)
    attacks.run("square(0.3, norm=l2, queries=100)", watched(model, seen), images, model(images).argmax(1))
    lengths = torch.cat([(shown - 0.5).flatten(1).norm(dim=1) for shown in seen[1:]])

    assert (lengths - 0.3).abs().max() < 1e-4


@pytest.mark.parametrize("spec", [LINF, L2])
def test_same_queries_alone_and_among_others(spec, attacks, block, resnet):
    """What an image is shown as does not depend on which others are there, or have been broken meanwhile.

    The first network sees the images of a batch, some of which break; the second each alone.
    """
    images, labels = block.images[:4].float() / 255, block.labels[:4]
    labels = torch.where(torch.arange(4) == 1, (labels + 1) % 10, labels)
    together, alone = [], []
    found = attacks.run(spec, watched(resnet, together), images, labels, block.ids[:4])
    last = found.columns["broken_by"].argmin()  # one that nobody broke stands in every batch
    attacks.run(spec, watched(resnet, alone), images[last : last + 1], labels[last : last + 1], [block.ids[last]])

    assert found.columns["broken_by"][last] == 0
    assert len(together) == len(alone) == 41
    for shown, expected in zip(together[:20], alone[:20], strict=True):
        assert (shown - expected).flatten(1).abs().amax(1).min() < 1e-6


def test_draws_are_uniform_and_of_their_own():
    """Corners and colours of 8 × 1,280 queries: all differ, the mean of each quantity is that of 2³² values."""
    keys = Keys(0, "square", tuple("abcdefgh"))
    draws = torch.cat([module._draws(keys, number) for number in range(10)], 1)

    assert draws.shape == (8, 1280, 5)
    assert (0 <= draws).all()
    assert (draws < 2**32).all()
    assert draws.unique().numel() > 0.999 * draws.numel()
    assert ((draws.double().mean((0, 1)) / 2**32 - 0.5).abs() < 4 / np.sqrt(12 * 8 * 1280)).all()


def test_asks_no_gradient(attacks, block, resnet):
    """A model under no_grad, even one that goes through numpy, is attacked; no backward pass is counted."""

    def model(pixels):
        assert not pixels.requires_grad
        return torch.from_numpy(resnet(pixels).detach().numpy())

    found = attacks.run(LINF, model, block.images[:8].float() / 255, block.labels[:8])

    assert not found.columns["backward_passes"].any()
    assert found.columns["zero_gradient"].isnan().all()


@pytest.mark.parametrize("spec", [LINF, L2])
def test_counts_queries_and_stops_early(spec, attacks, block, resnet):
    """The clean pass and at most the queries; images that are broken are shown no more; as the model counts."""
    counting = attacks.counting(resnet, 16)
    images, labels = counting.marked(block.images[:16].float() / 255), block.labels[:16].clone()
    labels[0] = (labels[0] + 1) % 10
    found = attacks.run(spec, counting, images, labels)
    passes, broken_by = found.columns["forward_passes"], found.columns["broken_by"]

    assert passes.tolist() == counting.forward.tolist()
    assert (passes[broken_by == 0] == 41).all()
    assert (passes[broken_by == 1] == 1).all()
    assert (passes[broken_by == 2] >= 2).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 2, 5), (3, 7, 3), (3, 9, 20)])
def test_any_shape(norm, shape, attacks):
    """Images smaller than a tile, and such that are not square, keep to the ball."""
    images = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))

    def model(pixels):
        return torch.stack([1 + pixels.mean((1, 2, 3)), 0 * pixels.mean((1, 2, 3))], 1)

    found = attacks.run(f"square(0.1, norm={norm}, queries=30)", model, images, torch.zeros(2, dtype=torch.long))

    assert (Ball(norm, 0.1).distance(found.images, images) <= 0.1 + 1e-6).all()
    assert (found.columns["margin"] < model(images)[:, 0]).all()


@pytest.mark.parametrize("spec", ["square(8/255, queries=25)", "square(4, norm=l2, queries=25)"])
def test_broken_sets_do_not_depend_on_the_batch(spec, attacks, block, vit):
    """One batch of 64 against four, and two shards."""
    together = attacks.in_parts(spec, vit, block, [range(64)])
    for parts in [[range(i, i + 16) for i in range(0, 64, 16)], [range(0, 64, 2), range(1, 64, 2)]]:
        attacks.assert_same_broken(together, attacks.in_parts(spec, vit, block, parts))
