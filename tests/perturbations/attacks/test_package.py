"""Attacks of torchattacks: the table, specs, keyed draws, counted passes, and what the library gets wrong."""

import inspect
import random
import sys
from fractions import Fraction
from math import ceil, inf

import numpy as np
import pytest
import torch

from robustbench_vit.errors import CaseError, SpecError, UnknownNameError
from robustbench_vit.perturbations import torchattacks_catalog as catalog
from robustbench_vit.perturbations.attack_catalog import ATTACKS
from robustbench_vit.perturbations.attacks.counted import Counted
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.perturbations.torchattacks_catalog import CLASSES, TEN_STEPS, TORCHATTACKS

ROW = ATTACKS["torchattacks"]
QUICK = {
    "CW": "steps=3",
    "EADEN": "max_iterations=10, binary_search_steps=2",
    "EADL1": "max_iterations=10, binary_search_steps=2",
    "JSMA": "gamma=0.02",
    "OnePixel": "steps=2",
    "Pixle": "restarts=2, max_iterations=3, x_dimensions=[0.1, 0.3]",
    "SPSA": "nb_sample=8, max_batch_size=8",
    "Square": "n_queries=20",
    "SparseFool": "steps=2",
    TEN_STEPS: "version=rand",
}


def spec(name, *more, eps="0.01"):
    """A quick spec of an attack, with an eps if it takes one."""
    bound = [f"eps={eps}"] if TORCHATTACKS[name].bound else []
    return f"torchattacks({', '.join([name, *bound, *more])})"


@pytest.fixture
def library():
    """The library, or a skipped test."""
    return pytest.importorskip("torchattacks")


@pytest.fixture(scope="module")
def linear(attacks):
    """Ten classes, and six images of 3×8×8 with the model's own answers as labels."""
    model = attacks.linear.random(10, 8)
    images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    return model, images, model(images).argmax(1)


def global_states():
    """What the global generators would draw next."""
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()


def test_table_holds_every_attack_of_the_library(library):
    """All that it exports but its wrappers; norms, bounds and steps are those of its signatures."""
    exported = set(library.__all__) - {"MultiAttack", "LGV"}
    assert exported == {CLASSES.get(name, name) for name in TORCHATTACKS}
    for name, attack in TORCHATTACKS.items():
        known = inspect.signature(getattr(library, CLASSES.get(name, name))).parameters
        assert {"eps", "max_epsilon"} & set(known) == ({attack.bound} if attack.bound else set())
        assert attack.chooses == ("norm" in known)
        if attack.counts:
            assert known[attack.counts].default == attack.steps
        if "norm" in known:
            assert known["norm"].default.lower() == attack.norm


@pytest.mark.parametrize("name", sorted(TORCHATTACKS))
def test_every_attack_runs(name, library, attacks, linear):
    """Images in the ball, in [0,1], finite; global generators go on where they were; no gradient is left behind."""
    model, images, labels = linear
    before = global_states()
    with torch.no_grad():
        found = attacks.run(spec(name, *filter(None, [QUICK.get(name)])), model, images, labels)

    assert before == global_states()
    assert found.images.isfinite().all()
    assert 0 <= found.images.min() <= found.images.max() <= 1
    assert TORCHATTACKS[name].norm != "linf" or (found.images - images).abs().max() <= 0.01 + 1e-6
    assert found.words["broken_by"][2] == f"torchattacks({name})"


@pytest.mark.parametrize("name", ["PGD", "APGD", "Square", "Pixle", "FFGSM"])
def test_each_image_has_its_own_draws(name, library, attacks, linear):
    """Alone and together the same, whatever the global generators hold; another id or seed draws otherwise."""
    model, images, labels = linear
    one = spec(name, *filter(None, [QUICK.get(name)]), *(["steps=1"] if name == "PGD" else []), eps="0.002")
    together = attacks.run(one, model, images, labels)
    torch.manual_seed(3)
    np.random.seed(3)
    alone = attacks.run(one, model, images[2:3], labels[2:3], ids="2")
    others = [attacks.run(one, model, images, labels, ids="abcdef"), attacks.run(one, model, images, labels, seed=1)]

    assert torch.equal(together.images[2:3], alone.images)
    if name in ("PGD", "FFGSM", "Pixle"):  # the others return the clean image unless they break it
        assert all(not torch.equal(together.images, other.images) for other in others)


