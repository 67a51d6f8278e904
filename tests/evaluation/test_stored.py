"""Stored sets in the engine: a condition is a case, and one that is not there concerns its case alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from robustbench_vit.api import perturb, results, run_suite
from robustbench_vit.collect import collect
from robustbench_vit.data import load_dataset
from robustbench_vit.errors import CaseError
from robustbench_vit.evaluation.estimate import estimate
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.suite import Case, Suite

SUITE = Suite("toy", version=1)


class Toy(nn.Module):
    """Ten logits from coarse colours."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.linspace(-1, 1, 480).view(48, 10).mul(99).sin())

    def forward(self, images):
        """N×3×H×W → N×10."""
        return nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) @ self.weights


def run(out, cases, data, **options):
    """Run cases on a data set with the toy."""
    model = ImageModel(Toy(), Preprocessing((0.5,) * 3, (0.5,) * 3, None), name="toy", num_classes=10)
    options = {"device": "cpu", **options}
    return run_suite(SUITE, cases, models=[model], data={"": data}, out=Path(out), **options)


def ended(plan):
    """Status and reason by case."""
    return {record.case: (record.status, record.reason) for record in plan.records}


@pytest.fixture
def data(tmp_path, fake_data):
    """Spec of a CIFAR-10-C with fog and snow, and with clean images."""
    fake_data.cifar(tmp_path / "clean", 10, n=30)
    return f'cifar10_c("{fake_data.cifar_c(tmp_path / "c", 10, n=30)}", clean="{tmp_path / "clean"}")'


@pytest.mark.parametrize("cache", [False, True])
def test_predictions_are_those_of_the_stored_images(tmp_path, data, cache):
    """Each case reads its own condition, and is a point of its curve."""
    cases = [Case(), Case("stored(fog, severity=2)"), Case("stored(snow, severity=5)")]
    options = {"cache": str(tmp_path / "cache")} if cache else {}
    plan = run(tmp_path / "out", cases, data, **options)
    dataset = load_dataset(data)
    views = {"clean": dataset, "fog": dataset.view("fog", 2), "snow": dataset.view("snow", 5)}

    assert {"done"} == {record.status for record in plan.records}
    assert [None, "stored(corruption=fog)", "stored(corruption=snow)"] == [
        record.sweep and record.sweep.curve for record in plan.records
    ]
    assert {"none"} == {record.geometry for record in plan.records}
    assert 1 == len({record.data for record in plan.records})
    for record, view in zip(plan.records, views.values(), strict=True):
        logits = Toy()((view.batch(0, 30).images.float() / 255 - 0.5) / 0.5)
        rows = results(tmp_path / "out").rows(case=record.case).sort_values("position")
        assert logits.argmax(1).tolist() == rows["pred"].tolist()
        assert list(view.ids) == rows["id"].tolist()


def test_clean_and_stored_images_are_compared(tmp_path, data):
    """Same data, same geometry, same ids: a drop of accuracy exists."""
    run(tmp_path / "out", [Case(), Case("stored(fog, severity=2)")], data)
    table = results(tmp_path / "out").measurements()

    assert np.isfinite(table[table["metric"] == "accuracy_drop"]["value"]).all()


def test_a_missing_severity_fails_alone(tmp_path, fake_data):
    """The reason names what there is; others are done; the next run finds it when it has been unpacked."""
    root = fake_data.folder_c(tmp_path / "c", {f"class {k}": 2 for k in range(10)}, ["fog/1", "fog/2", "snow/1"])
    shutil.move(root / "fog" / "2", tmp_path / "kept")
    cases = [Case(f"stored(fog, severity={severity})") for severity in (1, 2)] + [Case("stored(snow, severity=1)")]

    first = ended(run(tmp_path / "out", cases, f'folder_c("{root}")'))
    shutil.move(tmp_path / "kept", root / "fog" / "2")
    second = ended(run(tmp_path / "out", cases, f'folder_c("{root}")'))

    assert ["done", "failed", "done"] == [status for status, _ in first.values()]
    assert "folder_c holds no severity 2 of fog; it holds 1" == first["stored(corruption=fog, severity=2)"][1]
    assert {("done", "")} == set(second.values())
    assert 3 == len(results(tmp_path / "out").cases())


def test_optional_conditions_are_skipped(tmp_path, data):
    """What the set does not hold fits no case; a damaged file is a failure all the same."""
    array = next(tmp_path.rglob("snow.npy"))
    array.write_bytes(array.read_bytes()[:-1])
    cases = [Case(f"stored({name}, severity=1)", tags=("optional",)) for name in ("frost", "snow")]

    outcome = list(ended(run(tmp_path / "out", cases, data)).values())

    assert ("skipped", "cifar10_c holds no corruption 'frost'; it holds fog, snow") == outcome[0]
    assert "failed" == outcome[1][0]


def test_without_clean_images(tmp_path, fake_data):
    """The clean case says what is missing; stored cases do not mind."""
    root = fake_data.cifar_c(tmp_path / "c", 10, n=30)
    plan = run(tmp_path / "out", [Case(tags=("optional",)), Case("stored(fog, severity=1)")], f'cifar10_c("{root}")')

    assert ["skipped", "done"] == [record.status for record in plan.records]
    assert "for clean ones say where they are" in plan.records[0].reason


def test_the_plan_needs_no_clean_images(tmp_path, fake_data):
    """One condition is enough to take the time."""
    data = {"": f'cifar10_c("{fake_data.cifar_c(tmp_path / "c", 10, n=30)}")'}
    cases = [Case(), Case("stored(frost, severity=1)"), Case("stored(fog, severity=1)")]

    (line,) = estimate(cases, ["zoo:resnet_xs(pretrained=false)"], data, {"device": "cpu"})

    assert (3, 30) == (line.cases, line.images)
    with pytest.raises(CaseError, match="holds no corruption 'frost'"):
        estimate(cases[:2], ["zoo:resnet_xs(pretrained=false)"], data, {"device": "cpu"})


def test_a_set_that_is_not_stored(tmp_path):
    """Every case says so."""
    (outcome,) = ended(run(tmp_path / "out", [Case("stored(fog, severity=1)")], "shapetex(n=10)")).values()

    assert "failed" == outcome[0]
    assert "shapetex holds no stored images" in outcome[1]


def test_images_by_themselves_have_no_conditions():
    """`perturb` cannot make them."""
    with pytest.raises(CaseError, match="names images that are stored already"):
        perturb(torch.zeros(1, 3, 8, 8), "stored(fog, severity=1)")


def test_the_suite():
    """Clean, 15 by 5, and the four extra ones, which may be missing."""
    ((suite, cases),) = [(found.suite, found.cases) for found in collect(["corruptions_stored"])]
    extra = {case.perturbation.args["corruption"] for case in cases if "extra" in case.tags}

    assert "corruptions_stored@1" == str(suite)
    assert 1 + 75 + 20 == len(cases)
    assert {"speckle_noise", "gaussian_blur", "spatter", "saturate"} == extra
    assert 21 == sum("optional" in case.tags for case in cases)
