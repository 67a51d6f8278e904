"""Label spaces in the engine: who may be evaluated on what, and that rows, attacks and keys are in the right space."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from robustbench_vit.api import results, run_suite
from robustbench_vit.collect import collect
from robustbench_vit.data import load_dataset
from robustbench_vit.data.geometry import NONE
from robustbench_vit.evaluation.doctor import examine
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.labels import ENTRY_LEVEL, ReadOut, label_space
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.suite import Case, Suite

SUITE = Suite("toy", version=1)
CASES = [Case()]
MEAN = "imagenet-16(rule=mean)"


class Toy(nn.Module):
    """Logits from coarse colours."""

    def __init__(self, classes):
        super().__init__()
        generator = torch.Generator().manual_seed(classes)
        self.weights = nn.Parameter(torch.randn(12, classes, generator=generator) * 2)

    def forward(self, images):
        """N×3×H×W → N×K."""
        return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1) @ self.weights


def toy(classes=1000):
    """The toy as an `ImageModel`."""
    return ImageModel(Toy(classes), Preprocessing((0.5,) * 3, (0.5,) * 3, None), name="toy", num_classes=classes)


@pytest.fixture
def stimuli(tmp_path, fake_data):
    """Spec of a cue-conflict set: every category in the texture of every fifth."""
    names = list(ENTRY_LEVEL)
    pairs = [(shape, names[(place + step) % 16]) for place, shape in enumerate(names) for step in (0, 5, 10)]
    folder = fake_data.pictures(tmp_path / "stimuli", [f"{shape}/{shape}1-{texture}1" for shape, texture in pairs])
    return f'cue_conflict("{folder}")'


def run(out, data, model, cases=CASES, **options):
    """Run cases with a model; one record each."""
    slots = data if isinstance(data, dict) else {"": data}
    return run_suite(SUITE, list(cases), models=[model], data=slots, out=Path(out), device="cpu", **options).records


def pixels(data):
    """All images of a data set, float in [0,1], in canonical order."""
    dataset = load_dataset(data)
    return dataset.batch(0, len(dataset)).images.float() / 255


def read(logits, reduce):
    """N×16 probabilities of a plain loop in double precision."""
    p = logits.double().softmax(1).numpy()
    worth = np.stack([reduce(p[:, members], 1) for members in ENTRY_LEVEL.values()], axis=1)
    return worth / worth.sum(1, keepdims=True)


@pytest.mark.parametrize(("labels", "reduce"), [(None, np.mean), ("imagenet-16(rule=max)", np.max)])
def test_rows_are_in_the_label_space(tmp_path, stimuli, labels, reduce):
    """Decisions, probabilities and the texture beside the shape; names of the classes go with the case."""
    (record,) = run(tmp_path / "out", stimuli, toy(), [Case(labels=labels)], batch_size=7)
    rows, dataset = results(tmp_path / "out").rows().sort_values("position"), load_dataset(stimuli)
    with torch.no_grad():
        expected = read(toy()(pixels(stimuli)), reduce)

    assert ("done", labels or MEAN, 16, tuple(ENTRY_LEVEL)) == (
        record.status,
        record.label_space,
        record.num_classes,
        record.classes,
    )
    np.testing.assert_allclose(np.stack(rows["probabilities"]), expected, rtol=1e-4)
    assert expected.argmax(1).tolist() == rows["pred"].tolist()
    assert dataset.labels.tolist() == rows["label"].tolist()
    assert dataset.textures.tolist() == rows["texture"].tolist()
    assert np.int32 == rows["texture"].dtype


def test_networks_of_the_categories_are_taken_as_they_are(tmp_path, stimuli):
    """16 outputs are the 16 classes."""
    (record,) = run(tmp_path / "out", stimuli, toy(16))
    with torch.no_grad():
        expected = toy(16)(pixels(stimuli)).argmax(1)

    assert "imagenet-16" == record.label_space
    assert expected.tolist() == results(tmp_path / "out").rows().sort_values("position")["pred"].tolist()


@pytest.mark.parametrize("classes", [10, 999, 1001])
def test_other_networks_are_told_both_counts(tmp_path, stimuli, classes):
    """Failed, or skipped if the case is optional."""
    ended = run(tmp_path / "out", stimuli, toy(classes), [Case(), Case(tags=("optional",))])

    assert ["failed", "skipped"] == [record.status for record in ended]
    for record in ended:
        assert f"toy has {classes} classes, cue_conflict (imagenet-16) has 16; use a model" in record.reason
        assert "or one of the 1000 classes of ImageNet-1k" in record.reason


def test_a_set_of_ones_own_takes_its_own_classes_alone(tmp_path, fake_data):
    """An ImageNet network has no outputs for them."""
    folder = fake_data.pictures(tmp_path / "set", ["lung/lung1-bone1", "bone/bone1-lung1"])
    data = f'cue_conflict("{folder}", classes=[bone, lung])'
    (two,), (many,) = (run(tmp_path / "out", data, toy(classes)) for classes in (2, 1000))

    assert ("done", "cue-conflict-2", ("bone", "lung")) == (two.status, two.label_space, two.classes)
    assert (
        "toy has 1000 classes, cue_conflict (cue-conflict-2) has 2; use a model trained for these classes, or set"
        in (many.reason)
    )


def test_rules_are_cases_of_their_own(tmp_path, stimuli):
    """No rule meets the numbers of another; the default is the mean."""
    rules = [None, "imagenet-16", "imagenet-16(rule=mean)", "imagenet-16(rule=max)", "imagenet-16(rule=sum)"]
    ended = run(tmp_path / "out", stimuli, toy(), [Case(labels=rule) for rule in rules])

    assert 1 == len({record.case_key for record in ended[:3]})
    assert 3 == len({record.case_key for record in ended})
    assert 3 == len(list((tmp_path / "out").glob("cases/*/*.parquet")))


@pytest.mark.parametrize(
    ("data", "labels", "reason"),
    [
        (None, "imagenet-16(rule=median)", "rule must be mean or sum or max or logit_mean, got median"),
        (None, "imagenet-a", "cue_conflict is labelled in imagenet-16; there is no read-out into 'imagenet-a'"),
        ("shapetex(n=20)", "imagenet-16", "shapetex is labelled in shapetex-10; there is no read-out into 'imagenet"),
        ("shapetex(n=20)", "shapetex-10(rule=max)", "there is no read-out into 'shapetex-10(rule=max)'"),
    ],
)
def test_read_outs_that_do_not_exist(tmp_path, stimuli, data, labels, reason):
    """The case fails with what there is."""
    (record,) = run(tmp_path / "out", data or stimuli, toy(1000 if data is None else 10), [Case(labels=labels)])

    assert "failed" == record.status
    assert reason in record.reason


def test_two_hundred_of_a_thousand(tmp_path, fake_data):
    """ImageNet-R: the largest of 200 logits, probabilities among these; too many classes to name."""
    stems = [f"{wnid}/art_{number}" for wnid in ("n01498041", "n02007558") for number in range(3)]
    data = f'imagenet_r("{fake_data.pictures(tmp_path / "r", stems)}")'
    (record,) = run(tmp_path / "out", data, toy(), geometry="none")
    rows = results(tmp_path / "out").rows().sort_values("position")
    with torch.no_grad():
        images = load_dataset(data).batch(0, 6, NONE).images.float() / 255
        logits = toy()(images)[:, [index for (index,) in label_space("imagenet-r").members]]

    assert ("done", "imagenet-r", 200, ()) == (record.status, record.label_space, record.num_classes, record.classes)
    assert logits.argmax(1).tolist() == rows["pred"].tolist()
    np.testing.assert_allclose(rows["confidence"], logits.softmax(1).amax(1), rtol=1e-5)


def test_perturbations_see_the_evaluated_space(stimuli):
    """An attack is handed 16 logits for labels of 16 classes, and gradients; two rules share no saliency map."""
    dataset, model = load_dataset(stimuli), toy()
    block, reading = dataset.batch(0, 8), ReadOut(label_space("imagenet-16"), "mean")
    contexts = Contexts(block, model, torch.device("cpu"))
    salient = Perturbation.bind("patchdrop(0.5, region=salient, saliency=gradient, grid=[2, 3])")

    first = contexts.of(salient, block.images, 0, reading)
    other = contexts.of(salient, block.images, 0, ReadOut(label_space("imagenet-16"), "max"))
    again = contexts.of(salient, block.images, 0, reading)
    images = (block.images.float() / 255).requires_grad_()
    first.model(images).sum().backward()

    assert torch.equal(reading(model(images)), first.model(images))
    assert images.grad.abs().amax((1, 2, 3)).gt(0).all()
    assert not torch.equal(first.saliency, other.saliency)
    assert first.saliency is again.saliency


def test_textures_stand_beside_every_perturbation(tmp_path, stimuli):
    """Shape bias may be asked of noisy stimuli, too; data of one cue have no such column."""
    run(tmp_path / "out", stimuli, toy(), [Case(), Case("shuffle(grid=[5, 4])")])
    run(tmp_path / "plain", "shapetex(n=20)", toy(10))
    rows = results(tmp_path / "out").rows()

    assert rows["texture"].notna().all()
    assert 2 == rows["case"].nunique()
    assert "texture" not in results(tmp_path / "plain").rows()


def test_shape_bias_is_measured(tmp_path, stimuli):
    """From the stored rows, over the stimuli with conflict."""
    run(tmp_path / "out", stimuli, toy())
    rows, table = results(tmp_path / "out").rows(), results(tmp_path / "out").measurements()
    conflict = rows[rows["label"] != rows["texture"]]
    shape, texture = ((conflict["pred"] == conflict[cue]).sum() for cue in ("label", "texture"))

    measured = table[(table["metric"] == "shape_bias")]
    assert 32 == len(conflict)
    assert [shape / (shape + texture)] == measured["value"].tolist()


def test_the_doctor_reads_out(stimuli):
    """Accuracy is that of the categories."""
    findings = {finding.name: finding for finding in examine(toy(), stimuli, n=20)}
    refused = {finding.name: finding for finding in examine(toy(12), stimuli, n=20)}

    assert ("ok", True) == (findings["classes"].status, f"read as {MEAN}" in findings["classes"].detail)
    assert "chance is 6.2%" in findings["accuracy"].detail
    assert ("problem", False) == (refused["classes"].status, "accuracy" in refused)


def test_the_suite_needs_no_file(tmp_path):
    """Control and cue conflict are embedded; the published sets are skipped with the flag."""
    ((suite, cases),) = [(found.suite, found.cases) for found in collect(["shape_bias"])]
    ended = run(tmp_path, suite.slots, toy(10), cases, limit=20)

    assert ["done", "done", "skipped", "skipped", "skipped"] == [record.status for record in ended]
    assert ["shapetex", "shapetex(split=conflict)"] == [record.data for record in ended[:2]]
    assert "give --data edges=SPEC" in ended[2].reason


def test_the_suite_with_the_published_stimuli(tmp_path, stimuli, fake_data):
    """An ImageNet network is read out; what is embedded is skipped, because its classes are others."""
    ((suite, cases),) = [(found.suite, found.cases) for found in collect(["shape_bias"])]
    folder = fake_data.pictures(tmp_path / "edges", ["cat/cat1", "dog/dog1"])
    ended = run(tmp_path / "out", {**suite.slots, "cue_conflict": stimuli, "edges": f'edges("{folder}")'}, toy(), cases)

    assert ["skipped", "done", "done", "skipped", "skipped"] == [record.status for record in ended]
    assert "toy has 1000 classes, shapetex (shapetex-10) has 10" in ended[0].reason
    assert [MEAN, MEAN] == [record.label_space for record in ended[1:3]]


def test_a_network_of_imagenet_on_the_embedded_stimuli(tmp_path):
    """The main case of the suite says so loudly."""
    ((suite, cases),) = [(found.suite, found.cases) for found in collect(["shape_bias"])]

    assert ["skipped", "failed"] == [record.status for record in run(tmp_path, suite.slots, toy(), cases)[:2]]
