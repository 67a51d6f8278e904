"""Numbers from other people's tables: strict about what they are, and marked as not run here."""

import json
from dataclasses import fields
from math import isnan
from pathlib import Path

import pytest

from robustbench_vit.errors import DataError, StoreError
from robustbench_vit.interchange.from_robustbench import read_robustbench
from robustbench_vit.interchange.from_timm import read_timm
from robustbench_vit.interchange.reported import holds_reported, reported, reported_models, write_reported
from robustbench_vit.records import Measurement

NEW = "model,img_size,top1,top1_err,top5,top5_err,param_count,crop_pct,interpolation\n"
OLD = (
    "model,top1,top1_err,top5,top5_err,param_count,img_size,crop_pct,interpolation,top1_diff,top5_diff,rank_diff\n"
    'eva_giant.in1k,87.573,12.427,96.893,3.107,"1,014.45",560,1.000,bicubic,-11.257,-3.007,+1\n'
)
VIT = "vit_tiny,224,75.463,24.537,92.849,7.151,5.72,0.900,bicubic\n"
INFO = {
    "link": "https://arxiv.org/abs/2402.02263", "name": "A paper", "authors": "A, B", "additional_data": True,
    "number_forward_passes": 2, "dataset": "cifar10", "venue": "ICLR", "architecture": "WRN-70-16", "eps": "8/255",
    "clean_acc": "95.19", "reported": "69.71", "autoattack_acc": "70.08", "footnote": None, "unreliable": False,
}  # fmt: skip
CORRUPTED = {"dataset": "imagenet", "eps": None, "clean_acc": "80.32", "reported": ""}


