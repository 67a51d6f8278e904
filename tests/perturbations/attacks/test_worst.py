"""The worst of several attacks."""

import pytest
import torch

MEMBERS = ["fgsm(2/255)", "pgd(2/255, steps=3)", "apgd(2/255, steps=3, loss=dlr)", "square(2/255, queries=15)"]


@pytest.fixture(scope="module")
def together(attacks, block, vit):
    """All members, one after the other."""
    return attacks.run(
        f"worst([{', '.join(MEMBERS)}])", vit, block.images[:32].float() / 255, block.labels[:32], block.ids[:32]
    )


@pytest.fixture(scope="module")
def alone(attacks, block, vit):
    """Each of them by itself."""
    images = block.images[:32].float() / 255
    return [attacks.run(spec, vit, images, block.labels[:32], block.ids[:32]) for spec in MEMBERS]


def test_left_by_all_is_left_by_each(together, alone):
    """On every sample, so that robust accuracy is at most that of each member."""
    left = together.columns["broken_by"] == 0

    assert left.any()
    for found in alone:
        assert ((found.columns["broken_by"] == 0) | ~left).all()


def test_broken_by_names_the_first_that_broke_it(together, alone):
    """In the order of the members, with what sets each apart; a later one breaks only what is left."""
    words = together.words["broken_by"]
    expected = torch.zeros(32, dtype=torch.long)
    for code, found in reversed(list(enumerate(alone, start=2))):
        expected[found.columns["broken_by"] == 2] = code
    expected[alone[0].columns["broken_by"] == 1] = 1
    # A member that stands later is run on fewer samples, so rounding may differ at the boundary.
    same = together.columns["broken_by"] == expected

    assert words[:3] == ("none", "clean", "fgsm(eps=2/255)")
    assert [word.partition("(")[0] for word in words[2:]] == ["fgsm", "pgd", "apgd", "square"]
    assert same.float().mean() >= 0.97
    assert len(together.columns["broken_by"].unique()) >= 3


def test_order_decides_who_is_named_not_what_is_left(attacks, block, vit):
    """Reversed: the same samples are left."""
    images, labels, ids = block.images[:32].float() / 255, block.labels[:32], block.ids[:32]
    both = [
        attacks.run(f"worst([{', '.join(order)}])", vit, images, labels, ids) for order in (MEMBERS[:2], MEMBERS[1::-1])
    ]

    assert torch.equal(both[0].columns["broken_by"] == 0, both[1].columns["broken_by"] == 0)
    assert both[1].words["broken_by"][2].startswith("pgd")


def test_passes_add_up(attacks, gray):
    """Those of all attacks on the sample and one look at each result; as the model really counts."""
    model, images, labels = gray
    counting = attacks.counting(model, 8)
    images = counting.marked(images[:8])
    labels = counting(images).argmax(1)
    labels[0] = 1 - labels[0]
    counting.forward.zero_()
    found = attacks.run("worst([fgsm(0.01), pgd(0.01, steps=3), square(0.01, queries=9)])", counting, images, labels)
    forward, words = found.columns["forward_passes"], found.words["broken_by"]
    by = [words[code].partition("(")[0] for code in found.columns["broken_by"].tolist()]

    assert forward.tolist() == counting.forward.tolist()
    assert found.columns["backward_passes"].tolist() == counting.backward.tolist()
    assert {"clean", "fgsm"} <= set(by)
    # Clean 1, FGSM 2 and a look; PGD 1 + 3 + 1 and a look; Square 1 + 9 and a look.
    known = {"clean": 1, "fgsm": 4, "none": 4 + 6 + 11}
    assert all(forward[i] == known[name] for i, name in enumerate(by) if name in known)


def test_each_draws_as_if_it_were_alone(attacks, gray):
    """After a member that breaks nothing, Square shows the model what it shows alone, bit for bit."""
    model, images, labels = gray
    far = model.distances(images, labels, "linf") > 0.01
    seen = {}
    for spec in ("square(1e-3, queries=20)", "worst([pgd(1e-3, steps=2), square(1e-3, queries=20)])"):
        shown = seen[spec] = []

        def watched(pixels, shown=shown):
            shown.append(pixels.detach().clone())
            return model(pixels)

        attacks.run(spec, watched, images[far], labels[far])
    alone, after = seen.values()

    assert len(alone) == 21
    assert all(map(torch.equal, alone, after[-22:-1]))  # the last is the look at what Square returned
