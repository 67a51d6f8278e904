"""``robustbench-vit preview``: one file, no requests, nothing unescaped, clear errors."""

import base64
import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from robustbench_vit.api import evaluate, load_dataset, perturb
from robustbench_vit.cli import main
from robustbench_vit.store import Store

HOSTILE = "<script>alert(1)</script>"


def run(capsys, *arguments):
    """Exit code and what was said."""
    code = main(["preview", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """A results folder of a suite on 40 images."""
    folder = tmp_path_factory.mktemp("ran")
    suite = folder / "bench_mine.py"
    suite.write_text(
        "from robustbench_vit.suite import Case, Suite\n"
        "SUITE = Suite('mine', version=1)\n"
        "def bench_clean(): return Case()\n"
        "def bench_little(): return Case('patchdrop(ratio=0.25)')\n"
        "def bench_much(): return Case('patchdrop(ratio=0.75)')\n"
        "def bench_attack(): return Case('fgsm(eps=32/255)')\n"
    )
    evaluate(["zoo:vit_xs", "zoo:resnet_xs"], "shapetex(n=40)", str(suite), out=folder / "out", device="cpu")
    return folder


def test_gallery(tmp_path, capsys):
    """Every family of the suite, decoded pixel for pixel as `perturb` makes them."""
    file = tmp_path / "page.html"
    code, said = run(capsys, "quickstart", "--seed", 3, "--index", 2, "-o", file)
    text = file.read_text()

    assert 0 == code
    assert f"wrote {file}" in said
    assert {"frequency", "occlusion", "shuffle", "corruption"} <= set(re.findall(r">(\w+)</h3>", text))
    shown = re.search(r'src="data:image/png;base64,([^"]+)"[^>]*alt="shuffle\(grid=4\)', text)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[1]))))
    block = load_dataset("shapetex").batch(2, 3)
    expected = perturb(block.images, "shuffle(4)", ids=block.ids, seed=3)[0].permute(1, 2, 0).numpy()
    assert (expected == pixels).all()


def test_no_request(tmp_path, ran, capsys):
    """Neither page names an address, and both forbid every request."""
    for more in ([], ["--in", ran / "out"]):
        run(capsys, ran / "bench_mine.py", "-d", "shapetex(n=40)", *more, "-o", tmp_path / "page.html")
        text = (tmp_path / "page.html").read_text()
        assert "default-src 'none'" in text
        assert [] == re.findall(r"https?:|//[a-z]|url\(|@import", re.sub(r"data:image/\w+;base64,[^\"]+", "", text))


def test_attack_without_model(tmp_path, capsys):
    """Greyed out with the reason."""
    run(capsys, "adversarial", "-k", "pgd", "-o", tmp_path / "page.html")

    assert "made against the evaluated model; give --model" in (tmp_path / "page.html").read_text()


def test_unfilled_slot(tmp_path, capsys):
    """A page of nothing but reasons is a page."""
    code, said = run(capsys, "shape_bias", "-k", "edges", "-o", tmp_path / "page.html")

    assert (3, True) == (code, "0 of 1 cases can be shown" in said)
    assert "nothing can be shown: no data for slot 'edges'; give --data edges=SPEC" in said
    assert "no data for slot &#39;edges&#39;; give --data edges=SPEC" in (tmp_path / "page.html").read_text()


def test_hostile_names(tmp_path, fake_data, capsys):
    """Names of classes, files and folders are text, whatever they look like."""
    root = tmp_path / "x<i>x"
    fake_data.folder(root, {"<b>cat": 1, "&dog;": 1})
    run(
        capsys,
        "frequency",
        "-k",
        "clean",
        "-d",
        f"folder('{root}')",
        "--geometry",
        "none",
        "-o",
        tmp_path / "page.html",
    )
    text = (tmp_path / "page.html").read_text()

    assert "&lt;b&gt;cat" in text or "&amp;dog;" in text
    assert [] == re.findall(r"<b>cat|<i>x", text)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--index", 1000], "--index must be a position from 0 to 999, got 1000"),
        (["--index", -1], "--index must be a position from 0 to 999, got -1"),
        (["--id", "cat"], "no data set holds a sample 'cat'"),
        (["--images", 0], "--images must be at least 1, got 0"),
        (["-d", "shapetx"], "unknown dataset 'shapetx'"),
        (["--in", "x", "--seed", 1], "--in shows what its rows are about; leave out --index"),
        (["-k", "nothing"], "no cases in quickstart with -k 'nothing'"),
    ],
)
def test_bad_input(tmp_path, capsys, arguments, reason):
    """Exit code 2 and a sentence; no file."""
    code, said = run(capsys, "quickstart", *arguments, "-o", tmp_path / "page.html")

    assert 2 == code
    assert reason in said
    assert not (tmp_path / "page.html").exists()


