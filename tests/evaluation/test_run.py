"""The engine: the same numbers however it is run, nothing lost, nothing stale (contracts C2, C7, C8)."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from robustbench_vit.api import evaluate, results, run_suite
from robustbench_vit.data import load_dataset
from robustbench_vit.data.shapetex import Shapetex
from robustbench_vit.errors import DataError, SpecError, StoreError
from robustbench_vit.leaderboard.report import read_board
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.perturbations import PERTURBATIONS, SALIENCY, clean as module_of_clean
from robustbench_vit.store import Store
from robustbench_vit.suite import Case, Suite
from robustbench_vit.types import Perturbed

SUITE = Suite("toy", version=1)
CASES = [
    Case(),
    Case("patchdrop(0.5)"),
    Case("patchdrop(0.5, region=salient, saliency=mask)"),
    Case("fourier_noise(0.3)"),
    Case("shuffle(4)"),
]


class Toy(nn.Module):
    """Ten logits from coarse colours: fast, and sensitive to every perturbation."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weights = nn.Parameter(torch.randn(48, 10, generator=generator) * scale)

    def forward(self, images):
        """N×3×H×W → N×10."""
        return nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) @ self.weights


def toy(network=None, num_classes=10):
    """The toy as an `ImageModel`."""
    preprocessing = Preprocessing((0.5,) * 3, (0.5,) * 3, None)
    return ImageModel(network or Toy(), preprocessing, name="toy", num_classes=num_classes)


def run(out, cases=CASES, model=None, data="shapetex(n=600)", **options):
    """Run the toy suite into a folder."""
    options = {"device": "cpu", **options}
    slots = {"": data} if not isinstance(data, dict) else data
    return run_suite(SUITE, cases, models=[model or toy()], data=slots, out=Path(out), **options)


def case_files(out):
    """Content of all case files by name."""
    return {file.name: file.read_bytes() for file in sorted(Path(out).glob("cases/*/*.parquet"))}


def test_rows_are_complete_and_sorted(tmp_path):
    """One file a case, sorted by id, one row a sample; columns of the perturbation are there; no parts remain."""
    plan = run(tmp_path)
    rows = results(tmp_path).rows(case="patchdrop(ratio=0.5)")

    assert {"done"} == {record.status for record in plan.records}
    assert 600 == len(rows)
    assert sorted(rows["id"]) == list(rows["id"])
    assert sorted(range(600)) == sorted(rows["position"])
    assert {0.5} == set(rows["area"])
    assert [] == list(tmp_path.glob("parts/*/*"))
    assert "area" not in results(tmp_path).rows(case="clean")


def test_predictions_are_the_models_own(tmp_path):
    """The stored logits' read-out equals a plain loop."""
    run(tmp_path)
    data, model = load_dataset("shapetex(n=600)"), toy()
    batch = data.batch(0, 600)
    with torch.no_grad():
        probabilities = model(batch.images.float() / 255).softmax(1)
    rows = results(tmp_path).rows(case="clean").sort_values("position")

    assert probabilities.argmax(1).tolist() == rows["pred"].tolist()
    assert torch.allclose(torch.tensor(np.stack(rows["probabilities"])), probabilities, atol=1e-6)
    assert batch.labels.tolist() == rows["label"].tolist()


@pytest.mark.parametrize("batch_size", [1, 7, 256])
def test_batch_size_changes_nothing(tmp_path, batch_size):
    """Same predictions, up to float noise in the logits."""
    run(tmp_path / "a", data="shapetex(n=100)", batch_size=64)
    run(tmp_path / "b", data="shapetex(n=100)", batch_size=batch_size)
    one, other = (results(tmp_path / name).rows() for name in "ab")

    assert one["pred"].tolist() == other["pred"].tolist()
    assert (one["nll"] - other["nll"]).abs().max() < 1e-5
    assert one["rms"].equals(other["rms"])


