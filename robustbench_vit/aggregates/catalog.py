"""Which aggregates exist (contract C10). A new one is a row here and a pure function over the cells of a group."""

from dataclasses import dataclass

from robustbench_vit.aggregates.groups import Scope
from robustbench_vit.catalog import Catalog, Row


@dataclass(frozen=True)
class Aggregate(Row):
    """A number over several cases of one model, always over the images that all of them share.

    The target is a function ``(cells: Sequence[Cell]) -> Contributions``; it raises `CaseError` where the number is
    not defined.

    Args:
        unit: ``rate`` or ``ratio``.
        higher_is_better: Which end is good.
        definition: Formula in words; it goes wherever the number goes.
        scope: Which cells it gets: ``case`` (clean, case), ``curve`` (the points in the order of the axis) or
            ``family`` (all its cases).
    """

    unit: str = "rate"
    higher_is_better: bool = True
    definition: str = ""
    scope: Scope = "case"


AGGREGATES: Catalog[Aggregate] = Catalog(
    "aggregates",
    (
        Aggregate(
            "accuracy_drop",
            "robustbench_vit.aggregates.accuracy:accuracy_drop",
            "accuracy lost to the perturbation",
            higher_is_better=False,
            definition="top1 of the clean case − top1 of this case, over the same images",
        ),
        Aggregate(
            "auc",
            "robustbench_vit.aggregates.accuracy:area_under_curve",
            "area under the accuracy curve",
            definition="trapezoidal area under top1 along the axis, divided by the length of the axis; "
            "with the clean case where the axis has a place for it",
            scope="curve",
        ),
        Aggregate(
            "family_accuracy",
            "robustbench_vit.aggregates.accuracy:mean_accuracy",
            "mean accuracy over a family of perturbations",
            definition="mean of top1 over all cases of the family, each weighing the same, over the same images",
            scope="family",
        ),
        Aggregate(
            "relative_robustness",
            "robustbench_vit.aggregates.accuracy:relative_robustness",
            "share of the clean accuracy that is kept",
            unit="ratio",
            definition="top1 of this case / top1 of the clean case, over the same images",
        ),
    ),
)
