"""Trials of others: read in two layouts, written in one."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import CUES, cue_conflict, planned, random_predictions

from robustbench_vit.errors import CaseError, DataError
from robustbench_vit.metrics.shape_bias import shape_bias
from robustbench_vit.trials import COLUMNS, image_names, read_trials, write_trials

SEEN = "cdc cdd oco doo cod ccc"

SHORT = """subject,image,response,shape,texture,rt
subject-01,cat/cat1-dog1.png,cat,cat,dog,1.1
subject-01,cat/cat2-dog1.png,na,cat,dog,0.9
subject-02,cat/cat1-dog1.png,dog,cat,dog,1.0
"""

LONG = """subj,Session,trial,rt,object_response,category,condition,imagename
subject-03,1,1,1.1,cat,cat,0,0001_cop_dnn_00_cat_10_cat1-dog1.png
resnet50,1,1,NaN,NA,cat,NaN,cat2-dog1.JPEG
"""


def written(folder: Path, text: str, name: str = "trials.csv") -> str:
    """A file with this text."""
    (folder / name).write_text(text)
    return str(folder / name)


def test_reads_subjects_with_their_images(tmp_path: Path) -> None:
    """Folder and ending of an image are no part of its name."""
    first, second = read_trials([written(tmp_path, SHORT)])

    assert [(one.data, one.name, one.human) for one in (first, second)] == [
        ("cue_conflict", "subject-01", True),
        ("cue_conflict", "subject-02", True),
    ]
    assert first.decisions.to_numpy().tolist() == [["cat1-dog1", "cat", "cat"], ["cat2-dog1", "cat", "na"]]


def test_reads_the_layout_of_model_vs_human(tmp_path: Path) -> None:
    """The prefix of an image goes; who is no subject is a model."""
    human, model = read_trials([written(tmp_path, LONG)])

    assert [human.human, model.human] == [True, False]
    assert human.decisions.to_numpy().tolist() == [["cat1-dog1", "cat", "cat"]]
    assert model.decisions.to_numpy().tolist() == [["cat2-dog1", "cat", "na"]]


def test_reads_networks_and_other_data_sets(tmp_path: Path) -> None:
    """Two files about two data sets may share names."""
    text = SHORT.replace("subject,", "model,", 1).replace("shape,texture", "category,condition")
    files = [f"{data}={written(tmp_path, text, f'{data}.csv')}" for data in ("edges", "silhouettes")]

    found = read_trials(files)

    assert [(one.data, one.human) for one in found] == [("edges", True)] * 2 + [("silhouettes", True)] * 2
    assert not read_trials([written(tmp_path, text.replace("subject-", "net"))])[0].human


def test_reads_a_folder_as_one(tmp_path: Path) -> None:
    """A file a session, as in model-vs-human."""
    written(tmp_path, SHORT, "a.csv")
    written(tmp_path, SHORT.replace("cat1", "cat8").replace("cat2", "cat9"), "b.csv")

    assert [len(one.decisions) for one in read_trials([str(tmp_path)])] == [4, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHORT.replace("image", "stimulus"), r"trials.csv has no column imagename or image; it has subject, stimulus"),
        (SHORT + SHORT.splitlines()[1], r"trials.csv: subject-01 saw image 'cat1-dog1' twice; .* --trials DATA=PATH"),
        ("", r"cannot read trials from .*trials.csv"),
    ],
)
def test_files_that_are_no_trials(tmp_path: Path, text: str, message: str) -> None:
    """The file is named, and what is wrong with it."""
    with pytest.raises(DataError, match=message):
        read_trials([written(tmp_path, text)])


def test_places_without_trials(tmp_path: Path) -> None:
    """A folder without files, and no folder."""
    with pytest.raises(DataError, match="holds no CSV files with trials"):
        read_trials([str(tmp_path)])
    with pytest.raises(DataError, match=r"cannot read trials from nowhere.csv"):
        read_trials(["nowhere.csv"])


def test_decisions_come_in_the_order_of_the_images(tmp_path: Path) -> None:
    """Of those that were shown; ``na`` is no class."""
    _, rows = cue_conflict("cdc cdd oco")
    first, second = read_trials([written(tmp_path, SHORT)])

    assert first.of(rows[::-1], CUES)[["id", "pred"]].to_numpy().tolist() == [["cat2-dog1", -1], ["cat1-dog1", 0]]
    assert second.of(rows, CUES)["pred"].tolist() == [1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("png,cat,", "png,cow,", "trials.csv: response 'cow' is none of the classes cat, dog, owl"),
        ("na,cat,", "na,dog,", "trials.csv: image cat2-dog1 is of 'cat', the trial says 'dog'"),
    ],
)
def test_trials_must_fit_the_images(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Classes and categories are those of the data set."""
    _, rows = cue_conflict("cdc cdd")
    first, _ = read_trials([written(tmp_path, SHORT.replace(old, new))])

    with pytest.raises(DataError, match=message):
        first.of(rows, CUES)


