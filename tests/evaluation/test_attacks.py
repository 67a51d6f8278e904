"""Attacks through the engine: columns, subsets, examples for transfer, and doubts about the model."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from pyarrow import feather
from torch import nn

from robustbench_vit.api import results, run_suite
from robustbench_vit.data import load_dataset
from robustbench_vit.evaluation import run as module_of_run
from robustbench_vit.evaluation.estimate import estimate
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.suite import Case, Suite

SUITE = Suite("toy", version=1)
PGD = "pgd(eps=0.05, steps=3)"
TRANSFER = f"transfer(attack={PGD}, source=each)"


class Toy(nn.Module):
    """Ten logits from coarse colours, ordered so that labels of shapetex are often right."""

    def __init__(self, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weights = nn.Parameter(torch.randn(48, 10, generator=generator))

    def forward(self, images):
        """N×3×H×W → N×10."""
        return nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) @ self.weights


class Noisy(Toy):
    """Draws anew at every look."""

    def forward(self, images):
        """N×3×H×W → N×10."""
        return super().forward(images + 0.1 * torch.randn_like(images))


class Stubborn(Toy):
    """Stays in training mode whatever it is told."""

    def train(self, mode=True):
        """Ignore the mode."""
        del mode
        return super().train(True)


def wrapped(network, name="toy", num_classes=10):
    """A network as an `ImageModel`."""
    return ImageModel(network, Preprocessing((0.5,) * 3, (0.5,) * 3, None), name=name, num_classes=num_classes)


def run(out, cases, models=None, n=40, **options):
    """Run cases of the toy into a folder."""
    data = options.pop("data", f"shapetex(n={n})")
    options = {"device": "cpu", "batch_size": 16, **options}
    return run_suite(SUITE, cases, models=models or [wrapped(Toy())], data={"": data}, out=out, **options)


def rows(out, case, model=None):
    """Rows of a case in canonical order."""
    return results(out).rows(case=case, model=model).sort_values("position", ignore_index=True)


def test_what_an_attack_reports_is_stored(tmp_path):
    """Words as words, numbers as numbers, and whether the model is to be doubted."""
    run(tmp_path, [Case(), Case(PGD)])
    clean, found = rows(tmp_path, "clean"), rows(tmp_path, PGD)
    wrong = clean["pred"] != clean["label"]

    assert {"none", "clean", "pgd"} >= set(found["broken_by"])
    assert wrong.tolist() == (found["broken_by"] == "clean").tolist()
    assert ((found["broken_by"] == "none") == (found["pred"] == found["label"])).all()
    assert (found["norm"] <= 0.05 + 1e-6).all()
    assert (found.loc[wrong, "backward_passes"] == 0).all()
    assert not found["stochastic"].any()
    assert not found["train_mode"].any()
    assert "stochastic" not in clean


def test_a_costly_case_runs_on_a_prefix(tmp_path):
    """The first images of the canonical order; the same rows as without the limit."""
    plan = run(tmp_path / "a", [Case(), Case(PGD, limit=17)])
    run(tmp_path / "b", [Case(PGD)])
    some, every = rows(tmp_path / "a", PGD), rows(tmp_path / "b", PGD)

    assert [40, 17] == [record.n for record in plan.records]
    assert {"done"} == {record.status for record in plan.records}
    pd.testing.assert_frame_equal(some, every.head(17), check_exact=False, atol=1e-5)


def test_a_longer_subset_is_the_same_case(tmp_path):
    """The limit is no part of the key."""
    (short,) = run(tmp_path, [Case(PGD, limit=10)]).records
    (long,) = run(tmp_path, [Case(PGD, limit=30)]).records

    assert short.case_key == long.case_key
    assert 30 == len(rows(tmp_path, PGD))


@pytest.mark.parametrize("network", [Noisy(), Stubborn()], ids=["stochastic", "train_mode"])
def test_doubts_about_a_model_are_stored(tmp_path, network, request):
    """Only the one that holds."""
    run(tmp_path, [Case(PGD)], [wrapped(network)])
    found = rows(tmp_path, PGD)

    assert found[request.node.callspec.id].all()
    assert not found[{"stochastic": "train_mode", "train_mode": "stochastic"}[request.node.callspec.id]].any()


def test_statistics_of_the_batch_are_training_mode():
    """A batch norm without running statistics normalises by whoever else is in the batch."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False))

    assert ["1"] == wrapped(network).training_layers()
    assert [] == wrapped(nn.Sequential(nn.BatchNorm2d(3))).training_layers()


