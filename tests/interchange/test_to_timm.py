"""Results tables in the columns of timm: what a reader of timm's own tables expects, and nothing invented."""

import csv
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from fake_runs import planned, random_predictions, wrong

from robustbench_vit.errors import CaseError, StoreError
from robustbench_vit.interchange.from_timm import COLUMNS, read_timm
from robustbench_vit.interchange.reported import reported, write_reported
from robustbench_vit.interchange.to_timm import export_timm
from robustbench_vit.store import Store

IMAGENET = {"data": "imagenet(val)", "geometry": "geometry(crop=224, resize=256)", "input_size": "224×224"}
NATIVE = "geometry(crop=224, interpolation=bicubic, resize=248)"
PREPROCESSING = "preprocessing(crop_mode=center, crop_pct=0.9, input_size=[224, 224], interpolation=bicubic)"


def run(root: Path, model: str, rows: pd.DataFrame, facts: dict[str, object] | None = None, **fields: object) -> Path:
    """A results folder with one more clean case."""
    case = planned("clean", model, **{"n": len(rows), "model_key": f"key-{len(model)}", **IMAGENET, **fields})
    store = Store(root)
    store.commit(case.model_key, 0, {case.case_key: pa.Table.from_pandas(rows, preserve_index=False)})
    store.compact(case.model_key, [case.case_key])
    store.record([case])
    if facts is not None:
        store.write_json(f"cases/{case.model_key}/model.json", {"model": model, "digest": "d", **facts})
    return root