def test_written_trials_have_their_columns_and_place(tmp_path: Path) -> None:
    """As model-vs-human writes them."""
    case, rows = cue_conflict(SEEN)
    file = write_trials(case, rows[::-1], "zoo-a", tmp_path)
    table = pd.read_csv(file, keep_default_na=False)

    assert file == tmp_path / "cue-conflict" / "cue-conflict_zoo-a_session-1.csv"
    assert tuple(table.columns) == COLUMNS
    assert table.iloc[1].tolist() == ["zoo-a", 1, 2, "NaN", "dog", "cat", "NaN", "cat2-dog1.png"]


@pytest.mark.parametrize("made", [False, True])
def test_what_is_written_reads_back(tmp_path: Path, made: bool) -> None:
    """Also where ids say nothing of the cues, and names are made."""
    case, rows = cue_conflict(SEEN)
    rows = rows.assign(id=[f"conflict/{place:05d}" for place in range(6)]) if made else rows
    (back,) = read_trials([str(write_trials(case, rows, "zoo-a", tmp_path))])

    again = back.of(rows.drop(columns="pred"), CUES)

    assert again["pred"].tolist() == rows["pred"].tolist()
    assert image_names(rows, CUES)[3] == ("dog4-owl4" if made else "dog4-owl1")


@pytest.mark.parametrize("made", [False, True])
def test_model_vs_human_reads_the_same_shape_bias(tmp_path: Path, made: bool) -> None:
    """Its rule: the category is the shape, the texture is the last word of the image's name without digits."""
    case, rows = cue_conflict(SEEN)
    rows = rows.assign(id=[f"conflict/{place:05d}" for place in range(6)]) if made else rows
    table = pd.read_csv(write_trials(case, rows, "zoo-a", tmp_path))
    last = [name.split("_")[-1].split(".")[0].split("-")[-1] for name in table["imagename"]]
    texture = pd.Series(["".join(letter for letter in word if not letter.isdigit()) for word in last])
    conflict = table["category"] != texture
    shape = (conflict & (table["object_response"] == table["category"])).sum()

    assert shape / (shape + (conflict & (table["object_response"] == texture)).sum()) == shape_bias(rows).value


def test_images_with_one_cue_keep_their_names(tmp_path: Path) -> None:
    """Edges and silhouettes; the folder named as in model-vs-human."""
    rows = random_predictions(4, classes=3).assign(id=[f"cat/cat{place}" for place in range(4)])
    case = replace(planned(data="edges(x)"), classes=CUES)

    file = write_trials(case, rows, "m", tmp_path)

    assert file.parent.name == "edge"
    assert pd.read_csv(file)["imagename"].tolist() == ["cat0.png", "cat1.png", "cat2.png", "cat3.png"]


def test_where_cues_agree_images_keep_their_names() -> None:
    """As when they are scored: then there is no texture."""
    _, rows = cue_conflict("ccc ddo")
    rows = rows.assign(id=["congruent/00000", "congruent/00001"])

    assert image_names(rows, CUES) == image_names(rows.drop(columns="texture"), CUES) == ["00000", "00001"]


def test_classes_must_have_names_that_can_be_told_from_numbers(tmp_path: Path) -> None:
    """Model-vs-human strips digits, and splits at ``_`` and ``-``."""
    case, rows = cue_conflict(SEEN)

    with pytest.raises(CaseError, match="class 'cat_2' of cue_conflict"):
        write_trials(replace(case, classes=("cat_2", "dog", "owl")), rows, "m", tmp_path)
    with pytest.raises(CaseError, match="the names of its classes are not known"):
        write_trials(replace(case, classes=()), rows, "m", tmp_path)