def table(folder: Path, text: str, name: str = "results-imagenet.csv") -> Path:
    """A results table."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def info(folder: Path, threat: str = "Linf", **changes: object) -> Path:
    """A file about a model, in the folder of its threat."""
    file = folder / threat / "Bai2024.json"
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(json.dumps({**INFO, **changes}))
    return file


def imported(out: Path, *files: Path, **options: str):
    """The frame of what is imported."""
    read = read_timm if files[0].suffix == ".csv" else read_robustbench
    write_reported(read(files, **options), out)
    return reported([out])


def test_timm_rows_are_marked(tmp_path):
    """Rates, no n, no interval, and who says so; the columns are those of all measurements."""
    frame = imported(tmp_path, table(tmp_path, NEW + VIT))

    assert [field.name for field in fields(Measurement)] == list(frame.columns)
    assert [("timm:vit_tiny", "clean", "top1", 0.75463), ("timm:vit_tiny", "clean", "top5", 0.92849)] == [
        *frame[["model", "case", "metric", "value"]].itertuples(index=False, name=None)
    ]
    first = Measurement(**frame.iloc[0].to_dict())
    assert ("reported", "reported", "imagenet", 0) == (first.status, first.suite, first.data, first.n)
    assert isnan(first.low)
    assert isnan(first.high)
    assert "224×224" == first.input_size
    assert "reported by timm (results-imagenet.csv), not run here" == first.reason
    assert "accuracy; reported by timm (results-imagenet.csv), not run here" == first.definition


def test_older_tables_of_timm_are_read(tmp_path):
    """Another order of columns, differences to another table, and thousands of millions of parameters."""
    frame = imported(tmp_path, table(tmp_path, OLD, "results-imagenet-a.csv"))

    assert [0.87573, 0.96893] == frame["value"].tolist()
    assert {"imagenet_a"} == set(frame["data"])
    assert 1_014_450_000 == reported_models([tmp_path])["timm:eva_giant.in1k"]["parameters"]


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("imagenet", "imagenet"),
        ("imagenet-real", "imagenet_real"),
        ("imagenet-r-clean", "imagenet_r_clean"),
        ("imagenetv2-matched-frequency", "imagenet_v2_matched_frequency"),
        ("sketch", "imagenet_sketch"),
    ],
)
def test_file_names_tell_the_data(tmp_path, file, data):
    """As timm names them; our names where we know the set."""
    assert data == read_timm([table(tmp_path, NEW + VIT, f"results-{file}.csv")])[0].about


def test_data_can_be_said(tmp_path):
    """For a file of any name."""
    file = table(tmp_path, NEW + VIT, "mine.csv")

    assert "pets" == read_timm([file], "pets")[0].about
    with pytest.raises(DataError, match=r"mine\.csv: the name does not tell the data set.*say --data NAME"):
        read_timm([file])


def test_only_model_and_top1_are_needed(tmp_path):
    """Whatever else is missing or blank is unknown."""
    frame = imported(tmp_path, table(tmp_path, "\ufeffmodel,top1,top5,param_count\nx,71.5,,\n"))

    assert [("timm:x", "top1", 0.715, "")] == [
        *frame[["model", "metric", "value", "input_size"]].itertuples(index=False, name=None)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column model and no top1; expected a results table of timm, got nothing"),
        ("model;top1\nx;7\n", "no column model and no top1"),
        ("model,infer_samples_per_sec\nx,7\n", "no column top1"),
        ("model,top1,top1\nx,7,8\n", "the column top1 is there twice"),
        ("model,top1\n", "has no rows"),
        ("model,top1\nx,71\nx,72\n", "timm:x is there twice, in .*line 2 and in .*line 3"),
        ("model,top1\nx,71\ny\n", "line 3: expected 2 fields"),
        ("model,top1\nx,71,1\n", "line 2: expected 2 fields"),
        ("model,top1\n,71\n", "line 2: model must be a name, got ''"),
        ("model,top1\nx\x1b[2J,71\n", "line 2: model must be a name"),
        ("model,top1\nx,nan\n", "line 2: top1 must be a number of at least 0, got 'nan'"),
        ("model,top1\nx,\n", "line 2: top1 must be a number"),
        ("model,top1\nx,inf\n", "line 2: top1 must be a number"),
        ("model,top1\nx,-3\n", "line 2: top1 must be a number"),
        ("model,top1\nx,7_1\n", "line 2: top1 must be a number"),
        ('model,top1\nx,"71,5"\n', "line 2: top1 must be a number"),
        ("model,top1\nx,712\n", "line 2: top1 must be percent, from 0 to 100, got '712'"),
        ("model,top1\nx,0.71\ny,0.5\n", "no accuracy is above 1; these look like rates"),
        ("model,top1,top1_err\nx,0.71,0.29\n", "line 2: top1 and top1_err sum to 1; these look like rates"),
        ("model,top1,top1_err\nx,71,28\n", "line 2: top1 and top1_err must sum to 100, they sum to 99"),
        ("model,top1,top5\nx,71,70\n", "line 2: top5 is below top1"),
        ('model,top1\n"x,71\n', "cannot read a results table from"),
        ("model,top1,param_count\nx,71,many\n", "line 2: param_count must be a number"),
    ],
)
def test_bad_tables_are_named(tmp_path, text, message):
    """With file and line; nothing is guessed."""
    with pytest.raises(DataError, match=message):
        read_timm([table(tmp_path, text)])


def test_bytes_that_are_no_text_are_an_error(tmp_path):
    """A picture is no table."""
    (tmp_path / "results-x.csv").write_bytes(b"\xff\xd8\xff\xe0")

    with pytest.raises(DataError, match="cannot read a results table"):
        read_timm([tmp_path / "results-x.csv"])
    with pytest.raises(DataError, match="cannot read a results table"):
        read_timm([tmp_path / "results-none.csv"])
    for name in ("missing.csv", "."):
        with pytest.raises(DataError, match="is no file; expected a results table of timm"):
            read_timm([tmp_path / name])


def test_low_accuracies_are_percent_where_errors_say_so(tmp_path):
    """A ResNet-50 has 0.04 % of ImageNet-A."""
    frame = imported(tmp_path, table(tmp_path, "model,top1,top1_err\nx,0.04,99.96\n", "results-imagenet-a.csv"))

    assert [0.0004] == frame["value"].tolist()


def test_robustbench_rows(tmp_path):
    """Clean and robust accuracy, with norm and eps; who says so, with the link."""
    frame = imported(tmp_path, info(tmp_path))

    assert [
        ("robustbench:Bai2024(threat=linf)", "cifar10", "clean", "top1", 0.9519),
        ("robustbench:Bai2024(threat=linf)", "cifar10", "autoattack(eps=8/255, norm=linf)", "robust_accuracy", 0.7008),
    ] == [*frame[["model", "data", "case", "metric", "value"]].itertuples(index=False, name=None)]
    assert ["clean", "adversarial"] == frame["family"].tolist()
    assert {"reported by RobustBench (Bai2024.json, https://arxiv.org/abs/2402.02263), not run here"} == set(
        frame["reason"]
    )
    assert {"architecture": "WRN-70-16", "venue": "ICLR", "paper": "A paper", "link": INFO["link"]}.items() <= (
        reported_models([tmp_path])["robustbench:Bai2024(threat=linf)"].items()
    )


def test_robustbench_doubts_are_warnings(tmp_path):
    """An evaluation that RobustBench calls unreliable, or that another one undercuts."""
    frame = imported(tmp_path, info(tmp_path, external="69.71", unreliable=True)).set_index("case")

    warning = frame.loc["autoattack(eps=8/255, norm=linf)", "warning"]
    assert "RobustBench calls the evaluation unreliable; RobustBench knows of another" in warning
    assert 0.6971 == frame.loc["external(eps=8/255, norm=linf)", "value"]
    assert "" == frame.loc["clean", "warning"]


def test_robustbench_corruptions(tmp_path):
    """2D and 3D corruptions are different images, so they share no table; mCE is relative to their AlexNet."""
    numbers = {"corruptions_acc_2d": "62.88", "corruptions_acc_3d": "64.32", "corruptions_mce_2d": "47.06"}
    file = info(tmp_path, "corruptions", **{**dict.fromkeys(INFO), **CORRUPTED, **numbers})
    frame = imported(tmp_path, file)

    assert [
        ("imagenet", "clean", "top1", 0.8032, "rate"),
        ("imagenet", "corruptions(stored)", "mean_corruption_accuracy", 0.6288, "rate"),
        ("imagenet", "corruptions(stored)", "mce", 47.06, "percent of the reference"),
        ("imagenet_3dcc", "corruptions(stored)", "mean_corruption_accuracy", 0.6432, "rate"),
    ] == [*frame[["data", "case", "metric", "value", "unit"]].itertuples(index=False, name=None)]
    assert {"robustbench:Bai2024(threat=corruptions)"} == set(frame["model"])
    assert ["", "", "AlexNet of RobustBench", ""] == frame["reference"].tolist()


@pytest.mark.parametrize(
    ("eps", "shown"),
    [("8/255", "8/255"), (0.03137254901960784, "8/255"), ("0.5", "0.5"), (0.5, "0.5"), ("128/255", "128/255")],
)
def test_eps_is_exact(tmp_path, eps, shown):
    """Decimals of k/255 are k/255."""
    frame = imported(tmp_path, info(tmp_path, "L2", eps=eps))

    assert f"autoattack(eps={shown}, norm=l2)" == frame["case"][1]


def test_the_norm_can_be_said(tmp_path):
    """Where no folder tells."""
    file = info(tmp_path, "downloads")

    assert "threat=l2" in read_robustbench([file], norm="l2")[0].measurements[0].model
    with pytest.raises(DataError, match="neither its folder"):
        read_robustbench([file])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clean_acc": 0.5538}, "clean_acc is 0.5538, which looks like a rate"),
        ({"clean_acc": None}, "clean_acc must be a number of at least 0, got None"),
        ({"clean_acc": True}, "clean_acc must be a number"),
        ({"clean_acc": "NaN"}, "clean_acc must be a number"),
        ({"autoattack_acc": "170"}, "autoattack_acc must be percent"),
        ({"autoattack_acc": "95.2"}, "autoattack_acc is above clean_acc"),
        ({"autoattack_acc": ""}, "says nothing but clean_acc"),
        ({"eps": None}, "eps must be a number above 0 such as 8/255, got None"),
        ({"eps": "8/0"}, "eps must be a number above 0"),
        ({"eps": "-8/255"}, "eps must be a number above 0"),
        ({"eps": "eight"}, "eps must be a number above 0"),
        ({"eps": True}, "eps must be a number above 0"),
        ({"dataset": None}, r"dataset \(or --data\) must be a name"),
    ],
)
def test_bad_files_are_named(tmp_path, changes, message):
    """With the field; RobustBench's file about AlexNet has had a rate among percent."""
    with pytest.raises(DataError, match=rf"Bai2024\.json.*{message}"):
        read_robustbench([info(tmp_path, **changes)])


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"dataset": "cifar10"}', "\x00"])
def test_files_that_are_no_model_are_named(tmp_path, text):
    """Whatever lies in the folder."""
    (tmp_path / "x.json").write_text(text)

    with pytest.raises(DataError, match=r"x\.json"):
        read_robustbench([tmp_path / "x.json"])