def test_finished_cases_of_a_block_are_kept_before_the_block_ends(tmp_path, monkeypatch):
    """An attack may take hours for a block; what came before it is safe."""
    monkeypatch.setattr(module_of_run, "_KEPT_EVERY", 0.0)
    parts = []
    original = module_of_run.Store.commit

    def commit(store, model_key, block, tables):
        parts.append(sorted(tables))
        original(store, model_key, block, tables)

    monkeypatch.setattr(module_of_run.Store, "commit", commit)
    plan = run(tmp_path, [Case(), Case(PGD)])

    assert [1, 1] == [len(tables) for tables in parts]
    assert {"done"} == {record.status for record in plan.records}


@pytest.fixture
def pair():
    """Two models."""
    return [wrapped(Toy(), "one"), wrapped(Toy(1), "two")]


def test_every_model_attacks_and_every_model_judges(tmp_path, pair):
    """``source=each``: a case for each pair; on the diagonal it breaks what the attack itself breaks."""
    case = Case(TRANSFER)
    plan = run(tmp_path, [Case(PGD), case], pair)
    own = f"transfer(attack={PGD}, source=one)"

    assert 4 == len(plan.of(case))
    assert {"done"} == {record.status for record in plan.records}
    assert {"one", "two"} == {record.threat.source for record in plan.of(case)}
    alone, again = rows(tmp_path, PGD, "one"), rows(tmp_path, own, "one")
    assert (alone["broken_by"] == "none").tolist() == (again["broken_by"] == "none").tolist()
    assert (again["margin"] <= alone["margin"] + 1e-5).all()
    assert rows(tmp_path, own, "two")["pred"].tolist() != rows(tmp_path, own, "one")["pred"].tolist()


def test_examples_go_beyond_the_first_that_misleads_the_source(tmp_path, pair):
    """All steps are made with all samples, also with those that the source is wrong about anyway."""
    case = Case(f"transfer(attack={PGD}, source=one)")
    run(tmp_path, [case], [pair[0]])
    (file,) = tmp_path.glob("examples/*/*.arrow")
    images = np.frombuffer(b"".join(feather.read_table(file)["pixels"].to_pylist()), np.float32).reshape(40, -1)
    clean = load_dataset("shapetex(n=40)").batch(0, 40).images.flatten(1).numpy() / np.float32(255)

    assert (np.abs(images - clean).max(1) > 0.049).mean() > 0.9


def test_the_source_stays_as_it_was(tmp_path, pair):
    """It is attacked in evaluation mode, and given back in the mode and with the statistics it had."""
    network = nn.Sequential(nn.BatchNorm2d(3), Toy())
    source = wrapped(network, "normed").train()
    before = source.digest()
    run(tmp_path, [Case(f"transfer(attack={PGD}, source=normed)")], [pair[0], source])

    assert before == source.digest()
    assert network[0].training


def test_a_source_given_as_an_object_goes_by_its_name(tmp_path):
    """A name that reads as a spec is not taken for one, nor for an object of another name."""
    case = Case(TRANSFER)
    models = [wrapped(Toy(), "zoo:vit_xs"), wrapped(Toy(1), "my model, (new)")]
    plan = run(tmp_path, [case], models)

    assert {"done"} == {record.status for record in plan.records}
    assert {"zoo:vit_xs", "my model, (new)"} == {record.threat.source for record in plan.records}
    assert {record.model for record in plan.records} == {record.threat.source for record in plan.records}


def test_the_same_case_with_and_without_a_limit(tmp_path):
    """Both are done; what is measured is the larger."""
    cases = [Case(PGD), Case(PGD, limit=3)]
    plan = run(tmp_path, cases)

    assert {"done"} == {record.status for record in plan.records}
    assert [40, 3] == [plan.of(case)[0].n for case in cases]
    assert [40] == [record.n for record in results(tmp_path).cases()]


