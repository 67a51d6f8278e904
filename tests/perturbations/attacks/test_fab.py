"""FAB, targeted: distances of linear models, the library's own loop, and passes."""

import pytest
import torch

library = pytest.importorskip("torchattacks")


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_linear_models_break_at_their_distance(norm, attacks):
    """Within 6 % beyond the closed form, because FAB oversteps by 5 %; never below it."""
    model = attacks.linear.random(6, 6)
    images = 0.5 + 0.05 * torch.randn(16, 3, 6, 6, generator=torch.Generator().manual_seed(5))
    labels = model(images).argmax(1)
    distances = model.distances(images, labels, norm)
    for eps in distances.quantile(torch.tensor([0.2, 0.5, 0.8], dtype=torch.float64)).tolist():
        found = attacks.run(f"fab({eps:.6f}, norm={norm}, steps=30)", model, images, labels)
        broken = found.columns["broken_by"] == 2

        assert broken[distances * 1.06 < eps].all()
        assert not broken[distances > eps * (1 + 1e-4)].any()
        assert (found.columns["norm"] <= eps * (1 + 1e-5)).all()


def test_result_is_that_of_the_librarys_own_loop(attacks, vit, block):
    """The same images are broken, by the same pixels."""
    images, labels = block.images[:6].float() / 255, block.labels[:6]
    ours = attacks.run("fab(6/255, steps=4, targets=3)", vit, images, labels)
    theirs = library.FAB(vit, eps=6 / 255, steps=4, multi_targeted=True, n_classes=4)(images, labels)
    broken = (theirs - images).flatten(1).abs().amax(1) > 0

    assert broken.any()
    assert torch.equal(ours.columns["broken_by"] == 2, broken)
    assert torch.allclose(ours.images[broken], theirs[broken], atol=1e-5)


def test_passes_are_each_images_own(attacks):
    """Although images are attacked together: a model counts that knows them by a pixel."""
    counting = attacks.counting(attacks.linear.random(4, 8), 7)
    images = counting.marked(torch.rand(7, 3, 8, 8, generator=torch.Generator().manual_seed(6)))
    labels = counting(images).argmax(1)
    counting.forward.zero_()
    found = attacks.run("fab(0.004, steps=3)", counting, images, labels)

    assert torch.equal(found.columns["forward_passes"], counting.forward)
    assert torch.equal(found.columns["backward_passes"], counting.backward)


def test_nothing_is_drawn(attacks, vit, block):
    """Other ids, another seed, other global generators: the same images."""
    images, labels = block.images[:3].float() / 255, block.labels[:3]
    state = torch.get_rng_state()
    one = attacks.run("fab(4/255, steps=2, targets=2)", vit, images, labels)
    assert torch.equal(state, torch.get_rng_state())
    torch.rand(5)
    other = attacks.run("fab(4/255, steps=2, targets=2)", vit, images, labels, ids="xyz", seed=9)

    assert torch.equal(one.images, other.images)
