"""The public Python functions do what the command line does."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

import robustbench_vit
from robustbench_vit import evaluate, load_dataset, load_model, perturb, results
from robustbench_vit.collect import collect
from robustbench_vit.errors import CaseError, DataError, ModelError, SpecError, StoreError, UnknownNameError
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.records import Measurement
from robustbench_vit.spec import parse
from robustbench_vit.suite import Case, Suite

DATA = "shapetex(n=20)"
MODEL = "zoo:resnet_xs(pretrained=false)"
SUITE = """
from robustbench_vit.suite import Case, Suite

SUITE = Suite("{name}", version=2, data="shapetex(n=10)", limit=8)

def bench_clean():
    return Case()

def bench_other():
    return Case(data="other")
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Relative paths begin in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROBUSTBENCH_VIT_DATA", raising=False)


@pytest.fixture(scope="module")
def images():
    """Four rendered images, uint8."""
    return load_dataset(DATA).batch(0, 4).images


@pytest.fixture(scope="module")
def model():
    """A network with random weights."""
    return load_model(MODEL)


def top1(frame):
    """The rows of one metric."""
    return frame[frame["metric"] == "top1"]


# ── perturb ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spec", ["clean", "patchdrop(0.5)", "fourier_noise(0.4)", "shuffle(4)"])
def test_perturb_keeps_the_type(images, spec):
    """Bytes give round(255·x) of what floats give; the input stays as it is."""
    before = images.clone()
    floats = perturb(images.float() / 255, spec)
    bytes_ = perturb(images, spec)

    assert torch.uint8 == bytes_.dtype
    assert torch.float32 == floats.dtype
    assert torch.equal((floats * 255).round().to(torch.uint8), bytes_)
    assert torch.equal(before, images)


def test_perturb_numbers_images_that_have_no_ids(images):
    """None is "0", "1", …; ids and seed decide the draws, the company does not."""
    whole = perturb(images, "patchdrop(0.5)")

    assert torch.equal(whole, perturb(images, "patchdrop(0.5)", ids=["0", "1", "2", "3"]))
    assert torch.equal(whole[2:], perturb(images[2:], "patchdrop(0.5)", ids=["2", "3"]))
    assert not torch.equal(whole, perturb(images, "patchdrop(0.5)", seed=1))
    assert torch.equal(whole, perturb(images, parse("patchdrop(ratio=0.5)")))


def test_perturb_takes_what_perturbations_need(images):
    """A mask orders the cells."""
    mask = torch.zeros(4, 64, 64)
    mask[:, :32] = 1
    dropped = perturb(images, "patchdrop(0.5, region=salient, saliency=mask, grid=2)", mask=mask)

    assert 0 == dropped[:, :, :32].max()
    assert torch.equal(images[:, :, 32:], dropped[:, :, 32:])


def test_perturb_is_what_a_run_sees(model):
    """The stored predictions are those of the perturbed images."""
    data = load_dataset(DATA)
    evaluate(model, data, ["patchdrop(0.5)"], out="out", device="cpu")
    batch = data.batch(0, 20)
    perturbed = perturb(batch.images.float() / 255, "patchdrop(0.5)", ids=batch.ids)
    rows = results("out").rows().sort_values("position")

    assert model(perturbed).argmax(1).tolist() == rows["pred"].tolist()


def test_mistakes_of_perturb(images):
    """Names are answered with the closest ones, wrong images with what was expected."""
    with pytest.raises(UnknownNameError, match="unknown perturbation 'patchdrp'; did you mean patchdrop"):
        perturb(images, "patchdrp(0.5)")
    with pytest.raises(UnknownNameError, match="unknown argument 'masks'; did you mean mask"):
        perturb(images, "clean", masks=None)
    with pytest.raises(CaseError, match=r"images must be uint8 or float in \[0,1\], got torch.int64"):
        perturb(images.long(), "clean")
    with pytest.raises(CaseError, match="takes N×3×H×W images and N ids"):
        perturb(images[0], "clean")
    with pytest.raises(CaseError, match="mask"):
        perturb(images, "patchdrop(0.5, region=salient, saliency=mask)")


