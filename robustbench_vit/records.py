"""What a run leaves behind, as plain values: planned cases, their status, and measurements.

Everything that scores, gates or renders reads these and the per-sample rows; nothing here needs torch (contract C6).
"""

from dataclasses import dataclass
from math import nan
from typing import Any, Literal

Status = Literal["done", "partial", "failed", "skipped"]
"""How a case ended."""

MeasuredStatus = Literal[Status, "reported"]
"""How what a number is of ended; ``reported`` is a number from somebody else's table, which was not run here."""

Maker = Literal["model", "human", "humans"]
"""Who decides: a model, a human subject, or the subjects together."""

CORE_COLUMNS = (
    "id",  # str: sample id
    "position",  # int64: place in the data set's canonical order
    "label",  # int32: true class
    "pred",  # int32: class of the largest logit
    "confidence",  # float32: largest probability
    "nll",  # float32: −ln p(label)
    "p_label",  # float32: p(label)
    "p_squared",  # float32: Σₖ pₖ²; Brier = Σp² − 2·p(label) + 1
    "logsumexp",  # float32: ln Σₖ exp(logitₖ)
    "probabilities",  # K float32, label spaces of up to 32 classes only
    "top5_ids",  # 5 int32, larger label spaces: classes of the five largest logits, best first
    "top5_probabilities",  # 5 float32, likewise
    "texture",  # int32: class of the texture, where the label is that of the shape; cue-conflict data only
)
"""Columns of every case file; any other column is a perturbation's own per-sample figure (``rms``, ``area``, …)."""

MAX_STORED_CLASSES = 32
"""Label spaces up to this size store whole probability vectors (contract C6)."""


@dataclass(frozen=True)
class Sweep:
    """A case's place on a curve: cases that differ in one parameter only.

    Args:
        curve: Spec of the curve, the swept parameter left out; cases with the same curve, data and geometry belong
            together.
        axis: Label of the axis with its unit.
        at: This case's place on the axis.
        clean_at: Where the clean case belongs, or None if it is no point of the curve.
    """

    curve: str
    axis: str
    at: float
    clean_at: float | None = None


Knowledge = Literal["white-box", "black-box", "transfer"]
"""What an attacker uses: gradients of the evaluated model, its logits alone, or another model."""