def test_same_images_have_different_draws(library, attacks, linear):
    """The seeds that some attacks set by themselves come from the image's key, too."""
    model, images, labels = linear
    twins, answer = images[:1].repeat(4, 1, 1, 1), labels[:1].repeat(4)
    found = attacks.run("torchattacks(APGD, eps=0.2, steps=1)", model, twins, answer)

    assert (found.columns["broken_by"] == 2).all()
    assert len({tuple(image.flatten().tolist()) for image in found.images}) == 4


def test_generators_are_put_back_after_an_error(library, attacks, linear, monkeypatch):
    """And the message names the attack and the library's reason."""
    model, images, labels = linear

    def forward(self, images, labels):
        torch.rand(3)
        random.random()
        raise ValueError("no luck today")

    monkeypatch.setattr(library.BIM, "forward", forward)
    before = global_states()
    with pytest.raises(CaseError, match=r"torchattacks\(BIM\): the library raises ValueError: no luck today"):
        attacks.run(spec("BIM"), model, images, labels)

    assert before == global_states()


def test_running_out_of_memory_is_not_explained_away(library, attacks, linear, monkeypatch):
    """The engine answers it with smaller batches."""
    model, images, labels = linear
    monkeypatch.setattr(library.BIM, "forward", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("full")))

    with pytest.raises(torch.OutOfMemoryError):
        attacks.run(spec("BIM"), model, images, labels)


def test_fgsm_and_bim_of_the_library_are_as_ours(library, attacks, linear):
    """FGSM is ours; BIM is PGD from the clean image, its last iterate."""
    model, images, labels = linear
    pairs = {
        "torchattacks(FGSM, eps=0.003)": "fgsm(0.003)",
        "torchattacks(BIM, eps=0.003, alpha=0.001, steps=5)": (
            "pgd(0.003, alpha=0.001, steps=5, random_start=false, iterate=last)"
        ),
    }
    for theirs, ours in pairs.items():
        one, other = (attacks.run(text, model, images, labels) for text in (theirs, ours))

        assert torch.allclose(one.images, other.images, atol=1e-6)
        assert torch.equal(one.columns["broken_by"], other.columns["broken_by"])


def test_what_the_row_returns_is_what_the_library_returns(library, attacks, linear):
    """MIFGSM, called by hand on a module, image by image."""
    model, images, labels = linear
    found = attacks.run("torchattacks(MIFGSM, eps=0.004, steps=3)", model, images, labels)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.place = torch.nn.Parameter(torch.empty(0))

        def forward(self, pixels):
            return model(pixels)

    attack = library.MIFGSM(Module(), eps=0.004, steps=3)
    theirs = torch.cat([attack(images[i : i + 1], labels[i : i + 1]) for i in range(6)])
    changed = found.columns["norm"] > 0

    assert changed.any()
    assert torch.equal(found.images[changed], theirs[changed])


@pytest.mark.parametrize("name", ["BIM", "APGDT", "FAB", "DeepFool", "EOTPGD", "Square"])
def test_passes_are_counted(name, library, attacks):
    """Each image's own, as a model counts them that knows the images by a pixel."""
    counting = attacks.counting(attacks.linear.random(10, 8), 5)
    images = counting.marked(torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(4)))
    labels = counting(images).argmax(1)
    labels[1] = (labels[1] + 1) % 10  # wrong without an attack: one look, and no more
    counting.forward.zero_()
    short = "n_queries=9" if name == "Square" else "steps=3"
    found = attacks.run(spec(name, short, eps="0.001"), counting, images, labels)

    assert torch.equal(found.columns["forward_passes"], counting.forward)
    assert torch.equal(found.columns["backward_passes"], counting.backward)
    assert found.columns["forward_passes"][1] == 1
    assert found.words["broken_by"][found.columns["broken_by"][1]] == "clean"


def test_a_batch_is_attacked_together(library, attacks, linear):
    """Without draws it makes no difference but to the number of calls; passes are the mean, rounded up."""
    model, images, labels = linear
    calls = []

    def watched(pixels):
        calls.append(len(pixels))
        return model(pixels)

    alone = attacks.run("torchattacks(BIM, eps=0.003, steps=2)", model, images, labels)
    together = attacks.run("torchattacks(BIM, eps=0.003, steps=2, batch=4)", watched, images, labels)

    assert torch.allclose(alone.images, together.images, atol=1e-6)
    assert calls == [6, 4, 4, 4, 2, 2, 2]
    counted = Counted(model, torch.device("cpu"), "x")
    counted(images)
    assert counted.columns(4)["forward_passes"].tolist() == [ceil(6 / 4)] * 4