# ── evaluate and results ───────────────────────────────────────────────────────────────────────────────────────────


def test_evaluate_cases(model):
    """Words, specs and cases, in their order, with the columns of a measurement."""
    frame = evaluate(model, DATA, ["shuffle(4)", parse("clean"), Case("patchdrop(0.5)")], device="cpu")

    assert [field.name for field in fields(Measurement)] == list(frame)
    assert ["shuffle(grid=4)", "clean", "patchdrop(ratio=0.5)"] == top1(frame)["case"].tolist()
    assert {"adhoc@1"} == set(frame["suite"])


def test_evaluate_a_suite_by_name(model):
    """With the user's data and limit in place of the suite's own."""
    frame = evaluate(model, DATA, "shuffle", limit=5, device="cpu")

    assert {"shuffle@1"} == set(frame["suite"])
    assert {5} == set(top1(frame[frame["status"] == "done"])["n"])


def test_evaluate_a_suite_of_the_user(model):
    """A file with data and a limit of its own."""
    Path("bench_mine.py").write_text(SUITE.format(name="mine"))
    limited = evaluate(model, cases="bench_mine.py", device="cpu")
    whole = evaluate(model, cases="bench_mine.py", limit=None, device="cpu")

    assert {"done", "skipped"} == set(limited["status"])
    assert {8} == set(limited[limited["status"] == "done"]["n"])
    assert {10} == set(whole[whole["status"] == "done"]["n"])


def test_evaluate_a_folder_of_suites(model):
    """Each keeps its own name."""
    for name in ("one", "two"):
        Path(f"bench_{name}.py").write_text(SUITE.format(name=name))

    assert {"one@2", "two@2"} == set(evaluate(model, cases=".", device="cpu")["suite"])


def test_evaluate_a_suite_object(model):
    """Those of this package can be found by it; one of the user's is asked for by its file."""
    frame = evaluate(model, DATA, collect(["shuffle"])[0].suite, limit=2, device="cpu")
    assert {"shuffle@1"} == set(frame["suite"])

    for suite in (Suite("mine", version=1), Suite("shuffle", version=7)):
        with pytest.raises(SpecError, match=f"the Suite {suite} does not know its cases; give the path of its file"):
            evaluate(model, DATA, suite)


def test_evaluate_several_models_into_a_folder(model):
    """Specs and models; the folder can be opened again."""
    frame = evaluate([model, "zoo:vit_xs(pretrained=false)"], DATA, ["clean"], out="out", device="cpu")
    opened = results("out")

    assert [MODEL, "zoo:vit_xs(pretrained=false)"] == top1(frame)["model"].tolist()
    assert sorted(top1(frame)["value"]) == sorted(top1(opened.measurements())["value"])
    assert ["done", "done"] == [case.status for case in opened.cases()]
    assert ["model", "case", "id"] == list(opened.rows())[:3]
    assert (40, 20, 0) == (len(opened.rows()), len(opened.rows(model=MODEL)), len(opened.rows(case="x")))


def test_nothing_is_kept_without_a_folder(model, tmp_path):
    """The working folder stays empty."""
    evaluate(model, DATA, ["clean"], device="cpu")

    assert [] == list(tmp_path.iterdir())