def test_shards_merge_into_the_same_case_files(tmp_path):
    """Two shards in one folder, in any order, end in the files of a single run."""
    run(tmp_path / "whole")
    second = run(tmp_path / "shards", shard=(2, 2))
    first = run(tmp_path / "shards", shard=(1, 2))

    assert {"partial"} == {record.status for record in second.records}
    assert {"done"} == {record.status for record in first.records}
    assert case_files(tmp_path / "whole") == case_files(tmp_path / "shards")
    assert [] == list(tmp_path.glob("shards/parts/*/*"))


def test_a_finished_run_runs_nothing(tmp_path, monkeypatch):
    """Everything is reused; no image is decoded."""
    run(tmp_path)
    before = case_files(tmp_path)
    monkeypatch.setattr(Shapetex, "decode", lambda *_: pytest.fail("decoded again"))
    plan = run(tmp_path)

    assert {"done"} == {record.status for record in plan.records}
    assert before == case_files(tmp_path)


def test_limit_is_a_prefix(tmp_path):
    """A larger limit adds rows and keeps the old; a smaller one measures the prefix."""
    run(tmp_path / "small", limit=300)
    run(tmp_path / "grown", limit=300)
    run(tmp_path / "grown", limit=600)
    run(tmp_path / "whole", limit=600)
    small, whole = (results(tmp_path / name).rows(case="clean") for name in ("small", "whole"))

    assert case_files(tmp_path / "whole") == case_files(tmp_path / "grown")
    assert set(small["id"]) == set(whole[whole["position"] < 300]["id"])


def test_changed_weights_meet_no_old_number(tmp_path):
    """Another checkpoint has another folder; both stay."""
    run(tmp_path, data="shapetex(n=50)")
    run(tmp_path, data="shapetex(n=50)", model=toy(Toy(2.0)))

    assert 2 == len(list(tmp_path.glob("cases/*")))


def test_suites_share_their_cases(tmp_path, monkeypatch):
    """The clean case of another suite is not run again."""
    run(tmp_path, data="shapetex(n=50)")
    monkeypatch.setattr(Shapetex, "decode", lambda *_: pytest.fail("decoded again"))
    other = run_suite(
        Suite("other", version=3), [Case()], models=[toy()], data={"": "shapetex(n=50)"}, out=tmp_path, device="cpu"
    )

    assert ["done"] == [record.status for record in other.records]


def test_seeds_have_their_own_rows(tmp_path):
    """Another seed is another case."""
    run(tmp_path, data="shapetex(n=50)", cases=[Case("patchdrop(0.5)")])
    run(tmp_path, data="shapetex(n=50)", cases=[Case("patchdrop(0.5)")], seed=1)

    assert 2 == len(case_files(tmp_path))


