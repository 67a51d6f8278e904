"""Label spaces: read-outs against plain numpy in double precision."""

import numpy as np
import pytest
import torch

from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.labels import ENTRY_LEVEL, READ_OUTS, LabelSpace, ReadOut, imagenet_classes, label_space, rule_of

N = 64
RULES = {
    "mean": lambda logits, members: _softmax(logits)[:, members].mean(1),
    "sum": lambda logits, members: _softmax(logits)[:, members].sum(1),
    "max": lambda logits, members: _softmax(logits)[:, members].max(1),
    "logit_mean": lambda logits, members: np.exp(logits[:, members].mean(1)),
}
"""What a class is worth, up to a factor that all classes of an image share."""

rules = pytest.mark.parametrize("rule", RULES)


def _softmax(logits):
    """N×K → N×K."""
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def logits_of(scale=3.0):
    """N×1000 float32."""
    return torch.randn(N, 1000, generator=torch.Generator().manual_seed(0)) * scale


def expected(logits, rule):
    """N×16 probabilities that sum to 1."""
    worth = np.stack([RULES[rule](logits.double().numpy(), members) for members in ENTRY_LEVEL.values()], axis=1)
    return worth / worth.sum(1, keepdims=True)


def test_sixteen_categories():
    """207 indices, none twice, in the published numbers; categories in alphabetical order."""
    counts = [len(members) for members in label_space("imagenet-16").members]
    indices = [index for members in label_space("imagenet-16").members for index in members]

    assert [1, 4, 2, 49, 5, 7, 3, 6, 4, 3, 109, 2, 2, 1, 1, 8] == counts
    assert 207 == len(set(indices)) == len(indices)
    assert sorted(ENTRY_LEVEL) == list(label_space("imagenet-16").classes)


@pytest.mark.parametrize(
    ("category", "word"),
    [("airplane", "airliner"), ("bear", "bear"), ("clock", "clock"), ("elephant", "elephant"), ("oven", "rotisserie")],
)
def test_members_are_what_their_category_says(category, word):
    """Spot checks against the names of the classes."""
    assert all(word in imagenet_classes()[1][index] for index in ENTRY_LEVEL[category])


@rules
@pytest.mark.parametrize("scale", [0.01, 3.0, 30.0])
def test_rules(rule, scale):
    """Probabilities and decisions of each rule, from flat to saturated."""
    logits = logits_of(scale)
    read = ReadOut(label_space("imagenet-16"), rule)(logits)

    np.testing.assert_allclose(read.double().softmax(1).numpy(), expected(logits, rule), rtol=1e-4, atol=1e-12)
    assert expected(logits, rule).argmax(1).tolist() == read.argmax(1).tolist()
    assert torch.float32 == read.dtype


@rules
def test_each_image_alone(rule):
    """No image depends on its batch."""
    logits, read = logits_of(), ReadOut(label_space("imagenet-16"), rule)

    assert torch.equal(read(logits), torch.cat([read(one[None]) for one in logits]))


@pytest.mark.parametrize("rule", ["mean", "max", "logit_mean"])
@pytest.mark.parametrize("value", [0.0, 1 / 3, -17.1, 1e4])
def test_equal_probabilities_are_a_tie(rule, value):
    """Rounding decides nothing: all 16 are equal, and the alphabetically first is predicted."""
    read = ReadOut(label_space("imagenet-16"), rule)(torch.full((2, 1000), value))

    assert 1 == len(read[0].unique())
    assert [0, 0] == read.argmax(1).tolist()


def test_the_sum_favours_large_classes():
    """Which is why it is not the published rule: of equal probabilities, the 109 dogs win."""
    read = ReadOut(label_space("imagenet-16"), "sum")(torch.zeros(1, 1000))

    assert "dog" == label_space("imagenet-16").classes[int(read.argmax())]


@rules
def test_gradients_pass(rule):
    """An attack sees the members of the categories."""
    logits = logits_of().requires_grad_()

    ReadOut(label_space("imagenet-16"), rule)(logits)[:, 0].sum().backward()

    assert logits.grad.isfinite().all()
    assert (logits.grad[:, 404] > 0).all()


@pytest.mark.parametrize("name", ["imagenet-a", "imagenet-r"])
def test_two_hundred_classes(name):
    """Picked from the 1000, in their order; probabilities are those among the 200."""
    space, logits = label_space(name), logits_of()
    indices = [index for (index,) in space.members]
    read = ReadOut(space, "mean")(logits)
    wnids = imagenet_classes()[0]

    assert 200 == len(set(indices)) == len(space.classes)
    assert sorted(indices) == indices
    assert sorted(wnids[index] for index in indices) == [wnids[index] for index in indices]
    np.testing.assert_allclose(read.softmax(1).numpy(), _softmax(logits.double().numpy()[:, indices]), rtol=1e-4)
    assert all(torch.equal(read, ReadOut(space, rule)(logits)) for rule in RULES)


def test_known_members_of_the_subsets():
    """The first classes that the authors' own scripts (hendrycks/natural-adv-examples, imagenet-r) list."""
    wnids = imagenet_classes()[0]
    first = {
        name: [wnids[index] for (index,) in label_space(name).members[:5]] for name in ("imagenet-a", "imagenet-r")
    }

    assert ["n01498041", "n01531178", "n01534433", "n01558993", "n01580077"] == first["imagenet-a"]
    assert ["n01443537", "n01484850", "n01494475", "n01498041", "n01514859"] == first["imagenet-r"]


def test_identity():
    """Outputs that are the classes already stay as they are."""
    logits = torch.randn(3, 16)

    assert logits is ReadOut(LabelSpace("imagenet-16", tuple(ENTRY_LEVEL)))(logits)


def test_names():
    """The rule stands in the name where there was a choice."""
    named = [str(ReadOut(label_space(name), "max")) for name in READ_OUTS]

    assert ["imagenet-16(rule=max)", "imagenet-a", "imagenet-r"] == named
    assert "imagenet-16" == str(ReadOut(label_space("imagenet-16")))


def test_rules_are_parsed():
    """The mean, if none is named; a misspelt one is answered with what there is."""
    assert ["mean", "logit_mean"] == [rule_of("imagenet-16"), rule_of("imagenet-16(rule=logit_mean)")]
    with pytest.raises(SpecError, match="rule must be mean or sum or max or logit_mean, got median"):
        rule_of("imagenet-16(rule=median)")


def test_unknown_label_spaces():
    """The closest is offered."""
    with pytest.raises(UnknownNameError, match="unknown read-out 'imagenet-61'; did you mean imagenet-16"):
        label_space("imagenet-61")