class NotANumber(Toy):
    """Gives NaN for any image that is not 8-bit."""

    def forward(self, images):
        """N×3×H×W → N×10."""
        levels = (images * 0.5 + 0.5) * 255
        odd = (levels - levels.round()).abs().amax((1, 2, 3)) > 1e-3
        return super().forward(images) + torch.where(odd, torch.nan, 0.0)[:, None]


class InHalf(Toy):
    """Logits in half precision."""

    def forward(self, images):
        """N×3×H×W → N×10."""
        return super().forward(images).half()


class Uint8(nn.Module):
    """Rounds its input to bytes in front of layers that can learn."""

    def __init__(self):
        super().__init__()
        self.toy = Toy()

    def forward(self, images):
        """N×3×H×W → N×10."""
        return self.toy((images * 100).to(torch.int16).float() / 100)


@pytest.mark.parametrize("case", [PGD, "fgsm(eps=0.05)", "apgd(eps=0.05, steps=3)", "square(eps=0.05, queries=5)"])
def test_logits_that_are_no_numbers_fail_the_case(tmp_path, case):
    """A sample is neither robust nor broken by NaN."""
    plan = run(tmp_path, [Case(), Case(case)], [wrapped(NotANumber())])

    assert ["done", "failed"] == [record.status for record in plan.records]
    assert "NaN or infinite logits" in plan.records[1].reason


@pytest.mark.parametrize("case", [PGD, "apgd(eps=0.05, steps=3, loss=dlr)", "square(eps=0.05, queries=5)"])
def test_half_precision_logits_are_attacked(tmp_path, case):
    """Losses are computed in float32."""
    plan = run(tmp_path, [Case(case)], [wrapped(InHalf())])

    assert ["done"] == [record.status for record in plan.records]


def test_a_break_in_front_of_learning_layers_is_no_gradient(tmp_path):
    """The logits do have a gradient, but not by the pixels."""
    plan = run(tmp_path, [Case(PGD), Case("square(eps=0.05, queries=5)")], [wrapped(Uint8())])

    assert ["failed", "done"] == [record.status for record in plan.records]
    assert "not differentiable" in plan.records[0].reason


def test_examples_are_made_once_and_kept(tmp_path, pair, monkeypatch):
    """One file for the block and the attacked model, in float32; another run reads it."""
    case = Case(f"transfer(attack={PGD}, source=one)")
    run(tmp_path, [case], [pair[0]])
    (file,) = tmp_path.glob("examples/*/*.arrow")
    made, table = file.stat().st_mtime_ns, feather.read_table(file)
    run(tmp_path, [case], pair)

    assert [file] == list(tmp_path.glob("examples/*/*.arrow"))
    assert made == file.stat().st_mtime_ns
    assert 40 == len(table)
    assert 3 * 64 * 64 * 4 == table["pixels"].type.byte_width


def test_a_broken_file_of_examples_is_named(tmp_path, pair):
    """Never a missing row, and the other cases go on."""
    case = Case(f"transfer(attack={PGD}, source=one)")
    run(tmp_path, [case], [pair[0]])
    (file,) = tmp_path.glob("examples/*/*.arrow")
    file.write_bytes(file.read_bytes()[:100])
    plan = run(tmp_path, [Case(), case], pair)
    (failed,) = [record for record in plan.records if record.status == "failed"]

    assert "two" == failed.model
    assert f"cannot read {file}" in failed.reason


def test_other_weights_of_the_source_make_other_examples(tmp_path, pair):
    """The digest of the source is part of the key (contract C8)."""
    case = Case(f"transfer(attack={PGD}, source=one)")
    first = run(tmp_path, [case], pair).of(case)
    second = run(tmp_path, [case], [wrapped(Toy(2), "one"), pair[1]]).of(case)

    assert first[1].case_key != second[1].case_key


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("zoo:resnet_xxs", "unknown model 'zoo:resnet_xxs'; did you mean zoo:resnet_xs"),
        ("'zoo:resnet_xs(pretrained=false, num_classes=7)'", "7 classes"),
        ("nothing", "nothing names no model"),
    ],
)
def test_a_source_that_does_not_fit_fails_its_case_alone(tmp_path, source, message):
    """Unknown, or trained for other classes."""
    source = source.strip("'")
    plan = run(tmp_path, [Case(), Case(f"transfer(attack={PGD}, source={source})")])

    assert ["done", "failed"] == [record.status for record in plan.records]
    assert message in plan.records[1].reason


