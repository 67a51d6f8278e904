"""Clean cases of results folders, for the tables of others."""

from collections.abc import Callable

from robustbench_vit.aggregates.groups import CLEAN
from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.errors import StoreError
from robustbench_vit.records import PlannedCase


def clean_cases(reading: Reading, wanted: Callable[[PlannedCase], bool]) -> dict[PlannedCase, Scored]:
    """The clean cases that are wanted, as they were scored.

    Args:
        reading: Results folders; scores without rows will do.
        wanted: Says so of a case.

    Raises:
        StoreError: If there are neither rows nor scores of one, for a table without it would not say so.
    """
    found = reading.scored(case for case in reading.where if case.family == CLEAN and wanted(case))
    for case, one in found.items():
        if not len(one.correct):
            raise StoreError(
                f"{reading.where[case].root} holds neither rows nor scores of {case.case} of {case.model} on "
                f"{case.data}, which its manifest says is {case.status}; copy the folder again, with cases/ and parts/ "
                "or with scored/"
            )
    return found
