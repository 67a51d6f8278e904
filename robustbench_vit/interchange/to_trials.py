"""From results folders to the files of others."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from robustbench_vit.aggregates.groups import split
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.catalog import digest
from robustbench_vit.errors import CaseError
from robustbench_vit.interchange.clean import clean_cases
from robustbench_vit.records import PlannedCase
from robustbench_vit.trials import dataset_name, write_trials


def export_trials(folders: Sequence[Path], out: Path) -> list[Path]:
    """Write the decisions of all models on clean images in the columns of model-vs-human.

    Args:
        folders: Results folders; scores without rows will do.
        out: Where to write: a folder a data set, a file a model.

    Returns:
        The files. Classes are words there, so cases with more than 32 classes have none.

    Raises:
        StoreError: If a folder holds no results, or a file cannot be read or written.
        CaseError: If no case can be written, or the name of a class cannot.
    """
    decided = clean_cases(Reading(folders), lambda case: bool(case.classes) and case.was_run)
    # Two suites may share a case.
    distinct = {(case.model_key, case.case_key): case for case in decided}
    if not distinct:
        raise CaseError("there is nothing to export: no decisions on clean images with up to 32 classes of known names")
    names = _names(distinct.values())
    return [write_trials(case, _decisions(decided[case]), names[case], out) for case in distinct.values()]


def _decisions(one: Scored) -> pd.DataFrame:
    if one.decisions is None:
        raise CaseError(f"decisions on {one.case.data} are not among the scores of {one.case.model}: too many classes")
    return one.decisions


def _names(cases: Iterable[PlannedCase]) -> dict[PlannedCase, str]:
    """What models are called; with digits of their keys where a data set would have a name twice."""
    return {
        case: name if len(same) == 1 else f"{name}-{digest([case.model_key.encode(), case.case_key.encode()])[:6]}"
        for (_, name), same in split(cases, _place).items()
        for case in same
    }


def _place(case: PlannedCase) -> tuple[str, str]:
    """Folder and file, before two models would share one."""
    return dataset_name(case), re.sub(r"[^A-Za-z0-9.]+", "-", case.model).strip("-")[:80]
