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
        by_class: Whether there is a number for each true class, over the images of that class alone.
    """

    unit: str = "rate"
    higher_is_better: bool | None = True
    definition: str = ""
    columns: tuple[str, ...] = ()
    by_class: bool = False


_CUES = ("label", "pred", "texture")
_BIAS = "S / (S + T) with S decisions for the shape and T for the texture, over the images whose cues conflict"
_GEIRHOS = "Geirhos et al., ICLR 2019"

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
            "category_shape_bias",
            "robustbench_vit.metrics.shape_bias:category_shape_bias",
            "shape bias of one category",
            reference=_GEIRHOS,
            higher_is_better=None,
            definition=f"{_BIAS} and whose shape is of the category",
            columns=_CUES,
            by_class=True,
        ),
        Metric(
            "ece15",
            "robustbench_vit.metrics.calibration:expected_calibration_error",
            "expected calibration error, 15 bins",
            reference="Guo et al., ICML 2017, equation 3",
            higher_is_better=False,
            version=2,
            definition="sum over 15 equal bins (lo, hi] of the largest softmax probability of "
            "(images in bin / n) · |accuracy − mean confidence|; with few images it is too large, which the interval "
            "allows for",
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
            "robust_accuracy",
            "robustbench_vit.metrics.robustness:robust_accuracy",
            "accuracy that an attack leaves",
            reference="Madry et al., ICLR 2018",
            definition="share of images that the model is right about before the attack, that no step of the attack "
            "broke, and that it is right about when judged; of min_eps, at the largest eps",
            columns=("label", "pred", "broken_by"),
        ),
        Metric(
            "shape_bias",
            "robustbench_vit.metrics.shape_bias:shape_bias",
            "decisions for the shape, of those for shape or texture",
            reference=_GEIRHOS,
            higher_is_better=None,
            definition=_BIAS,
            columns=_CUES,
        ),
        Metric(
            "shape_bias_classmean",
            "robustbench_vit.metrics.shape_bias:shape_bias_classmean",
            "shape bias, each category weighing the same",
            reference=_GEIRHOS,
            higher_is_better=None,
            definition=f"mean over shape categories of {_BIAS}",
            columns=_CUES,
        ),
        Metric(
            "shape_decisions",
            "robustbench_vit.metrics.shape_bias:shape_decisions",
            "decisions for the shape, of all",
            reference=_GEIRHOS,
            higher_is_better=None,
            definition="share of the images whose cues conflict that are classified by their shape",
            columns=_CUES,
        ),
        Metric(
            "texture_decisions",
            "robustbench_vit.metrics.shape_bias:texture_decisions",
            "decisions for the texture, of all",
            reference=_GEIRHOS,
            higher_is_better=None,
            definition="share of the images whose cues conflict that are classified by their texture",
            columns=_CUES,
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