class Faulty(Toy):
    """Fails, or returns NaN, on images with black patches."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, images):
        """N×3×H×W → N×10, or trouble."""
        logits = super().forward(images)
        if (images == -1).all(1).float().mean() > 0.2:
            if self.error:
                raise self.error
            logits = logits * float("nan")
        return logits


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, r"NaN or infinite logits for 200 of 200 images, first for sample 'congruent/\d+'"),
        (RuntimeError("boom"), "RuntimeError: boom"),
        (TypeError("what"), "TypeError: what"),
        (AssertionError("size"), "AssertionError: size"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_a_failing_case_is_a_row_with_its_reason(tmp_path, error, reason):
    """The other cases go on, and the reason stands in the table."""
    plan = run(tmp_path, data="shapetex(n=200)", model=toy(Faulty(error)))
    status = {record.case: record.status for record in plan.records}
    table = results(tmp_path).measurements()
    failed = table[table["case"] == "patchdrop(ratio=0.5)"].iloc[0]

    assert status["patchdrop(ratio=0.5)"] == "failed"
    assert status["clean"] == status["shuffle(grid=4)"] == "done"
    assert failed["status"] == "failed"
    assert pd.Series([failed["reason"]]).str.fullmatch(reason).all()


def test_a_failed_case_is_tried_again(tmp_path):
    """The same command runs what failed, and nothing else."""
    faulty = Faulty(RuntimeError("boom"))
    run(tmp_path, data="shapetex(n=300)", model=toy(faulty))
    faulty.error = None
    Faulty.forward, old = Toy.forward, Faulty.forward
    try:
        plan = run(tmp_path, data="shapetex(n=300)", model=toy(faulty))
    finally:
        Faulty.forward = old

    assert {"done"} == {record.status for record in plan.records}


def test_wrong_class_count_names_both(tmp_path):
    """A model with other classes than the data is told so."""
    plan = run(tmp_path, model=toy(nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()), num_classes=12))

    assert {"failed"} == {record.status for record in plan.records}
    assert "toy has 12 classes, shapetex (shapetex-10) has 10" in plan.records[0].reason


def test_a_model_that_cannot_be_loaded_does_not_stop_the_others(tmp_path):
    """Its cases are failed rows."""
    plan = run_suite(
        SUITE, [Case()], models=["zoo:vit_xxl", toy()], data={"": "shapetex(n=20)"}, out=tmp_path, device="cpu"
    )

    assert ["failed", "done"] == [record.status for record in plan.records]
    assert "did you mean" in plan.records[0].reason


def test_unfilled_slots_are_skipped_with_the_flag(tmp_path):
    """A case whose data nobody gave says how to give them; filled later, the skipped entry goes."""
    cases = [Case(), Case(data="conflict")]
    plan = run(tmp_path, cases=cases, data="shapetex(n=20)")
    assert ["done", "skipped"] == [record.status for record in plan.records]
    assert "--data conflict=SPEC" in plan.records[1].reason

    run(tmp_path, cases=cases, data={"": "shapetex(n=20)", "conflict": "shapetex(conflict, n=20)"})
    assert ["done", "done"] == [case.status for case in results(tmp_path).cases()]


def test_optional_cases_that_do_not_fit_are_skipped(tmp_path):
    """A grid that does not divide: failed, or skipped if the suite says so."""
    plan = run(tmp_path, cases=[Case("shuffle(14)"), Case("shuffle(7)", tags=("optional",))], data="shapetex(n=20)")

    assert ["failed", "skipped"] == [record.status for record in plan.records]
    assert "does not divide 64×64" in plan.records[0].reason


def test_broken_data_fail_the_cases_and_keep_the_rest(tmp_path, monkeypatch):
    """A picture that cannot be decoded fails its block's cases; rows of earlier blocks are kept."""
    decode = Shapetex.decode

    def broken(self, indices, geometry):
        if len(indices) < 256:
            raise DataError("cannot decode x.jpg: truncated")
        return decode(self, indices, geometry)

    monkeypatch.setattr(Shapetex, "decode", broken)
    plan = run(tmp_path, data="shapetex(n=300)")

    assert {"failed"} == {record.status for record in plan.records}
    assert {"cannot decode x.jpg: truncated"} == {record.reason for record in plan.records}
    assert {256} == {pq.read_metadata(file).num_rows for file in tmp_path.glob("cases/*/*.parquet")}