def test_backward_leaves_no_gradient_in_the_model(library, attacks):
    """JSMA, FAB and others call ``backward``, which would fill the parameters of the evaluated model."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 10))
    images = torch.rand(2, 3, 8, 8)
    for text in ("torchattacks(FAB, eps=0.01, steps=2)", "torchattacks(CW, steps=2)", "fab(0.01, steps=2)"):
        attacks.run(text, network, images, network(images).argmax(1))

    assert all(parameter.grad is None for parameter in network.parameters())


def test_flat_models_are_noticed(library, attacks, linear):
    """Where the gradient is 0, some attacks of the library divide by it: the clean image stands, and is not broken."""
    _, images, labels = linear

    def flat(pixels):
        return 0 * pixels.flatten(1)[:, :10] + torch.eye(10)[0]

    for name in ("BIM", "DIFGSM", "MIFGSM"):
        found = attacks.run(spec(name), flat, images, 0 * labels)

        assert (found.columns["zero_gradient"] == 1).all()
        assert (found.columns["broken_by"] == 0).all()
        assert found.images.isfinite().all()


def test_models_without_gradient_are_told_apart(library, attacks, linear):
    """White-box attacks say so; black-box ones go on."""
    model, images, labels = linear

    with pytest.raises(CaseError, match=r"torchattacks\(PGD\): the model is not differentiable.*square"):
        attacks.run(spec("PGD"), lambda x: model(x.detach()), images, labels)
    attacks.run(spec("Square", "n_queries=3"), lambda x: model(x.detach()), images, labels)


def test_fewer_classes_than_ten_are_enough(library, attacks):
    """The library's ``n_classes=10`` is lowered to the model's."""
    model = attacks.linear.random(5, 4)
    images = torch.rand(3, 3, 4, 4)
    found = attacks.run("torchattacks(FAB, eps=0.5, multi_targeted=true)", model, images, model(images).argmax(1))

    assert (found.columns["broken_by"] == 2).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torchattacks(BIM, eps=0.01, step=3)", r"torchattacks\(BIM\) takes no step=; did you mean steps=\? it takes "),
        ("torchattacks(PIFGSM, eps=0.01, max_epsilon=1)", r"no max_epsilon=.*num_iter_set"),
        ("torchattacks(APGD, eps=0.01, seed=1)", "seed of the run"),
        ("torchattacks(Pixle, pixel_mapping=nowhere)", r"torchattacks\(Pixle\): the library raises ValueError"),
    ],
)
def test_wrong_keywords_are_explained(text, message, library, attacks, linear):
    """With the closest one and the list of what the attack knows."""
    with pytest.raises(CaseError, match=message):
        attacks.run(text, *linear)


def test_missing_library_is_named_before_anything_is_computed(attacks, linear, monkeypatch):
    """None in `sys.modules` makes the import fail."""
    monkeypatch.setitem(sys.modules, "torchattacks", None)

    def untouched(pixels):
        raise AssertionError("the model was asked")

    for text in ("torchattacks(BIM, eps=0.01)", "fab(0.01)", "autoattack(0.01)"):
        with pytest.raises(CaseError, match=r"pip install 'robustbench_vit\[attacks\]'"):
            attacks.run(text, untouched, *linear[1:])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torchattacks(BIM)", r"torchattacks\(BIM\) needs eps="),
        ("torchattacks(CW, eps=0.1)", r"torchattacks\(CW\) keeps to no eps; leave it out"),
        ("torchattacks(CW, norm=l2)", "no norm to choose"),
        ("torchattacks(BIM, eps=0.1, norm=l2)", r"torchattacks\(BIM\) knows norm=linf, got l2"),
        ("torchattacks(BIM, eps=4)", "write 4/255"),
        ("torchattacks(BIM, eps=0.1, batch=0)", "batch must be an integer of at least 1"),
        ("torchattacks(eps=0.1)", "needs name="),
    ],
)
def test_specs_that_do_not_fit_are_refused(text, message):
    """Before the library is asked."""
    with pytest.raises(SpecError, match=message):
        ROW.bind(text)


def test_unknown_names_are_answered_with_the_closest():
    """As everywhere."""
    with pytest.raises(UnknownNameError, match="did you mean MIFGSM"):
        ROW.bind("torchattacks(MIFGMS, eps=0.1)")


def test_l2_radii_may_exceed_one():
    """Only L∞ ends at 1."""
    assert ROW.bind("torchattacks(PGDL2, eps=3)").args["norm"] == "l2"
    assert ROW.bind("torchattacks(FAB, eps=3, norm=l2)").args["norm"] == "l2"


def test_display_and_canonical_forms():
    """Defaults and the attack's own norm are left out of the one and filled into the other; binding twice is once."""
    bound = ROW.bind("torchattacks(BIM, eps=4/255, steps=2)")

    assert ROW.label(bound) == "torchattacks(eps=4/255, name=BIM, steps=2)"
    assert ROW.canonical(bound) == "torchattacks(batch=1, eps=4/255, name=BIM, norm=linf, steps=2)"
    assert ROW.bind(bound) == bound
    assert ROW.label("torchattacks(FAB, eps=1, norm=l2)") == "torchattacks(eps=1, name=FAB, norm=l2)"
    assert ROW.sweep(bound).at == pytest.approx(4 / 255)
    assert ROW.sweep("torchattacks(CW)") is None


