"""Attacks on linear classifiers, whose distance to the nearest other class is known: margin over the dual norm."""

import pytest
import torch

BELOW, ABOVE = 1 - 1e-3, 1 + 1e-3
# In L2, steps of the default length turn a random start to within 9° of the gradient: cos 9° = 0.987. Longer ones end
# there.
TWO_CLASSES = [
    "pgd(eps={eps:.9f})",
    "pgd(eps={eps:.9f}, norm=l2, alpha={eps:.9f}, steps=30)",
    "pgd(eps={eps:.9f}, norm=l2, random_start=false)",
    "apgd(eps={eps:.9f}, steps=20)",
    "apgd(eps={eps:.9f}, norm=l2, steps=50)",
]
SEVERAL_CLASSES = [
    "apgd(eps={eps:.9f}, loss=dlr_targeted, steps=50)",
    "apgd(eps={eps:.9f}, norm=l2, loss=dlr_targeted, steps=100)",
]


def broken(attacks, spec, model, images, labels, distances, factor):
    """Whether each image is broken with eps at so much of its own distance."""
    found = [
        attacks.run(spec.format(eps=factor * float(d)), model, images[i : i + 1], labels[i : i + 1])
        for i, d in enumerate(distances)
    ]
    return torch.cat([one.columns["broken_by"] for one in found]) != 0


def norm_of(spec: str) -> str:
    """The norm that a spec asks for."""
    return "l2" if "norm=l2" in spec else "linf"


@pytest.mark.parametrize("spec", TWO_CLASSES)
def test_breaks_at_the_exact_distance(spec, attacks, gray):
    """Cross-entropy on two classes: 0.1 % above the distance all are broken, 0.1 % below none."""
    model, images, labels = gray[0], gray[1][:8], gray[2][:8]
    distances = model.distances(images, labels, norm_of(spec))

    assert broken(attacks, spec, model, images, labels, distances, ABOVE).all()
    assert not broken(attacks, spec, model, images, labels, distances, BELOW).any()


@pytest.mark.parametrize("spec", SEVERAL_CLASSES)
def test_targets_find_the_nearest_of_several_classes(spec, attacks, gray):
    """Targeted DLR on six classes: the nearest need not be the second most likely."""
    model, images = attacks.linear.random(6, 4, seed=3), gray[1][:6]
    labels = model(images).argmax(1)
    distances = model.distances(images, labels, norm_of(spec))

    assert broken(attacks, spec, model, images, labels, distances, ABOVE).all()
    assert not broken(attacks, spec, model, images, labels, distances, BELOW).any()


def test_square_breaks_at_the_exact_distance(attacks, gray):
    """On 4×4 pixels random squares find the one best corner of the L∞ ball."""
    model, images, labels = gray[0], gray[1][:4], gray[2][:4]
    distances = model.distances(images, labels, "linf")
    spec = "square(eps={eps:.9f}, queries=3000)"

    assert broken(attacks, spec, model, images, labels, distances, ABOVE).all()
    assert not broken(attacks, "square(eps={eps:.9f}, queries=500)", model, images, labels, distances, BELOW).any()


def test_square_comes_near_the_distance_in_l2(attacks, gray):
    """None is broken below the distance; at twice the distance all are."""
    model, images, labels = gray[0], gray[1][:8], gray[2][:8]
    distances = model.distances(images, labels, "l2")
    spec = "square(eps={eps:.9f}, norm=l2, queries=1000)"

    assert broken(attacks, spec, model, images, labels, distances, 2).all()
    assert not broken(attacks, spec, model, images, labels, distances, BELOW).any()


@pytest.mark.parametrize(
    ("spec", "norm"),
    [
        ("pgd(eps={eps})", "linf"),
        ("pgd(eps={eps}, norm=l2, random_start=false)", "l2"),
        ("apgd(eps={eps}, steps=20)", "linf"),
        ("apgd(eps={eps}, norm=l2, steps=50)", "l2"),
    ],
)
def test_robust_accuracy_is_the_share_farther_than_eps(spec, norm, attacks, gray):
    """At five values of eps the same images are left, not just as many."""
    model, images, labels = gray
    distances = model.distances(images, labels, norm)

    for quantile in (0.1, 0.3, 0.5, 0.7, 0.9):
        eps = round(float(distances.quantile(quantile)), 6)
        clear = (distances / eps - 1).abs() > 1e-3
        found = attacks.run(spec.format(eps=eps), model, images, labels)

        assert torch.equal((found.columns["broken_by"] == 0)[clear], (distances > eps)[clear])


@pytest.mark.parametrize("attack", ["pgd", "apgd(steps=20)", "apgd(norm=l2, steps=50)"])
def test_min_eps_is_the_first_of_the_grid_beyond_the_distance(attack, attacks, gray):
    """0 where the model is wrong anyway, infinite beyond the grid; the curve never rises."""
    model, images, labels = gray
    labels = labels.clone()
    labels[:3] = 1 - labels[:3]
    distances = model.distances(images, labels, "l2" if "l2" in attack else "linf").clamp_min(0)
    grid = torch.tensor([round(float(distances[3:].quantile(q)), 6) * 1.002 for q in (0.2, 0.4, 0.6, 0.8)])
    grid = torch.tensor([round(float(eps), 7) for eps in grid], dtype=torch.float64)
    spec = f"min_eps(attack={attack}, grid=[{', '.join(f'{eps:.7f}' for eps in grid.tolist())}])"
    steps = torch.cat([torch.zeros(1, dtype=torch.float64), grid, torch.tensor([torch.inf])])
    expected = steps[torch.searchsorted(steps, distances)]

    found = attacks.run(spec, model, images, labels)

    assert torch.equal(found.columns["min_eps"], expected)
    assert (found.columns["norm"] <= expected.clamp_max(float(grid[-1])) + 1e-6).all()
    assert torch.equal(found.columns["broken_by"] == 0, expected.isinf())
