"""Which aggregates exist (contract C10). A new one is a row here and a pure function over the cells of a group."""

from dataclasses import dataclass

from robustbench_vit.aggregates.groups import Scope
from robustbench_vit.catalog import Catalog, Row


@dataclass(frozen=True)
class Aggregate(Row):
    """A number over several cases of one model, always over the images that all of them share.

    The target is a function ``(cells: Sequence[Cell]) -> Contributions``; it raises `CaseError` where the number is
    not defined. Of scope ``models`` it is a function of what all models of a table have right, and its numbers are as
    many, see `robustbench_vit.aggregates.effective`.

    Args:
        unit: ``rate``, ``ratio``, ``kappa`` or ``percent of the reference``.
        higher_is_better: Which end is good; None if neither is.
        definition: Formula in words; it goes wherever the number goes, with the reference by its name.
        scope: Which cells it gets, see `Scope`.
        compares: Whether its cells carry the errors of a reference.
    """

    unit: str = "rate"
    higher_is_better: bool | None = True
    definition: str = ""
    scope: Scope = "case"
    compares: bool = False


PERCENT = "percent of the reference"
_TWO = "robustbench_vit.aggregates.consistency"
_TRIALWISE = "Geirhos, Meding & Wichmann, NeurIPS 2020"
_PAPER = "Hendrycks & Dietterich, ICLR 2019, section 4.2"

AGGREGATES: Catalog[Aggregate] = Catalog(
    "aggregates",
    (
        Aggregate(
            "accuracy_difference",
            f"{_TWO}:accuracy_difference",
            "accuracy beyond that of humans",
            higher_is_better=None,
            definition="top1 − mean top1 of the human subjects, over the same images",
            scope="humans",
        ),
        Aggregate(
            "accuracy_drop",
            "robustbench_vit.aggregates.accuracy:accuracy_drop",
            "accuracy lost to the perturbation",
            higher_is_better=False,
            definition="top1 of the clean case − top1 of this case (of an attack: robust_accuracy), over the same "
            "images",
        ),
        Aggregate(
            "auc",
            "robustbench_vit.aggregates.accuracy:area_under_curve",
            "area under the accuracy curve",
            definition="trapezoidal area under top1 (of an attack: robust_accuracy) along the axis, divided by the "
            "length of the axis; with the clean case where the axis has a place for it",
            scope="curve",
        ),
        Aggregate(
            "ce",
            "robustbench_vit.aggregates.corruption_error:corruption_error",
            "corruption error of one corruption",
            reference=_PAPER,
            unit=PERCENT,
            higher_is_better=False,
            definition="100 · sum over severities 1 to 5 of the error (1 − top1) / the same of the reference",
            scope="corruption",
            compares=True,
        ),
        Aggregate(
            "effective_robustness",
            "robustbench_vit.aggregates.effective:effective_robustness",
            "accuracy beyond what clean accuracy lets one expect",
            reference="Taori et al., NeurIPS 2020, section 2",
            definition="mean top1 of the perturbed cases − what the line logit(perturbed) = a + b · logit(clean) gives "
            "for the model's clean top1; the line is fitted by least squares to the models of the table that have the "
            "same cases and images, and depends on which they are",
            scope="models",
        ),
        Aggregate(
            "error_consistency",
            f"{_TWO}:error_consistency",
            "whether two decision makers err on the same images",
            reference=_TRIALWISE,
            unit="kappa",
            higher_is_better=None,
            definition="Cohen's kappa of being right: (observed_consistency − expected_consistency) / "
            "(1 − expected_consistency), over the same images; with humans, the mean over subjects",
            scope="pair",
        ),
        Aggregate(
            "expected_consistency",
            f"{_TWO}:expected_consistency",
            "how often two would be right or wrong together by chance",
            reference=_TRIALWISE,
            higher_is_better=None,
            definition="p₁p₂ + (1 − p₁)(1 − p₂) with p the top1 of each, over the same images; with humans, the mean "
            "over subjects",
            scope="pair",
        ),
        Aggregate(
            "family_accuracy",
            "robustbench_vit.aggregates.accuracy:mean_accuracy",
            "mean accuracy over a family of perturbations",
            definition="mean of top1 over all cases of the family, each weighing the same, over the same images",
            scope="family",
        ),
        Aggregate(
            "mce",
            "robustbench_vit.aggregates.corruption_error:corruption_error",
            "mean corruption error of the 15 corruptions",
            reference=_PAPER,
            unit=PERCENT,
            higher_is_better=False,
            definition="mean over the 15 corruptions of ce, over the same images: "
            "100 · sum over severities 1 to 5 of the error (1 − top1) / the same of the reference",
            scope="benchmark",
            compares=True,
        ),
        Aggregate(
            "mean_corruption_accuracy",
            "robustbench_vit.aggregates.accuracy:mean_accuracy",
            "mean accuracy over complete corruptions",
            definition="mean of top1 over severities 1 to 5 of the corruption, of those of the group, or of all 15, "
            "each case weighing the same, over the same images",
            scope="corruptions",
        ),
        Aggregate(
            "mean_corruption_error",
            "robustbench_vit.aggregates.accuracy:mean_error",
            "mean error over complete corruptions, relative to nothing",
            higher_is_better=False,
            definition="1 − mean_corruption_accuracy: mean error over severities 1 to 5 of the corruption, of those of "
            "the group, or of all 15",
            scope="corruptions",
        ),
        Aggregate(
            "mean_relative_robustness",
            "robustbench_vit.aggregates.accuracy:relative_robustness",
            "share of the clean accuracy that is kept over a family",
            unit="ratio",
            definition="mean of top1 over all cases of the family, or over the 15 × 5 corruptions, / top1 of the clean "
            "case, over the same images",
            scope="clean+family",
        ),
        Aggregate(
            "observed_consistency",
            f"{_TWO}:observed_consistency",
            "how often two are right or wrong together",
            reference=_TRIALWISE,
            higher_is_better=None,
            definition="share of images on which both are right or both wrong; with humans, the mean over subjects",
            scope="pair",
        ),
        Aggregate(
            "relative_ce",
            "robustbench_vit.aggregates.corruption_error:relative_corruption_error",
            "corruption error of one corruption, beyond the clean error",
            reference=_PAPER,
            unit=PERCENT,
            higher_is_better=False,
            definition="100 · sum over severities 1 to 5 of (error − clean error) / the same of the reference",
            scope="clean+corruption",
            compares=True,
        ),
        Aggregate(
            "relative_mce",
            "robustbench_vit.aggregates.corruption_error:relative_corruption_error",
            "mean corruption error of the 15 corruptions, beyond the clean error",
            reference=_PAPER,
            unit=PERCENT,
            higher_is_better=False,
            definition="mean over the 15 corruptions of relative_ce, over the same images: "
            "100 · sum over severities 1 to 5 of (error − clean error) / the same of the reference",
            scope="clean+benchmark",
            compares=True,
        ),
        Aggregate(
            "relative_robustness",
            "robustbench_vit.aggregates.accuracy:relative_robustness",
            "share of the clean accuracy that is kept",
            unit="ratio",
            definition="top1 of this case (of an attack: robust_accuracy) / top1 of the clean case, over the same "
            "images",
        ),
        Aggregate(
            "robust_auc",
            "robustbench_vit.aggregates.accuracy:area_under_curve",
            "area under the curve of robust accuracy over eps",
            definition="trapezoidal area under robust_accuracy (share of images with min_eps > eps) from eps 0, where "
            "it is clean accuracy, to the largest eps of the grid, divided by that eps",
            scope="eps",
        ),
    ),
)