def test_only_web_addresses_are_links(tmp_path):
    """A page would show them."""
    imported(tmp_path, info(tmp_path, link="javascript:alert(1)"))

    assert "link" not in reported_models([tmp_path])["robustbench:Bai2024(threat=linf)"]
    assert "javascript" not in reported([tmp_path])["reason"][0]


def test_importing_again_replaces(tmp_path):
    """The newer table stands; two folders may hold the same."""
    imported(tmp_path / "a", table(tmp_path, "model,top1\nx,71\n"))
    frame = imported(tmp_path / "a", table(tmp_path, "model,top1\nx,72\n"))
    imported(tmp_path / "b", tmp_path / "results-imagenet.csv")

    assert [0.72] == frame["value"].tolist()
    assert frame.equals(reported([tmp_path / "a", tmp_path / "b"]))


def test_two_folders_that_differ_are_an_error(tmp_path):
    """Neither is chosen silently."""
    imported(tmp_path / "a", table(tmp_path, "model,top1\nx,71\n"))
    imported(tmp_path / "b", table(tmp_path, "model,top1\nx,72\n"))

    with pytest.raises(StoreError, match="hold different numbers about the same"):
        reported([tmp_path / "a", tmp_path / "b"])


def test_two_tables_about_the_same_are_an_error(tmp_path):
    """Nothing is written then."""
    with pytest.raises(DataError, match="two files are both timm's about imagenet"):
        imported(tmp_path / "out", table(tmp_path, NEW + VIT), table(tmp_path, OLD, "other.csv"), data="imagenet")
    assert not holds_reported(tmp_path / "out")