def read(file: Path) -> list[dict[str, str]]:
    """The rows as text."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_table_as_timm_writes_it(tmp_path):
    """To the letter: percent with three decimals, millions with two, best first."""
    run(tmp_path, "timm:eva_giant.in1k", wrong(125, of=1000), {"parameters": 1_014_450_000}, input_size="560×560")
    run(tmp_path, "zoo:vit_xs", wrong(1, of=1000), {"parameters": 827_786}, input_size="")
    (table,) = export_timm([tmp_path], tmp_path / "results.csv")

    assert (2, (1000, 1000)) == (table.models, table.images)
    assert (
        "model,img_size,top1,top1_err,top5,top5_err,param_count,crop_pct,interpolation\n"
        "zoo:vit_xs,224,99.900,0.100,100.000,0.000,0.83,0.875,bilinear\n"
        'eva_giant.in1k,560,87.500,12.500,100.000,0.000,"1,014.45",0.875,bilinear\n'
    ) == (tmp_path / "results.csv").read_text()


def test_the_models_own_recipe(tmp_path):
    """The share that it states, not the one of rounded pixels."""
    run(tmp_path, "timm:a", wrong(1, of=10), {"preprocessing": PREPROCESSING}, geometry=NATIVE)
    run(tmp_path, "timm:other", wrong(1, of=10), geometry=NATIVE)
    rows = read(export_timm([tmp_path], tmp_path / "x.csv")[0].file)

    assert [("a", "0.900", "bicubic", ""), ("other", "0.903", "bicubic", "")] == [
        (row["model"], row["crop_pct"], row["interpolation"], row["param_count"]) for row in rows
    ]


def test_what_nobody_knows_is_empty(tmp_path):
    """Top-5 of five classes, the size of a network that takes any, the crop of images as they are."""
    rows = random_predictions(50, classes=5)
    run(tmp_path, "zoo:a", rows, geometry="none", input_size="", num_classes=5)
    (row,) = read(export_timm([tmp_path], tmp_path / "x.csv")[0].file)

    assert {""} == {row[name] for name in COLUMNS[1:] if not name.startswith("top1")}
    assert f"{100 * (rows['label'] == rows['pred']).mean():.3f}" == row["top1"]


@pytest.mark.parametrize(
    "model", ["timm:vit(pretrained=false)", "timm:vit(checkpoint=x.safetensors)", "path/to/file.py:vit", "a model"]
)
def test_only_timms_own_models_have_its_names(tmp_path, model):
    """Other weights under a published name would be a lie."""
    run(tmp_path, model, wrong(1, of=10))

    assert [model] == [row["model"] for row in read(export_timm([tmp_path], tmp_path / "x.csv")[0].file)]


def test_formulas_are_harmless(tmp_path):
    """In a spreadsheet."""
    run(tmp_path, "=cmd|' /C calc'!A0", wrong(1, of=10))

    assert ["'=cmd|' /C calc'!A0"] == [
        row["model"] for row in read(export_timm([tmp_path], tmp_path / "x.csv")[0].file)
    ]


def test_a_file_for_each_data_set(tmp_path):
    """Named by no more than tells them apart."""
    run(tmp_path, "zoo:a", wrong(1, of=10))
    run(tmp_path, "zoo:a", wrong(2, of=10), case_key="clean-1", data="imagenet_a(x)")
    assert ["t-imagenet-val.csv", "t-imagenet-a-x.csv"] == [
        t.file.name for t in export_timm([tmp_path], tmp_path / "t.csv")
    ]

    run(tmp_path, "zoo:a", wrong(3, of=10), case_key="clean-2", geometry=NATIVE)
    names = [table.file.name for table in export_timm([tmp_path], tmp_path / "t.csv")]
    assert "t-imagenet-val-geometry-crop-224-resize-256.csv" == names[0]
    assert 3 == len(set(names))


def test_suites_that_share_their_clean_case_have_one_file(tmp_path):
    """Of the name that was asked for; other images are another table."""
    for suite in ("one@1", "two@1"):
        run(tmp_path, "zoo:a", wrong(1, of=10), suite=suite)
    assert ["t.csv"] == [table.file.name for table in export_timm([tmp_path], tmp_path / "t.csv")]

    run(tmp_path, "zoo:a", wrong(1, of=10), suite="two@1", n=5)
    assert ["t-one-1.csv", "t-two-1.csv"] == [t.file.name for t in export_timm([tmp_path], tmp_path / "t.csv")]


def test_several_seeds_are_one_row(tmp_path):
    """Of the seed with most images, under the name of the model; another dtype is another row."""
    for seed, count in ((0, 10), (1, 20), (2, 20)):
        run(tmp_path, "zoo:a", wrong(2, of=count), seed=seed, case_key=f"clean-{seed}")
    (table,) = export_timm([tmp_path], tmp_path / "t.csv")
    assert (1, (20, 20), ["zoo:a"]) == (table.models, table.images, [row["model"] for row in read(table.file)])

    run(tmp_path, "zoo:a", wrong(4, of=20), seed=0, case_key="clean-3", dtype="bf16")
    rows = read(export_timm([tmp_path], tmp_path / "t.csv")[0].file)
    assert [("zoo:a · fp32", "90.000"), ("zoo:a · bf16", "80.000")] == [(row["model"], row["top1"]) for row in rows]


def test_names_that_differ_in_signs_alone(tmp_path):
    """No file replaces another."""
    run(tmp_path, "zoo:a", wrong(1, of=10), data="x y")
    run(tmp_path, "zoo:a", wrong(2, of=10), data="x-y", case_key="clean-1")

    assert 2 == len({table.file for table in export_timm([tmp_path], tmp_path / "t.csv")})


def test_what_is_not_done_has_no_row(tmp_path):
    """A part of the images would look like all of them."""
    run(tmp_path, "zoo:a", wrong(1, of=10), n=20, status="partial")

    with pytest.raises(CaseError, match="no clean case is done"):
        export_timm([tmp_path], tmp_path / "x.csv")


def test_scores_are_enough(tmp_path):
    """A folder without rows gives the same table; one without scores, too, is an error and no shorter table."""
    store = Store(run(tmp_path, "timm:a", wrong(1, of=10), {"parameters": 5_717_416}))
    text = export_timm([tmp_path], tmp_path / "with.csv")[0].file.read_text()
    next(tmp_path.glob("cases/*/*.parquet")).unlink()

    assert text == export_timm([tmp_path], tmp_path / "without.csv")[0].file.read_text()
    store.scored_file("key-6").unlink()
    with pytest.raises(StoreError, match=r"neither rows nor scores of clean of timm:a on imagenet\(val\)"):
        export_timm([tmp_path], tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_what_is_exported_can_be_imported(tmp_path):
    """The same accuracies, as reported numbers."""
    run(tmp_path, "timm:vit_tiny", wrong(246, of=1000), {"parameters": 5_717_416})
    file = export_timm([tmp_path], tmp_path / "results-imagenet.csv")[0].file
    write_reported(read_timm([file]), tmp_path / "back")
    frame = reported([tmp_path / "back"])

    assert [("timm:vit_tiny", "top1", 0.754), ("timm:vit_tiny", "top5", 1.0)] == [
        *frame[["model", "metric", "value"]].itertuples(index=False, name=None)
    ]
