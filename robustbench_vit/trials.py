"""Trials: who said what about which image. Read from files of others, written in the columns of model-vs-human."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from robustbench_vit.errors import CaseError, DataError
from robustbench_vit.records import PlannedCase
from robustbench_vit.store.files import printable, write_text

COLUMNS = ("subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename")
"""The columns of model-vs-human (github bethgelab/model-vs-human, `evaluation/evaluate.py`)."""

NO_DECISION = -1
"""Class of a trial without a response in time, ``na`` in the files."""

_NAMES = {
    "name": ("subj", "subject", "model"),
    "image": ("imagename", "image"),
    "response": ("object_response", "response"),
    "category": ("category", "shape"),
}
_NONE = {"na", "nan", ""}
_DATASETS = {"cue_conflict": "cue-conflict", "edges": "edge", "silhouettes": "silhouette"}
_DEFAULT = "cue_conflict"


@dataclass(frozen=True)
class Trials:
    """What one decision maker said about the images of a data set.

    Args:
        data: Name of the data set, such as ``cue_conflict``.
        name: Name of the subject or model.
        human: Whether it is a human subject.
        source: The file.
        decisions: One row an image: ``image`` (file name without folder, prefix and ending), ``category`` and
            ``response``, as words.
    """

    data: str
    name: str
    human: bool
    source: Path
    decisions: pd.DataFrame

    def is_about(self, case: PlannedCase) -> bool:
        """Whether a case is on the data set, as far as its name tells."""
        return case.data.partition("(")[0] == self.data

    def of(self, asked: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
        """The decisions about these images, as rows that metrics read.

        Args:
            asked: Columns ``id``, ``position``, ``label`` and, if cues may conflict, ``texture``.
            classes: Names of the classes.

        Returns:
            The asked rows that were decided on, in their order, with a column ``pred``.

        Raises:
            DataError: If a response or category is no class, or a category is not that of the image.
        """
        said = self.decisions.set_index("image").reindex(image_names(asked, classes))
        known = said["category"].notna().to_numpy()
        rows, said = asked[known], said[known]
        self._check(said, rows["label"].to_numpy(), classes)
        numbers = {name: number for number, name in enumerate(classes)}
        return rows.assign(pred=[numbers.get(word, NO_DECISION) for word in said["response"]])

    def _check(self, said: pd.DataFrame, labels: Iterable[int], classes: Sequence[str]) -> None:
        strange = set(said["response"]) - set(classes) - _NONE
        if strange:
            raise DataError(f"{self.source}: response {min(strange)!r} is none of the classes {', '.join(classes)}")
        for image, category, label in zip(said.index, said["category"], labels, strict=True):
            if category != classes[label]:
                raise DataError(f"{self.source}: image {image} is of {classes[label]!r}, the trial says {category!r}")


def read_trials(wheres: Sequence[str]) -> list[Trials]:
    """Read trials of humans and models.

    Args:
        wheres: Each ``[DATA=]PATH`` of a CSV file or a folder of them; DATA is the name of the data set,
            ``cue_conflict`` if nothing is said. The columns are those of model-vs-human, or ``subject`` (or ``model``),
            ``image``, ``response`` and ``shape`` (or ``category``). Decision makers in a column ``subject``, and those
            whose name begins with ``subject-``, are human.

    Returns:
        One for each decision maker and data set.

    Raises:
        DataError: If there is no such file, a column is missing, or somebody saw an image twice.
    """
    files = [(data, file) for data, path in map(_place, wheres) for file in _files(path)]
    if not files:
        return []
    frame = pd.concat([_read(file).assign(data=data) for data, file in files], ignore_index=True)
    alike = frame.groupby(frame["data"] + "=" + frame["name"], sort=False)
    return [_trials(own) for _, own in alike]


def _place(where: str) -> tuple[str, Path]:
    """Data set and path."""
    said = re.fullmatch(r"(\w+)=(.+)", where)
    return (said[1], Path(said[2])) if said else (_DEFAULT, Path(where))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.csv"))
    if not files:
        raise DataError(f"{path} holds no CSV files with trials")
    return files


def _trials(own: pd.DataFrame) -> Trials:
    """The trials of one decision maker."""
    data, name, source = own[["data", "name", "source"]].iloc[0]
    twice = own[own["image"].duplicated()]
    if len(twice):
        image, file = twice[["image", "source"]].iloc[0]
        raise DataError(
            f"{file}: {name} saw image {image!r} twice; read the files of each data set apart, with --trials DATA=PATH"
        )
    return Trials(data, name, bool(own["human"].all()), source, own[["image", "category", "response"]])


def _read(file: Path) -> pd.DataFrame:
    """Trials of a file: name, human, image, category, response, source."""
    try:
        found = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read trials from {file}: {error}") from error
    found = found.rename(columns=str.lower)
    columns = {name: next((word for word in words if word in found), None) for name, words in _NAMES.items()}
    missing = [" or ".join(_NAMES[name]) for name, column in columns.items() if column is None]
    if missing:
        raise DataError(f"{file} has no column {', '.join(missing)}; it has {', '.join(map(str, found))}")
    human = ("subject" in found) | found[columns["name"]].str.startswith("subject-")
    return pd.DataFrame(
        {
            "name": [printable(name) for name in found[columns["name"]]],
            "human": human,
            "image": [_short(name) for name in found[columns["image"]]],
            "category": found[columns["category"]],
            "response": [word if word.lower() not in _NONE else "na" for word in found[columns["response"]]],
            "source": file,
        }
    )


def image_names(rows: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """What images are called in trials: their id without its folder, or a name made from their cues.

    Where cues conflict, images are called ``<shape><i>-<texture><j>``: their own names, or, if one is not of this form,
    with the position in the canonical order, from 1, for both i and j.

    Args:
        rows: Columns ``id``, ``position``, ``label`` and, if cues may conflict, ``texture``.
        classes: Names of the classes.
    """
    names = [_short(name) for name in rows["id"]]
    if "texture" not in rows or (rows["texture"] == rows["label"]).all():
        return names
    cues = [(classes[shape], classes[texture]) for shape, texture in zip(rows["label"], rows["texture"], strict=True)]
    if all(_is_of(name, *cue) for name, cue in zip(names, cues, strict=True)):
        return names
    numbers = [position + 1 for position in rows["position"]]
    return [f"{shape}{i}-{texture}{i}" for (shape, texture), i in zip(cues, numbers, strict=True)]


def write_trials(case: PlannedCase, rows: pd.DataFrame, name: str, out: Path) -> Path:
    """Write a model's decisions in the layout and columns of model-vs-human.

    Args:
        case: The case; its classes must be known.
        rows: Its per-sample rows.
        name: What to call the model; no underscore, for that parts the file's name.
        out: Folder; the file is ``<data>/<data>_<name>_session-1.csv``.

    Raises:
        CaseError: If the classes have no names, or one that cannot be told from the numbers in a file name.
        StoreError: If the file cannot be written.
    """
    _check_names(case)
    rows = rows.sort_values("position")
    values = {
        "subj": name,
        "session": 1,
        "trial": range(1, len(rows) + 1),
        "rt": "NaN",
        "object_response": [case.classes[number] for number in rows["pred"]],
        "category": [case.classes[number] for number in rows["label"]],
        "condition": "NaN",
        "imagename": [f"{image}.png" for image in image_names(rows, case.classes)],
    }
    data = dataset_name(case)
    file = out / data / f"{data}_{name}_session-1.csv"
    write_text(file, pd.DataFrame(values, columns=list(COLUMNS)).to_csv(index=False, lineterminator="\n"))
    return file


def dataset_name(case: PlannedCase) -> str:
    """Name of a case's data set in model-vs-human, or one like those."""
    name = case.data.partition("(")[0]
    return _DATASETS.get(name) or re.sub(r"[^A-Za-z0-9]+", "-", case.data).strip("-")


def _check_names(case: PlannedCase) -> None:
    if not case.classes:
        raise CaseError(f"{case.case} on {case.data} by {case.model}: the names of its classes are not known")
    odd = next((name for name in case.classes if re.search(r"[\d_-]", name)), None)
    if odd:
        raise CaseError(
            f"class {odd!r} of {case.data} cannot be written as trials: model-vs-human reads classes out of file names "
            "such as dog10-bird2, so they must have no digit, '_' or '-'"
        )


def _short(name: str) -> str:
    """A file's name without folder, ending and the prefix that ends with its last underscore.

    Example:
        >>> _short("0001_cop_dnn_00_dog_10_dog10-bird2.png")
        'dog10-bird2'
    """
    stem = PurePosixPath(name).name
    return re.sub(r"\.(png|jpe?g)$", "", stem, flags=re.IGNORECASE).rpartition("_")[2]


def _is_of(name: str, shape: str, texture: str) -> bool:
    return re.fullmatch(rf"{re.escape(shape)}\d+-{re.escape(texture)}\d+", name) is not None
