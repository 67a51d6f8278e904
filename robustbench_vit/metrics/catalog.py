"""Which metrics exist (contract C10). A row is a number's definition; the target gives each image's contribution."""

from dataclasses import dataclass

from robustbench_vit.catalog import Catalog, Row


@dataclass(frozen=True)
class Metric(Row):
    """A metric of one case.

    The target is a function ``(rows: DataFrame) -> Contributions`` over the case's per-sample rows; it raises
    `CaseError` where the number is not defined.

    Args:
        unit: ``rate`` in [0, 1], ``nats``, ``score``.
        higher_is_better: None if neither end is good.
        definition: Formula in words; it goes wherever the number goes.
        columns: Per-sample columns it reads. A metric applies only to cases that have them.
    """

    unit: str = "rate"
    higher_is_better: bool | None = True
    definition: str = ""
    columns: tuple[str, ...] = ()


METRICS: Catalog[Metric] = Catalog(
    "metrics",
    (
        Metric(
            "brier",
            "robustbench_vit.metrics.likelihood:brier_score",
            "squared distance of the probabilities from the truth",
            reference="Brier, Monthly Weather Review 78, 1950 (the original, over all classes)",
            unit="score",
            higher_is_better=False,
            definition="mean over images of the sum over classes of (p − y)², y one-hot; from 0 (sure and right) to 2",
            columns=("p_squared", "p_label"),
        ),
        Metric(
            "ece15",
            "robustbench_vit.metrics.calibration:expected_calibration_error",
            "expected calibration error, 15 bins",
            reference="Guo et al., ICML 2017, equation 3",
            higher_is_better=False,
            definition="sum over 15 equal bins (lo, hi] of the largest softmax probability of "
            "(images in bin / n) · |accuracy − mean confidence|",
            columns=("confidence", "label", "pred"),
        ),
        Metric(
            "mean_confidence",
            "robustbench_vit.metrics.calibration:confidence",
            "mean of the largest softmax probability",
            higher_is_better=None,
            definition="mean over images of the largest softmax probability",
            columns=("confidence",),
        ),
        Metric(
            "nll",
            "robustbench_vit.metrics.likelihood:negative_log_likelihood",
            "negative log-likelihood of the true class",
            unit="nats",
            higher_is_better=False,
            definition="mean over images of −ln p(true class)",
            columns=("nll",),
        ),
        Metric(
            "top1",
            "robustbench_vit.metrics.accuracy:top1",
            "accuracy",
            definition="share of images whose largest logit is the true class",
            columns=("label", "pred"),
        ),
        Metric(
            "top5",
            "robustbench_vit.metrics.accuracy:top5",
            "top-5 accuracy, for more than five classes",
            definition="share of images whose true class is among the five largest logits; "
            "equal logits rank by class number",
            columns=("label",),
        ),
    ),
)
