"""What a gallery shows: the pixels of a run, in order, or why not."""

import pytest

from robustbench_vit.api import load_dataset, load_model, perturb
from robustbench_vit.errors import DataError
from robustbench_vit.evaluation.options import Options
from robustbench_vit.preview.gallery import rooms
from robustbench_vit.preview.pictures import Studio, place_of
from robustbench_vit.suite import Case, Suite

SUITE = Suite("mine", 1)
SPECS = [
    "fourier_noise(center=0.3)",
    "patchdrop(ratio=0.5, region=salient, saliency=mask)",
    "shuffle(grid=4)",
    "frost(severity=2)",
]


def shots(*cases, start=0, count=1, model=None, slots=None, **options):
    """Shots of cases on shapetex."""
    opened = {"": load_dataset("shapetex(n=20)")} if slots is None else slots
    studio = Studio(opened, start, count, Options(device="cpu", **options), model)
    return list(studio.shots(SUITE, [case if isinstance(case, Case) else Case(case) for case in cases]))


def test_pixels_of_a_run():
    """Bit for bit those of `perturb`, whichever images stand beside."""
    block = load_dataset("shapetex(n=20)").batch(0, 20)
    for shot in shots(*SPECS, start=3, count=2, seed=7):
        expected = perturb(block.images, shot.record.case, ids=block.ids, seed=7, mask=block.extra["mask"])
        for picture, wanted in zip(shot.pictures, expected[3:5], strict=True):
            assert (wanted.permute(1, 2, 0).numpy() == picture.pixels).all()


def test_figures():
    """What the perturbation reports; the difference from the image as it is where that is no report already."""
    noise, drop, clean = shots("fourier_noise(center=0.3, rms=0.05)", "patchdrop(ratio=0.5)", "clean")

    assert ["rms"] == list(noise.pictures[0].figures)
    assert 0.5 == drop.pictures[0].figures["area"]
    assert 0.1 < drop.pictures[0].figures["change"] < 1
    assert {} == clean.pictures[0].figures


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case("pgd(eps=4/255)"), "made against the evaluated model; give --model"),
        (
            Case("patchdrop(ratio=0.5, region=salient, saliency=gradient)"),
            "made against the evaluated model; give --model",
        ),
        (Case("transfer(attack=pgd(eps=4/255), source=each)"), "made by an attack on another model; give --model"),
        (Case("fourier_noise(center=0.3, compat=hvw)"), "works in the normalisation of the evaluated model"),
        (Case(geometry="native"), "takes the geometry of the evaluated model"),
        (Case(data="edges"), "no data for slot 'edges'; give --data edges=SPEC"),
        (Case("stored(corruption=fog, severity=1)"), "holds no stored images"),
        (Case("shuffle(grid=7)"), "7"),
        (Case("nothing_like_it"), "unknown perturbation 'nothing_like_it'"),
    ],
)
def test_reason(case, reason):
    """What cannot be shown says why, and the others go on."""
    hidden, shown = shots(case, "clean")

    assert reason in hidden.record.reason
    assert () == hidden.pictures
    assert 1 == len(shown.pictures)


def test_model():
    """With a model, attacks are made on it, and every picture has what it sees."""
    model, data = load_model("zoo:vit_xs"), load_dataset("shapetex(n=20)")
    clean, attacked = shots("clean", "fgsm(eps=64/255)", start=1, model=model)
    seen = model(data.batch(1, 2).images / 255).softmax(1)

    assert data.classes[int(seen.argmax())] == clean.pictures[0].said
    assert pytest.approx(float(seen.max())) == clean.pictures[0].confidence
    assert 64 >= abs(attacked.pictures[0].pixels.astype(int) - clean.pictures[0].pixels).max() > 60


def test_transfer():
    """Examples are made on the model that is given, and kept nowhere."""
    (shot,) = shots("transfer(attack=fgsm(eps=8/255), source=each)", model=load_model("zoo:resnet_xs"))

    assert "transfer(attack=fgsm(eps=8/255), source=zoo:resnet_xs)" == shot.record.case
    assert 1 == len(shot.pictures)


def test_order():
    """Families in plan order, curves by severity, what cannot be shown behind."""
    (room,) = rooms(shots("fog(severity=5)", "shuffle(4)", "fog(severity=1)", "clean", "shuffle(7)"))

    assert ["corruption", "shuffle"] == [family.name for family in room.families]
    assert ["fog(severity=1)", "fog(severity=5)"] == [s.record.case for s in room.families[0].strips[0].shots]
    assert ["shuffle(grid=7)"] == [record.case for record in room.families[1].missing]
    assert 1 == len(room.clean)


def test_rooms():
    """Every data set has its own, an unfilled slot says so."""
    slots = {"": load_dataset("shapetex(n=20)"), "conflict": load_dataset("shapetex(conflict)")}
    one, two, three = rooms(shots(Case(), Case(data="conflict"), Case(data="edges"), slots=slots))

    assert ["shapetex(n=20)", "shapetex(split=conflict)", "edges"] == [one.data, two.data, three.data]
    assert ["skipped"] == [record.status for record in three.missing]


def test_short_data():
    """A data set without such a position has a reason, the other its picture."""
    slots = {"": load_dataset("shapetex(n=20)"), "few": load_dataset("shapetex(n=10)")}
    shown, hidden = shots(Case(), Case(data="few"), slots=slots, start=15)

    assert 1 == len(shown.pictures)
    assert "holds 10 samples" in hidden.record.reason


def test_place_of():
    """Ids are looked up; an unknown one is named, with how ids look."""
    data = load_dataset("shapetex(n=20)")

    assert 5 == place_of({"": data}, data.ids[5])
    with pytest.raises(DataError, match=r"no data set holds a sample 'cat\.png': shapetex\(n=20\) holds ids such as"):
        place_of({"": data}, "cat.png")
