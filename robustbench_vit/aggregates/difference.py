"""What a comparison of two models comes to: a row a number."""

from dataclasses import asdict, dataclass, fields

import pandas as pd

from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import PlannedCase

TIE = "tie"
"""Stands in the place of the better model where the two were not told apart; that does not make them equal."""


@dataclass(frozen=True)
class Difference:
    """One number of two models over the same images.

    Args:
        model_a: Name of the first model.
        model_b: Name of the second.
        case: Display spec of the case, or the curve, family or part of a grid.
        metric: ``top1``, of attacks ``robust_accuracy``, or the name of an aggregate.
        cases: Number of cases that both ran and that the number is over.
        n: Images that both have seen, in all of these cases and with all of these seeds.
        a: Number of the first model.
        a_low: Lower end of its 95 % interval.
        a_high: Upper end.
        b: Number of the second model.
        b_low: Lower end of its 95 % interval.
        b_high: Upper end.
        difference: b − a.
        low: Lower end of its 95 % interval, the paired bootstrap over images.
        high: Upper end.
        only_a: Images that only the first has right; None for aggregates, and where seeds differ.
        only_b: Images that only the second has right; None likewise.
        p: Of a case by McNemar's exact test; of an aggregate, and of a case whose seeds differ, by the permutation test
            that exchanges the two models on each image.
        p_holm: p adjusted by Holm's method over all rows of the comparison, cases and aggregates together; the same
            cases in two suites are one test.
        detectable: Smallest true difference that this many images show with a power of about 0.8 at two-sided 0.05.
        better: Name of the better model where p_holm < 0.05, else ``tie``.
        unit: ``rate``, or ``percent of the reference``.
        definition: Formula of the number in words.
        suite: ``name@version``.
        family: Family of the perturbation.
        data: Display spec of the data set.
        geometry: Geometry of the images.
        seed: Seed of the draws; of several, the first.
        dtype: ``fp32`` or ``bf16``.
        seeds: Seeds that both ran and that the number is the mean over, such as ``0, 1``.
        reference: What a corruption error is relative to, else empty.
        reason: Why there is no number, else empty.
        warning: Why a number may not mean what it seems to, and whose, else empty.
    """

    model_a: str
    model_b: str
    case: str
    metric: str
    cases: int
    n: int
    a: float
    a_low: float
    a_high: float
    b: float
    b_low: float
    b_high: float
    difference: float
    low: float
    high: float
    only_a: int | None
    only_b: int | None
    p: float
    p_holm: float
    detectable: float
    better: str
    unit: str
    definition: str
    suite: str
    family: str
    data: str
    geometry: str
    seed: int
    dtype: str
    seeds: str = ""
    reference: str = ""
    reason: str = ""
    warning: str = ""

    @property
    def is_case(self) -> bool:
        """Whether it is of one case, and not over several or over a grid of eps."""
        return self.metric in METRICS


@dataclass(frozen=True)
class Comparison:
    """Two models, number by number.

    Args:
        a: Name of the first model.
        b: Name of the second.
        rows: Suite by suite, its cases in plan order, then what is over several.
        alone: Cases that one of them ran and the other did not, and that are therefore in no number.
    """

    a: str
    b: str
    rows: tuple[Difference, ...]
    alone: tuple[PlannedCase, ...] = ()

    def frame(self) -> pd.DataFrame:
        """A row a `Difference`, with its fields as columns; counts that do not exist are missing."""
        names = [field.name for field in fields(Difference)]
        frame = pd.DataFrame([asdict(row) for row in self.rows], columns=names)
        return frame.astype({"only_a": "Int64", "only_b": "Int64"})
