"""Attacks through the engine: columns, subsets, examples for transfer, and doubts about the model."""

from fractions import Fraction

import pandas as pd
import pytest
import torch
from pyarrow import feather
from torch import nn

from robustbench_vit.api import results, run_suite
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
    """``source=each``: a case for each pair; on the diagonal it is the attack itself."""
    case = Case(TRANSFER)
    plan = run(tmp_path, [Case(PGD), case], pair)
    own = f"transfer(attack={PGD}, source=one)"

    assert 4 == len(plan.of(case))
    assert {"done"} == {record.status for record in plan.records}
    assert {"one", "two"} == {record.threat.source for record in plan.of(case)}
    assert rows(tmp_path, PGD, "one")["pred"].tolist() == rows(tmp_path, own, "one")["pred"].tolist()
    assert rows(tmp_path, own, "one")["norm"].tolist() == rows(tmp_path, PGD, "one")["norm"].tolist()
    assert rows(tmp_path, own, "two")["pred"].tolist() != rows(tmp_path, own, "one")["pred"].tolist()


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