@dataclass(frozen=True)
class Threat:
    """What an attack is allowed, and what it makes use of.

    Args:
        attack: Name of the attack: ``pgd``, ``square``, ``worst``, …
        norm: ``linf`` or ``l2``; empty if the attack knows no bound.
        eps: Largest distance, pixels in [0,1]; infinite if the attack knows no bound.
        knowledge: What it uses; of several attacks, the most.
        steps: Gradient steps from each start; 0 for a black-box attack and for several attacks together.
        grid: Increasing eps values at which accuracy is known, if it is more than one.
        members: Names of the attacks it is the worst of, if any, in order; as the column ``broken_by`` has them.
        black_box: Those of the members that use no gradient.
        source: Display spec of the model that transferred examples were made on, else empty.
    """

    attack: str
    norm: str
    eps: float
    knowledge: Knowledge
    steps: int = 0
    grid: tuple[float, ...] = ()
    members: tuple[str, ...] = ()
    black_box: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class PlannedCase:
    """One (model, case) of a suite, as the run's manifest keeps it.

    Args:
        suite: ``name@version``.
        model: Display spec of the model.
        model_key: Folder of the model's case files.
        case: Display spec of the perturbation.
        case_key: Name of the case file without its ending.
        family: Family of the perturbation (``clean``, ``frequency``, ``occlusion``, …).
        perturbation: Canonical spec, every parameter filled in.
        data: Display spec of the data set (or the slot's name while unfilled).
        geometry: Geometry the images were given.
        label_space: Name of the label space.
        num_classes: K.
        n: Number of samples asked for: canonical positions [0, n).
        seed: Seed of the run.
        dtype: ``fp32`` or ``bf16``.
        sweep: Place on a curve, if the perturbation has one.
        tags: Tags of the case.
        status: ``done``, ``partial`` (rows of some samples only), ``failed`` or ``skipped``.
        reason: Why it failed or was skipped, else empty.
        input_size: ``height×width`` the model's wrapper resizes to, empty if it takes any size.
        classes: Names of the K classes; empty for large label spaces, and where nobody knows them.
        threat: What an attack is allowed; None for perturbations that know no model.
    """

    suite: str
    model: str
    model_key: str
    case: str
    case_key: str
    family: str
    perturbation: str
    data: str
    geometry: str
    label_space: str
    num_classes: int
    n: int
    seed: int
    dtype: str
    sweep: Sweep | None = None
    tags: tuple[str, ...] = ()
    status: Status = "partial"
    reason: str = ""
    input_size: str = ""
    classes: tuple[str, ...] = ()
    threat: Threat | None = None

    @property
    def was_run(self) -> bool:
        """Whether there should be rows, of all samples asked for or of some."""
        return self.status in {"done", "partial"}

    @property
    def accuracy(self) -> str:
        """The metric that says how often the model is right: of an attack, before, during and after it."""
        return "robust_accuracy" if self.threat else "top1"

    @property
    def identity(self) -> tuple[object, ...]:
        """What was declared, whatever versions or contents it came to."""
        return (self.case, self.data, self.geometry, self.label_space, self.seed, self.dtype, self.tags)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary."""
        inner = {name: vars(value) for name in ("sweep", "threat") if (value := getattr(self, name)) is not None}
        return {**vars(self), **inner}  # `asdict` copies every string; a large plan has 100,000 of these

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "PlannedCase":
        """The inverse of `to_json`."""
        sweep, threat = values.get("sweep"), values.get("threat")
        words = {name: tuple(values.get(name, ())) for name in ("tags", "classes")}
        if threat:
            lists = {name: tuple(threat.get(name, ())) for name in ("grid", "members", "black_box")}
            threat = Threat(**{**threat, **lists})
        return cls(**{**values, **words, "sweep": Sweep(**sweep) if sweep else None, "threat": threat})


@dataclass(frozen=True)
class Measurement:
    """One number with what it takes to believe it (contract C9).

    Args:
        model: Display spec of the model.
        case: Display spec of the case, or of the curve for an aggregate.
        metric: Name in the catalogue of metrics or aggregates.
        value: The estimate; NaN where there is none.
        unit: ``rate`` in [0,1], ``ratio``, ``nats``, ``score``, ``percent of the reference``, or a perturbation's own.
        n: Number of images behind it.
        low: Lower end of the 95 % interval.
        high: Upper end.
        status: That of the case, or ``reported``, see `MeasuredStatus`.
        definition: Formula in words.
        suite: ``name@version``.
        family: Family of the perturbation.
        data: Display spec of the data set.
        geometry: Geometry of the images.
        perturbation: Canonical spec with every parameter.
        reason: Why there is no number, or why it is not of all images, else empty.
        curve: Curve the case is a point of, or that the aggregate sums up; else empty.
        axis: Label of the curve's axis with its unit.
        at: The case's place on the axis; NaN for an aggregate.
        clean_at: Where the clean case lies on the axis; NaN if it is no point of the curve.
        seed: Seed of the draws.
        dtype: ``fp32`` or ``bf16``.
        input_size: ``height×width`` the model's wrapper resizes images to, empty if it takes any size.
        reference: What a corruption error is relative to: ``AlexNet`` as published, or a model. For a number of two
            decision makers, the other one. Else empty.
        category: Class of the images it is of; empty for all.
        maker: Who decided, see `Maker`.
        warning: Why the number may not mean what it seems to, else empty.
        seeds: How many seeds of the draws it is the mean of, see `robustbench_vit.aggregates.seeds`.
        seed_sd: Standard deviation between these seeds; NaN for one.
    """

    model: str
    case: str
    metric: str
    value: float
    unit: str
    n: int
    low: float
    high: float
    status: MeasuredStatus
    definition: str
    suite: str
    family: str
    data: str
    geometry: str
    perturbation: str
    reason: str = ""
    curve: str = ""
    axis: str = ""
    at: float = nan
    clean_at: float = nan
    seed: int = 0
    dtype: str = "fp32"
    input_size: str = ""
    reference: str = ""
    category: str = ""
    maker: Maker = "model"
    warning: str = ""
    seeds: int = 1
    seed_sd: float = nan