def test_hostile_names_stay_text(tmp_path):
    """They are escaped where they are shown; file names are plain."""
    frame = imported(tmp_path, table(tmp_path, 'model,top1\n"<script>alert(1)</script>",71\n=cmd|x,72\nñ☃,7\n'))

    assert ["timm:<script>alert(1)</script>", "timm:=cmd|x", "timm:ñ☃"] == frame["model"].tolist()
    assert [file.name for file in (tmp_path / "reported").iterdir()] == ["timm-imagenet-9bcb5415fb5d.json"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}"),
        '{"measurements": [{"model": 1}], "models": {}}',
        '{"measurements": [], "models": []}',
        '{"measurements": [], "models": [1]}',
        '{"measurements": [], "models": {"a": 1}}',
        '{"measurements": [{"model": 1, "value": 1}], "models": {}}',
    ],
)
def test_damaged_files_are_errors(tmp_path, text):
    """A number is never missing silently."""
    (tmp_path / "reported").mkdir()
    (tmp_path / "reported" / "x.json").write_text(text)

    with pytest.raises(StoreError, match=r"cannot read .*x\.json"):
        reported([tmp_path])


def test_a_model_is_called_by_text(tmp_path):
    """Whatever sorts or shows names would fail at a number, far from the file."""
    (file,) = write_reported(read_timm([table(tmp_path, "model,top1\nx,71\n")]), tmp_path)
    file.write_text(file.read_text().replace('"model": "timm:x"', '"model": 5'))

    with pytest.raises(StoreError, match="model must be text"):
        reported([tmp_path])


def test_folders_without_any(tmp_path):
    """An empty frame with all columns."""
    frame = reported([tmp_path])

    assert 0 == len(frame)
    assert [field.name for field in fields(Measurement)] == list(frame.columns)