def test_index_or_id(capsys):
    """Not both."""
    with pytest.raises(SystemExit):
        run(capsys, "quickstart", "--index", 0, "--id", "x")


def test_failures(tmp_path, ran, capsys):
    """The first failures of each model and curve, with their classes, places and pixels."""
    file = tmp_path / "failures.html"
    code, _ = run(capsys, ran / "bench_mine.py", "-d", "shapetex(n=40)", "--in", ran / "out", "-o", file)
    text = file.read_text()

    assert 0 == code
    assert {"zoo:vit_xs", "zoo:resnet_xs"} == set(re.findall(r'data-model="([^"]+)"', text))
    assert {"patchdrop", "fgsm(eps=32/255)"} == set(re.findall(r'data-curve="([^"]+)"', text))
    assert "made against the evaluated model; no results folder keeps it" in text
    assert re.search(r"First wrong: <span><b>\d+</b> at ratio=<wbr>0.25", text)


def test_one_model(tmp_path, ran, capsys):
    """--model chooses by name."""
    file = tmp_path / "failures.html"
    store = ["-d", "shapetex(n=40)", "--in", ran / "out", "-o", file]
    run(capsys, ran / "bench_mine.py", *store, "--model", "zoo:vit_xs", "--images", 1)

    assert {"zoo:vit_xs"} == set(re.findall(r'data-model="([^"]+)"', file.read_text()))
    code, said = run(capsys, ran / "bench_mine.py", *store, "--model", "zoo:vit")
    assert (2, True) == (code, "did you mean zoo:vit_xs" in said)


def test_other_store(tmp_path, ran, capsys):
    """No store, another suite, other data, a data set of other images: each its sentence."""
    suite, known = ran / "bench_mine.py", ran / "out"
    for arguments, reason in [
        ([suite, "-d", "shapetex(n=40)", "--in", tmp_path], "holds no results"),
        (["quickstart", "--in", known], "holds no rows of quickstart@2, only of mine@1"),
        ([suite, "-d", "shapetex", "--in", known], "data of its rows: shapetex(n=40)"),
    ]:
        code, said = run(capsys, *arguments, "-o", tmp_path / "page.html")
        assert 2 == code
        assert reason in said


def test_damaged_rows(tmp_path, ran, capsys):
    """A file that cannot be read is named."""
    out = shutil.copytree(ran / "out", tmp_path / "out")
    case = next(case for case in Store(out).planned() if case.case == "clean")
    Store(out).case_file(case.model_key, case.case_key).write_bytes(b"half")
    code, said = run(capsys, ran / "bench_mine.py", "-d", "shapetex(n=40)", "--in", out, "-o", tmp_path / "page.html")

    assert (2, True) == (code, "cannot read" in said)


def test_scores_without_rows(tmp_path, ran, capsys):
    """Say that rows are needed, and where they are."""
    out = shutil.copytree(ran / "out", tmp_path / "out")
    for file in out.glob("cases/*/*.parquet"):
        file.unlink()
    code, said = run(capsys, ran / "bench_mine.py", "-d", "shapetex(n=40)", "--in", out, "-o", tmp_path / "page.html")

    assert 2 == code
    assert "out holds no rows of clean of zoo:" in said
    assert "rows of each image are needed here" in said


def test_a_folder_is_no_file(tmp_path, capsys):
    """The page is one file; said before anything is drawn."""
    code, said = run(capsys, "quickstart", "-o", tmp_path)

    assert 2 == code
    assert f"{tmp_path} is a folder; give --out a file, such as {tmp_path / 'preview.html'}" in said
