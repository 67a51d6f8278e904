"""The ball of allowed images: projection, random starts, steepest directions."""

import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy import stats

from robustbench_vit.perturbations.attacks.ball import Ball, lengths
from robustbench_vit.randomness import Keys

NORMS = ("linf", "l2")
KEYS = Keys(0, "pgd", tuple("abcdefgh"))


def images(seed: int, n: int = 8) -> torch.Tensor:
    """Values over all of [0,1]."""
    return torch.rand(n, 3, 5, 4, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=40, deadline=None)
@given(norm=st.sampled_from(NORMS), eps=st.floats(1e-4, 2), seed=st.integers(0, 99), scale=st.floats(0, 3))
def test_projected_images_are_in_the_ball(norm, eps, seed, scale):
    """Within eps and in [0,1], from anywhere; what is in the ball already stays."""
    ball, clean = Ball(norm, eps), images(seed)
    far = clean + scale * (images(seed + 1) - 0.5)
    inside = ball.project(far, clean)
    before = far.clone()

    assert (ball.distance(inside, clean) <= eps * (1 + 1e-5) + 1e-6).all()
    assert inside.min() >= 0
    assert inside.max() <= 1
    assert torch.equal(before, far)
    assert (ball.project(inside, clean) - inside).abs().max() <= 1e-6


@pytest.mark.parametrize("norm", NORMS)
def test_projection_is_the_nearest_point(norm):
    """Where [0,1] does not bind, no point of the ball is nearer: the change is clipped, or shortened."""
    ball, clean = Ball(norm, 0.1), torch.full((1, 3, 5, 4), 0.5)
    change = images(3, 1) - 0.5
    expected = change.clamp(-0.1, 0.1) if norm == "linf" else 0.1 * change / change.square().sum().sqrt()

    assert (ball.project(clean + change, clean) - clean - expected).abs().max() < 1e-6


@pytest.mark.parametrize("norm", NORMS)
def test_steepest_attains_the_dual_norm(norm):
    """Of all changes of length 1, none gains more: gradient · change is the dual norm of the gradient."""
    gradient = images(4) - 0.5
    steepest = Ball(norm, 1).steepest(gradient)
    gained = (gradient * steepest).flatten(1).sum(1)
    dual = gradient.flatten(1).abs().sum(1) if norm == "linf" else gradient.flatten(1).norm(dim=1)

    assert torch.allclose(lengths(steepest, norm), torch.ones(8))
    assert torch.allclose(gained, dual)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("size", [1e-30, 1e-12, 1.0, 1e30])
def test_steepest_does_not_depend_on_the_size_of_the_gradient(norm, size):
    """The direction is that of the gradient, however small; no gradient gives no step."""
    gradient = images(5) - 0.5
    ball = Ball(norm, 1)

    assert torch.allclose(ball.steepest(gradient * size), ball.steepest(gradient), atol=1e-5)
    assert not ball.steepest(torch.zeros_like(gradient)).any()


@pytest.mark.parametrize("norm", NORMS)
def test_starts_are_in_the_ball_and_keyed(norm):
    """The same for an image alone and among others; another one for each image, restart and seed."""
    clean, ball = images(6), Ball(norm, 0.3)
    starts = ball.random(clean, KEYS, "start/0")
    alone = torch.cat([ball.random(clean[i : i + 1], KEYS[i : i + 1], "start/0") for i in range(8)])
    others = ball.random(clean, KEYS, "start/1"), ball.random(clean, Keys(1, "pgd", KEYS.ids), "start/0")

    assert torch.equal(starts, alone)
    assert (ball.distance(starts, clean) <= 0.3 + 1e-6).all()
    assert 0 <= starts.min() <= starts.max() <= 1
    assert all(((starts - other).flatten(1).norm(dim=1) > 0.01).all() for other in others)
    assert len({tuple(change) for change in (starts - clean).flatten(1).tolist()}) == 8


@pytest.mark.parametrize("norm", NORMS)
def test_starts_are_nested_over_eps(norm):
    """The start at 3·eps is three times as far in the same direction, where [0,1] does not bind."""
    clean = torch.full((8, 3, 5, 4), 0.5)
    near, far = (Ball(norm, eps).random(clean, KEYS, "start/0") - clean for eps in (0.1, 0.3))

    assert (far - 3 * near).abs().max() < 1e-6


def test_starts_are_uniform():
    """L∞: every value uniform. L2: the length is. p of both above 0.01."""
    clean = torch.full((2000, 3, 2, 1), 0.5)
    keys = Keys(0, "pgd", tuple(map(str, range(2000))))
    values = Ball("linf", 0.25).random(clean, keys, "start/0") - clean
    radii = Ball("l2", 0.25).distance(Ball("l2", 0.25).random(clean, keys, "start/0"), clean) / 0.25

    assert stats.kstest(values.flatten().numpy(), stats.uniform(-0.25, 0.5).cdf).pvalue > 0.01
    assert stats.kstest(radii.double().numpy(), "uniform").pvalue > 0.01


@pytest.mark.parametrize("norm", NORMS)
def test_no_images(norm):
    """Nothing in, nothing out."""
    nothing, ball = torch.zeros(0, 3, 4, 4), Ball(norm, 0.1)

    assert ball.random(nothing, Keys(0, "pgd", ()), "start/0").shape == (0, 3, 4, 4)
    assert ball.project(nothing, nothing).shape == (0, 3, 4, 4)
    assert ball.steepest(nothing).shape == (0, 3, 4, 4)
