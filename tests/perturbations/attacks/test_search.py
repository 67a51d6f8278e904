"""What all attacks share: errors, bookkeeping, notes on gradients, corner cases."""

import pytest
import torch

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attacks.ball import Ball
from robustbench_vit.perturbations.attacks.losses import cross_entropy
from robustbench_vit.perturbations.attacks.search import ATTACK, CLEAN, NOBODY, Search, checked
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Context, Perturbed

GRADIENT = ["fgsm(0.02)", "pgd(0.02, steps=3)", "apgd(0.02, steps=3)"]
EVERY = [*GRADIENT, "square(0.02, queries=5)", "worst([fgsm(0.02), square(0.02, queries=5)])"]
EVERY += ["min_eps(attack=pgd(steps=2), grid=[0.01, 0.02])"]


@pytest.mark.parametrize("spec", EVERY)
def test_without_model_or_labels(spec, gray):
    """An error that names the attack and what is missing."""
    model, images, labels = gray
    names = tuple(map(str, range(len(images))))
    for context in (Context(model=model), Context(labels=labels), Context()):
        with pytest.raises(CaseError, match="needs a model and labels"):
            Perturbation.bind(spec)(images, names, context=context)


@pytest.mark.parametrize("spec", EVERY)
@pytest.mark.parametrize("label", [-1, 2])
def test_labels_outside_the_logits(spec, label, attacks, gray):
    """An error that says how many classes there are and what the labels span."""
    model, images, labels = gray
    labels = labels.clone()
    labels[5] = label
    low, high = int(labels.min()), int(labels.max())

    with pytest.raises(CaseError, match=f"the model has 2 classes, the labels span {low} to {high}"):
        attacks.run(spec, model, images, labels)


@pytest.mark.parametrize("spec", GRADIENT)
def test_a_model_without_gradient(spec, attacks, gray):
    """Under no_grad or detached: an error that names square."""
    model, images, labels = gray
    for blocked in (torch.no_grad()(model), lambda pixels: model(pixels.detach())):
        with pytest.raises(CaseError, match=r"not differentiable.*square"):
            attacks.run(spec, blocked, images, labels)


@pytest.mark.parametrize("spec", GRADIENT)
def test_works_inside_no_grad(spec, attacks, gray):
    """The caller's no_grad does not keep an attack from its gradients."""
    model, images, labels = gray
    with torch.no_grad():
        found = attacks.run(spec, model, images, labels)

    assert found.columns["backward_passes"].any()
    assert not found.images.requires_grad


@pytest.mark.parametrize("spec", GRADIENT)
def test_zero_gradients_are_noted(spec, attacks, block, resnet):
    """Share of first gradients that lead nowhere: quantised input 1, saturated softmax > 0.5, plain model 0."""
    images, labels = block.images[:32].float() / 255, block.labels[:32]
    labels = torch.where(torch.arange(32) == 3, (labels + 1) % 10, labels)

    def share(model):
        noted = attacks.run(spec, model, images, labels).columns["zero_gradient"]
        assert noted[3].isnan()
        return float(noted.nanmean())

    assert share(lambda x: resnet((x * 255).round() / 255)) == 1
    assert share(lambda x: 1000 * resnet(x)) > 0.5
    assert share(resnet) == 0


def test_gradients_that_are_not_finite_count_as_zero(attacks, gray):
    """√ at 0 has an infinite slope; the attack goes on without it, and says so."""
    model, images, labels = gray
    images = images.clone()
    images[4, 0, 0, 0] = 0
    found = attacks.run("pgd(0.01, random_start=false)", lambda x: model(x.sqrt()), images, labels)
    noted = found.columns["zero_gradient"]

    assert found.images.isfinite().all()
    assert noted[4] == 1 or noted[4].isnan()
    assert not noted[torch.arange(32) != 4].nan_to_num().any()


def test_ratio_finds_a_gradient_where_cross_entropy_has_none(attacks, block, resnet):
    """Logits × 1000: DLR is not fooled by the saturated softmax, so it breaks more."""
    images, labels = block.images[:32].float() / 255, block.labels[:32]
    plain, ratio = (
        attacks.run(f"apgd(8/255, steps=5, loss={loss})", lambda x: 1000 * resnet(x), images, labels)
        for loss in ("ce", "dlr")
    )

    assert not ratio.columns["zero_gradient"].nan_to_num().any()
    assert attacks.robust_accuracy(ratio) < attacks.robust_accuracy(plain) - 0.2