def test_only_data_that_cases_ask_for_are_opened(model, tmp_path, monkeypatch):
    """A broken folder in the environment concerns its own slot alone."""
    (tmp_path / "all" / "imagenet").mkdir(parents=True)
    monkeypatch.setenv("ROBUSTBENCH_VIT_DATA", str(tmp_path / "all"))

    assert {"done"} == set(evaluate(model, DATA, ["clean"], device="cpu")["status"])
    with pytest.raises(DataError, match="imagenet"):
        evaluate(model, DATA, [Case(data="imagenet")], device="cpu")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"cases": "quickstrat"}, UnknownNameError, "did you mean quickstart"),
        ({"cases": []}, SpecError, "there are no cases"),
        ({"data": None, "cases": ["clean"]}, SpecError, "no default data"),
        ({"data": "nowhere"}, UnknownNameError, "unknown dataset 'nowhere'"),
        ({"data": "folder(nowhere)"}, DataError, "nowhere does not exist"),
        ({"model": []}, SpecError, "no default models"),
        ({"model": nn.Linear(1, 1)}, ModelError, "wrap Linear in robustbench_vit.models.image_model.ImageModel"),
        ({"batchsize": 4}, UnknownNameError, "unknown argument 'batchsize'; did you mean batch_size"),
        ({"limit": 0}, SpecError, "limit must be at least 1, got 0"),
        ({"dtype": "fp16"}, SpecError, "dtype must be fp32 or bf16, got fp16"),
        ({"device": "gpu"}, SpecError, "device 'gpu' cannot be used"),
        ({"geometry": "square"}, SpecError, "unknown geometry 'square'"),
    ],
)
def test_mistakes_of_evaluate(model, changes, error, message):
    """Each is named before anything is computed."""
    with pytest.raises(error, match=message):
        evaluate(**{"model": model, "data": DATA, "cases": ["clean"], "device": "cpu", **changes})


def test_a_case_that_fits_no_perturbation_fails_alone(model):
    """It is a row with its reason; the others are measured."""
    frame = evaluate(model, DATA, ["clean", "patchdrp(0.5)", "pgd(eps=4)", "pgd(eps=-0.1)"], device="cpu")
    reasons = frame[frame["status"] == "failed"].set_index("case")["reason"]

    assert "done" == frame["status"][0]
    assert "unknown perturbation 'patchdrp'; did you mean patchdrop" in reasons["patchdrp(0.5)"]
    assert "eps=4 is more than the whole range of pixels, [0,1]; write 4/255 if" in reasons["pgd(eps=4)"]
    assert "eps must be a number of at least 0, got -0.1" in reasons["pgd(eps=-0.1)"]


def test_scores_without_rows(model):
    """Give the same numbers; whoever asks for rows is told that there are none."""
    before = evaluate(model, DATA, ["clean"], out="out", device="cpu")
    pd.testing.assert_frame_equal(before, results("out").measurements())
    for file in Path("out").glob("cases/*/*.parquet"):
        file.unlink()

    pd.testing.assert_frame_equal(before, results("out").measurements())
    with pytest.raises(StoreError, match="out holds scores and no rows of clean of"):
        results("out").rows()


def test_a_folder_without_results():
    """It is named when something is asked of it."""
    with pytest.raises(StoreError, match="nothing holds no results"):
        results("nothing").measurements()


def test_a_network_with_its_preprocessing(tmp_path):
    """Any module becomes a model by saying how pixels are normalised."""
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 10))
    wrapped = ImageModel(network, Preprocessing((0.5,) * 3, (0.5,) * 3, None), name="mine", num_classes=10)

    assert ["mine"] == top1(evaluate(wrapped, DATA, ["clean"], device="cpu"))["model"].tolist()


# ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_public_names():
    """All of them are there, sorted, and nothing else pretends to be."""
    assert sorted(robustbench_vit.__all__) == robustbench_vit.__all__
    assert all(callable(getattr(robustbench_vit, name)) for name in robustbench_vit.__all__)
    assert set(robustbench_vit.__all__) <= set(dir(robustbench_vit))
    with pytest.raises(AttributeError, match="has no attribute 'evalute'"):
        _ = robustbench_vit.evalute


def test_public_names_are_imported_when_used():
    """The package itself is light (C11)."""
    program = (
        "import sys, robustbench_vit\n"
        "assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)\n"
        "robustbench_vit.results\n"
        "assert 'torch' in sys.modules"
    )
    root = str(Path(robustbench_vit.__file__).parents[1])

    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)