def test_ten_steps_do_not_bear_the_published_name():
    """The library's class of that name makes 10 steps; no form of its spec says otherwise."""
    text = "torchattacks(AutoAttack, eps=8/255)"
    shown = [ROW.label(text), ROW.canonical(text), str(ROW.threat(text)), str(ROW.sweep(text))]

    assert all("ten_step_ensemble" in form and "AutoAttack" not in form for form in shown)
    assert ROW.threat(text).steps == 10


def test_threats():
    """Nothing is known of attacks without an eps; steps are the user's or the library's."""
    threat = ROW.threat("torchattacks(PIFGSM, eps=4/255, num_iter_set=7)")
    assert (threat.attack, threat.norm, threat.eps, threat.steps) == ("torchattacks(PIFGSM)", "linf", 4 / 255, 7)
    assert ROW.threat("torchattacks(FGSM, eps=0.1)").steps == 1
    assert ROW.threat("torchattacks(Square, eps=0.1)").knowledge == "black-box"
    unbounded = ROW.threat("torchattacks(CW)")
    assert (unbounded.norm, unbounded.eps, unbounded.steps, unbounded.knowledge) == ("", inf, 50, "white-box")


def test_one_of_several_attacks(library, attacks, linear):
    """`worst` and `min_eps` take it; attacks without an eps cannot be one of several."""
    model, images, labels = linear
    worst = attacks.run("worst([torchattacks(PGD, eps=0.002), pgd(0.002)])", model, images, labels)
    grid = attacks.run("min_eps(attack=torchattacks(BIM, steps=5), grid=[0.001, 0.3])", model, images, labels)

    assert worst.words["broken_by"][2:] == ("torchattacks(eps=0.002, name=PGD)", "pgd(eps=0.002)")
    assert set(grid.columns["min_eps"].tolist()) <= {0.001, 0.3, inf}
    with pytest.raises(SpecError, match="keep to an eps"):
        Perturbation.bind("worst([torchattacks(CW), pgd(0.002)])")
    with pytest.raises(SpecError, match="takes eps from its grid"):
        Perturbation.bind("min_eps(attack=pgd(0.1), grid=[0.1, 0.3])")


def test_versions_hold_that_of_the_library(library):
    """So that another library never meets an old number."""
    bound = ROW.bind("torchattacks(BIM, eps=0.1)")
    auto, apgd, fab, square = (ATTACKS[name] for name in ("autoattack", "apgd", "fab", "square"))
    parts = (apgd.version, apgd.version, fab.version, *catalog._installed(), square.version)

    assert catalog._installed()[:2] == (3, 5)
    assert ROW.versions(bound) == (ROW.version, *catalog._installed())
    assert auto.versions(auto.bind("autoattack(0.1)")) == (auto.version, *parts)


def test_fractions_arrive_as_floats(library, attacks, linear, monkeypatch):
    """In lists as well; whole numbers stay whole, because some keywords count."""
    given = {}

    class Attack(library.VANILA):
        def __init__(self, model, eps=0.1, steps=3, sizes=(1,)):
            super().__init__(model)
            given.update(eps=eps, steps=steps, sizes=sizes)

    monkeypatch.setattr(library, "BIM", Attack)
    attacks.run("torchattacks(BIM, eps=1/255, steps=4, sizes=[0.5, 2])", *linear)

    assert given == {"eps": float(Fraction(1, 255)), "steps": 4, "sizes": (0.5, 2)}
    assert [type(value) for value in (given["steps"], *given["sizes"])] == [int, float, int]