@pytest.mark.parametrize("spec", EVERY)
def test_no_images(spec, attacks, resnet):
    """An empty batch gives empty columns."""
    found = attacks.run(spec, resnet, torch.zeros(0, 3, 64, 64), torch.zeros(0, dtype=torch.long))

    assert found.images.shape == (0, 3, 64, 64)
    assert all(column.shape == (0,) for column in found.columns.values())


@pytest.mark.parametrize("spec", EVERY)
def test_everything_wrong_already(spec, attacks, gray):
    """Nothing is attacked but by FGSM, which always makes its step; the model is shown the clean images once."""
    model, images, labels = gray
    found = attacks.run(spec, model, images, 1 - labels)

    assert (found.columns["broken_by"] == CLEAN).all()
    assert found.columns["zero_gradient"].isnan().all()
    if not spec.startswith("fgsm"):
        assert torch.equal(found.images, images)
        assert (found.columns["forward_passes"] == 1).all()


@pytest.mark.parametrize("spec", EVERY)
def test_no_empty_batch_is_shown(spec, attacks, gray):
    """When all samples are broken the model is left alone: many networks fail on no images."""
    model, images, labels = gray

    def strict(pixels):
        assert len(pixels)
        return model(pixels)

    for eps in ("0.02", "0.3"):
        attacks.run(spec.replace("0.02", eps), strict, images, labels)


@pytest.mark.parametrize("spec", EVERY)
def test_columns_agree_with_the_images(spec, attacks, block, resnet):
    """What is returned, shown to the model again: the margin, and wrong where somebody broke it."""
    images, labels = block.images[:16].float() / 255, block.labels[:16]
    found = attacks.run(spec, resnet, images, labels)
    with torch.no_grad():
        logits = resnet(found.images)
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    margins = logits.gather(1, labels[:, None])[:, 0] - others
    clear = margins.abs() > 1e-3

    assert (found.columns["margin"] - margins).abs().max() < 1e-3
    assert torch.equal((found.columns["broken_by"] != NOBODY)[clear], (margins < 0)[clear])
    assert (found.columns["norm"] - (found.images - images).flatten(1).abs().amax(1)).abs().max() < 1e-6
    assert found.words["broken_by"][:2] == ("none", "clean")


def test_worst_image_is_that_of_smallest_margin(gray):
    """Of all images shown, whatever their order; images that do not count are judged but not kept."""
    model, images, labels = gray
    search = Search(images, Context(model=model, labels=labels), Ball("linf", 0.1), "test")
    search.clean_logits()
    direction = (model.weights[1 - labels] - model.weights[labels]).sign().view_as(images)
    for length in (0.001, 0.003, 0.002):
        search.logits(images + length * direction, search.everything)
    search.slope(images + 0.01 * direction, search.everything, cross_entropy, keep=False)
    found = search.result()

    assert torch.equal(found.images, images + 0.003 * direction)
    assert (found.columns["forward_passes"] == 5).all()
    assert (found.columns["backward_passes"] == 1).all()


@pytest.mark.parametrize(
    ("images", "match"),
    [(torch.full((2, 3, 4, 4), 0.7), "distance 0.2, eps is 0.1"), (torch.full((2, 3, 4, 4), 0.5) * torch.nan, "nan")],
)
def test_images_beyond_eps_are_refused(images, match, gray):
    """What a plugin's attack returns is checked, NaN included."""
    with pytest.raises(CaseError, match=match):
        checked(Ball("linf", 0.1), images, torch.full((2, 3, 4, 4), 0.5), "test")


def test_values_outside_0_1_are_refused():
    """Within eps, yet no image."""
    clean = torch.full((2, 3, 4, 4), 0.95)
    with pytest.raises(CaseError, match=r"outside \[0,1\]"):
        checked(Ball("linf", 0.1), clean + 0.08, clean, "test")


def test_adopting_believes_whoever_saw_the_model_err(gray):
    """An image at the boundary, broken in another batch, stays broken; passes add up."""
    model, images, labels = gray
    search = Search(images, Context(model=model, labels=labels), Ball("linf", 0.1), "test")
    search.clean_logits()
    rows = torch.tensor([2, 5])
    columns = {"broken_by": torch.tensor([ATTACK, NOBODY]), "forward_passes": torch.tensor([7, 9])}
    search.adopt(Perturbed(images[rows].clone(), columns), rows, ATTACK + 1)

    assert search.broken_by[rows].tolist() == [ATTACK + 1, NOBODY]
    assert search.forward_passes[rows].tolist() == [9, 11]
    assert search.forward_passes[0] == 1
