"""Clean cases of results folders, for the tables of others."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from robustbench_vit.aggregates.groups import CLEAN, split
from robustbench_vit.aggregates.names import without_seed
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase


def clean_cases(reading: Reading, wanted: Callable[[PlannedCase], bool]) -> dict[PlannedCase, Scored]:
    """The clean cases that are wanted, as they were scored: one of several seeds, since clean images draw nothing.

    Args:
        reading: Results folders; scores without rows will do.
        wanted: Says so of a case.

    Returns:
        Cases of models whose names say no seed.

    Raises:
        StoreError: If there are neither rows nor scores of one, for a table without it would not say so.
    """
    clean = (case for case in reading.where if case.family == CLEAN and wanted(case))
    found = reading.scored(_of_one_seed(clean))
    for case, one in found.items():
        if not len(one.correct):
            raise StoreError(
                f"{reading.where[case].root} holds neither rows nor scores of {case.case} of {case.model} on "
                f"{case.data}, which its manifest says is {case.status}; copy the folder again, with cases/ and parts/ "
                "or with scored/"
            )
    return {_without_seed(case): replace(one, case=_without_seed(one.case)) for case, one in found.items()}


def _of_one_seed(cases: Iterable[PlannedCase]) -> list[PlannedCase]:
    """Of cases that differ in their seed alone, the one of most images, if possible done."""
    alike = split(cases, lambda case: (case.suite, case.model_key, *replace(case, seed=0).identity))
    return [max(same, key=lambda case: (case.status == "done", case.n)) for same in alike.values()]


def _without_seed(case: PlannedCase) -> PlannedCase:
    return replace(case, model=without_seed(case.model, case.seed))