class Detached(Toy):
    """Gives no gradient."""

    def forward(self, images):
        """N×3×H×W → N×10."""
        return super().forward(images).detach()


class Two(nn.Module):
    """Two classes."""

    def forward(self, images):
        """N×3×H×W → N×2."""
        return images.mean((2, 3))[:, :2]


@pytest.mark.parametrize(
    ("network", "classes", "case", "message"),
    [
        (Detached(), 10, PGD, "not differentiable"),
        (Toy(), 10, "apgd(eps=0.05, los=dlr)", "unknown parameter of apgd 'los'; did you mean loss"),
        (Toy(), 10, "worst([pgdd(eps=0.1)])", "unknown attack 'pgdd'; did you mean pgd"),
        (Toy(), 10, "worst([pgd(eps=0.1), fgsm(eps=0.2)])", "same norm and eps, got linf 0.1 and linf 0.2"),
        (Toy(), 10, "min_eps(attack=pgd(), grid=[0.2, 0.1])", "grid must increase from above 0"),
        (Toy(), 10, "transfer(attack=torchattacks(CW), source=each)", "takes attacks that keep to an eps"),
        (Toy(), 10, "pgd(eps=1)", "eps=1 is the whole range of pixels, [0,1]; write 1/255 if"),
        (Toy(), 10, "pgd(eps=128, norm=l2)", "eps=128 is farther than any L2 distance in use; write 128/255"),
        (Toy(), 10, "pgd(eps=4/255, alpha=2)", "alpha=2 must lie above 0 and be at most 2·eps"),
        (Toy(), 10, "pgd(eps=0.1, random_start=false, restarts=2)", "restarts differ by their random start"),
    ],
)
def test_bad_attacks_fail_alone(tmp_path, network, classes, case, message):
    """Named; the clean case is measured."""
    plan = run(tmp_path, [Case(), Case(case)], [wrapped(network, num_classes=classes)])

    assert ["done", "failed"] == [record.status for record in plan.records]
    assert message in plan.records[1].reason


def test_bf16_runs_attack_in_fp32(tmp_path):
    """And the record says so."""
    plan = run(tmp_path, [Case(), Case(PGD)], dtype="bf16")

    assert ["bf16", "fp32"] == [record.dtype for record in plan.records]


def test_the_plan_counts_passes():
    """Each image is judged once in each of five cases; PGD shows the clean image, each iterate and the last one."""
    cases = [Case(), Case(PGD), Case(PGD, limit=3), Case(TRANSFER)]
    models = ["zoo:vit_xs(pretrained=false)", "zoo:resnet_xs(pretrained=false)"]
    line, _ = estimate(cases, models, {"": "shapetex(n=10)"}, {"device": "cpu"})

    assert (5, 10) == (line.cases, line.images)
    transfer = 2 * 10 * (1 + 7)
    assert 10 + 10 * (1 + 5) + 3 * (1 + 5) + transfer == line.forward
    assert (10 + 3 + 2 * 10) * 3 == line.backward
    assert "at most" in str(line)


def test_a_threat_survives_the_manifest(tmp_path):
    """Scoring reads it without the catalogue."""
    run(tmp_path, [Case("min_eps(attack=pgd(steps=3), grid=[0.01, 0.02])"), Case("worst([fgsm(eps=0.01)])")])
    curve, worst = (record.threat for record in results(tmp_path).cases())

    assert ("min_eps", "linf", 0.02, "white-box", 3, (0.01, 0.02)) == (
        curve.attack, curve.norm, curve.eps, curve.knowledge, curve.steps, curve.grid,
    )  # fmt: skip
    assert ("fgsm(eps=0.01)",) == worst.members
    assert float(Fraction(1, 100)) == worst.eps
