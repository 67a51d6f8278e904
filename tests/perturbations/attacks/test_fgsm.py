"""FGSM against its formula; other programs judge it in tests/oracles/test_torchattacks.py."""

import torch


def test_step_is_eps_times_the_sign_of_the_gradient(attacks, gray):
    """On two classes cross-entropy grows along w_other − w_label, so every pixel is known."""
    model, images, labels = gray
    direction = (model.weights[1 - labels] - model.weights[labels]).sign().view_as(images)
    found = attacks.run("fgsm(8/255)", model, images, labels)

    assert (found.images - (images + 8 / 255 * direction).clamp(0, 1)).abs().max() < 1e-6
    assert (found.columns["norm"] - 8 / 255).abs().max() < 1e-6


def test_two_passes_forward_and_one_back(attacks, gray):
    """The gradient's pass judges the clean image, the second one the step; as the model really counts."""
    model, images, labels = gray
    counting = attacks.counting(model, 8)
    found = attacks.run("fgsm(0.01)", counting, counting.marked(images[:8]), labels[:8])

    assert torch.equal(found.columns["forward_passes"], counting.forward)
    assert torch.equal(found.columns["backward_passes"], counting.backward)
    assert counting.forward.tolist() == [2] * 8
    assert counting.backward.tolist() == [1] * 8


def test_wrong_images_take_the_step_too(attacks, gray):
    """They count as broken without an attack, and are moved as other programs move them."""
    model, images, labels = gray
    found = attacks.run("fgsm(0.01)", model, images, 1 - labels)

    assert (found.columns["broken_by"] == found.words["broken_by"].index("clean")).all()
    assert (found.columns["norm"] > 0.009).all()


def test_eps_0_leaves_images_as_they_are(attacks, gray):
    """Nothing is allowed, nothing is done."""
    model, images, labels = gray

    assert torch.equal(attacks.run("fgsm(0)", model, images, labels).images, images)