def test_a_halved_result_file_is_an_error(tmp_path):
    """It is named, never passed over."""
    run(tmp_path, data="shapetex(n=50)")
    file = next(tmp_path.glob("cases/*/clean*.parquet"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    with pytest.raises(StoreError, match=r"cannot read .*clean.*delete this file"):
        run(tmp_path, data="shapetex(n=50)")
    with pytest.raises(StoreError, match=r"cannot read .*clean"):
        results(tmp_path).measurements()


def test_a_full_disk_keeps_what_was_finished(tmp_path, monkeypatch):
    """The error says so, and the same command goes on."""
    commit, calls = Store.commit, []

    def full(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise StoreError("cannot write: No space left on device")
        return commit(self, *arguments)

    monkeypatch.setattr(Store, "commit", full)
    with pytest.raises(StoreError, match="No space left"):
        run(tmp_path / "full")
    assert 1 == len(list(tmp_path.glob("full/parts/*/*.parquet")))
    monkeypatch.setattr(Store, "commit", commit)
    run(tmp_path / "full")
    run(tmp_path / "whole")

    assert case_files(tmp_path / "whole") == case_files(tmp_path / "full")


def test_memory_halves_the_batch_and_says_so(tmp_path, caplog):
    """Out of memory at 32 goes on with fewer images."""

    class Hungry(Toy):
        def forward(self, images):
            if len(images) > 20:
                raise torch.OutOfMemoryError("no memory")
            return super().forward(images)

    said = []

    class Listener:
        def total(self, images):
            pass

        def advance(self, images, what):
            pass

        def say(self, text):
            said.append(text)

    plan = run(tmp_path, data="shapetex(n=100)", model=toy(Hungry()), progress=Listener())

    assert {"done"} == {record.status for record in plan.records}
    assert ["out of memory; the batch size is now 16"] == said


def test_bf16_is_another_case_and_gradients_stay_fp32(tmp_path):
    """The dtype column says what was computed."""
    cases = [Case(), Case("patchdrop(0.5, region=salient, saliency=gradient)")]
    plan = run(tmp_path, cases=cases, data="shapetex(n=20)", dtype="bf16")

    assert ["bf16", "fp32"] == [record.dtype for record in plan.records]


def test_circumstances_are_recorded(tmp_path):
    """Versions, device, options and throughput stand beside the rows, not in them."""
    run(tmp_path, data="shapetex(n=50)")
    (facts,) = [json.loads(file.read_text()) for file in tmp_path.glob("runs/*.json")]

    assert torch.__version__.startswith(facts["versions"]["torch"])
    assert facts["throughput"] > 0
    assert facts["options"]["seed"] == 0


def test_evaluate_returns_measurements_in_plan_order(tmp_path):
    """Five lines of Python give the table of the command line."""
    frame = evaluate(toy(), "shapetex(n=100)", ["clean", "patchdrop(0.5)"], device="cpu")
    top1 = frame[frame["metric"] == "top1"]

    assert ["clean", "patchdrop(ratio=0.5)"] == top1["case"].tolist()
    assert {100} == set(top1["n"])
    assert (top1["low"] <= top1["value"]).all()
    assert (top1["value"] <= top1["high"]).all()


def test_no_models_and_no_data_are_usage_errors(tmp_path):
    """The error names the flag."""
    with pytest.raises(SpecError, match="--model"):
        run_suite(SUITE, CASES, models=[], data={"": "shapetex"}, out=tmp_path)
    with pytest.raises(SpecError, match="--data"):
        run_suite(SUITE, CASES, models=[toy()], data={}, out=tmp_path)


def test_a_newer_perturbation_replaces_the_old_number(tmp_path, monkeypatch):
    """A version bump runs the case again, and the old rows enter no table."""
    cases = [Case(), Case("patchdrop(0.5, region=salient)")]
    run(tmp_path, cases=cases, data="shapetex(n=20)")
    for catalog, name in ((PERTURBATIONS, "patchdrop"), (SALIENCY, "spectral")):
        monkeypatch.setitem(catalog._rows, name, replace(catalog[name], version=2))
        run(tmp_path, cases=cases, data="shapetex(n=20)")

    table = results(tmp_path).measurements()
    assert 1 == sum((table["metric"] == "top1") & (table["family"] == "occlusion"))
    assert 4 == len(case_files(tmp_path))


def test_weights_changed_in_place_are_run_again(tmp_path):
    """Also behind autograd's back, as a swap of averaged weights does."""
    model = toy()
    first = evaluate(model, "shapetex(n=50)", ["clean"], out=tmp_path, device="cpu")
    model.network.weights.data.mul_(-1)
    second = evaluate(model, "shapetex(n=50)", ["clean"], out=tmp_path, device="cpu")

    assert first["value"].tolist() != second["value"].tolist()


class Constant(nn.Module):
    """No state at all: the digest cannot tell two of them apart."""

    def __init__(self, answer):
        super().__init__()
        self.answer = [answer]

    def forward(self, images):
        """Always the same class."""
        return nn.functional.one_hot(torch.tensor(self.answer * len(images)), 10).float()


def test_stateless_models_are_never_reused(tmp_path):
    """What cannot be verified has a new folder every time."""
    for answer in (3, 7):
        run(tmp_path, cases=[Case()], data="shapetex(n=20)", model=toy(Constant(answer)))
    rows = results(tmp_path).rows()

    assert {3, 7} == set(rows["pred"])


def test_training_mode_is_left_and_restored(tmp_path):
    """Whatever the user did with the model after wrapping it."""
    seen = []

    class Watched(Toy):
        def forward(self, images):
            seen.append(self.training)
            return super().forward(images)

    model = toy(Watched())
    model.train()
    run(tmp_path, cases=[Case()], data="shapetex(n=20)", model=model)

    assert {False} == set(seen)
    assert model.training
    assert model.network.training


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (lambda images: images * 255, r"must stay in \[0,1\]; that of sample 'congruent/\d+' spans"),
        (lambda images: images[..., ::2, :], r"clean must return floats of shape \(20, 3, 64, 64\)"),
        (lambda images: (images * 255).byte(), r"got torch.uint8"),
        (lambda images: Perturbed(images, {"label": images[:, 0, 0, 0]}), r"column 'label' must have"),
        (lambda images: Perturbed(images, {"x": images}), r"column 'x' must have one value an image"),
    ],
)
def test_a_perturbation_that_breaks_its_promise_fails(tmp_path, monkeypatch, result, reason):
    """Third parties' rows never meet the contract tests; the engine checks what they return (contract C1)."""
    monkeypatch.setattr(module_of_clean, "clean", lambda images, keys, *, context: result(images))
    plan = run(tmp_path, cases=[Case()], data="shapetex(n=20)")

    assert ["failed"] == [record.status for record in plan.records]
    assert re.search(reason, plan.records[0].reason)


def test_seeds_are_one_line_of_a_report(tmp_path):
    """The mean with the spread between seeds; results.csv has the rows of each seed as well."""
    for seed in (0, 1):
        run(tmp_path, cases=[Case("patchdrop(0.5)")], data="shapetex(n=20)", seed=seed)
    board = read_board([tmp_path])

    top1 = board.measurements[board.measurements["metric"] == "top1"]

    assert [("toy", 2)] == list(zip(top1["model"], top1["seeds"], strict=True))
    assert {"toy", "toy · seed 0", "toy · seed 1"} == set(board.everything["model"])
    assert {0, 1} == set(board.everything["seed"])


def test_slots_are_filled_from_python(tmp_path):
    """A mapping fills every slot."""
    data = {"": "shapetex(n=20)", "other": "shapetex(conflict, n=10)"}
    table = evaluate(toy(), data, [Case(), Case(data="other")], device="cpu")

    assert [20, 10] == table[table["metric"] == "top1"]["n"].tolist()


def test_a_smaller_limit_shows_its_rows_only(tmp_path):
    """Rows of a larger run stay in the file and out of the table."""
    run(tmp_path, cases=[Case()], data="shapetex(n=60)")
    run(tmp_path, cases=[Case()], data="shapetex(n=60)", limit=20)

    assert 20 == len(results(tmp_path).rows())


def test_resizing_inside_the_model_is_said_and_recorded(tmp_path):
    """The row carries the model's input size."""
    model = ImageModel(Toy(), Preprocessing((0.5,) * 3, (0.5,) * 3, (32, 32)), name="toy", num_classes=10)
    run(tmp_path, cases=[Case()], data="shapetex(n=20)", model=model)

    assert {"32×32"} == set(results(tmp_path).measurements()["input_size"])


def test_a_run_that_breaks_off_gives_the_model_back(tmp_path, monkeypatch):
    """Also where the disk is full, layers in training mode are in it again."""

    def full(self, *arguments):
        raise StoreError("cannot write: No space left on device")

    monkeypatch.setattr(Store, "commit", full)
    model = toy()
    model.train()
    with pytest.raises(StoreError, match="No space left"):
        run(tmp_path, cases=[Case()], data="shapetex(n=20)", model=model)

    assert model.network.training
