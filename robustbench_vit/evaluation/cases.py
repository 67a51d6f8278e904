"""From what a suite declares to what can be run: every case with its data, geometry, perturbation and keys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast
from uuid import uuid4

from robustbench_vit.catalog import digest
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, RobustbenchError, SpecError
from robustbench_vit.evaluation.examples import Source
from robustbench_vit.evaluation.options import Options
from robustbench_vit.labels import IMAGENET_CLASSES, READ_OUTS, LabelSpace, ReadOut, Rule, label_space, rule_of
from robustbench_vit.models import load_model
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.perturbations.row import PerturbationRow
from robustbench_vit.records import MAX_STORED_CLASSES, PlannedCase
from robustbench_vit.spec import Spec, as_spec, parse
from robustbench_vit.suite import Case, Suite

ENGINE_VERSION = 1
"""Grows when the same model and images give other rows: resizing inside the wrapper, read-out, keys."""


@dataclass(frozen=True)
class RunnableCase:
    """A planned case with the objects it runs on."""

    record: PlannedCase
    perturbation: Perturbation
    data: Dataset
    geometry: Geometry
    read_out: ReadOut
    source: Source | None = None


class Classifier(Protocol):
    """What reading a network's outputs asks of it."""

    @property
    def name(self) -> str:
        """Display form of its spec."""

    @property
    def num_classes(self) -> int:
        """Number of its outputs."""


@dataclass(frozen=True)
class SourceFacts:
    """What planning has to know of a model that transferred examples are made on.

    Args:
        name: Display form of its spec.
        num_classes: K.
        key: Folder of its results.
    """

    name: str
    num_classes: int
    key: str


class Sources:
    """The models that transferred examples are made on: known by their facts, and no more than one of them loaded.

    Args:
        models: Models of the run that were given as objects.
    """

    def __init__(self, models: Sequence[str | ImageModel]) -> None:
        self._own = {model.name: model for model in models if isinstance(model, ImageModel)}
        self._facts: dict[str, SourceFacts] = {}
        self._loaded: tuple[str, ImageModel] | None = None

    def model(self, text: str) -> ImageModel:
        """The model of a spec, or of the name of one that was given as an object.

        Raises:
            RobustbenchError: If it cannot be loaded.
        """
        if text in self._own:
            return self._own[text]
        if self._loaded is None or self._loaded[0] != text:
            self._loaded = None
            self._loaded = (text, load_model(text))
        return self._loaded[1]

    def facts(self, text: str) -> SourceFacts:
        """What planning has to know; the same for all judged models.

        Raises:
            RobustbenchError: If it cannot be loaded.
        """
        if text not in self._facts:
            model = self.model(text)
            self._facts[text] = SourceFacts(model.name, model.num_classes, model_key(model, model.digest()))
        return self._facts[text]


def prepare(
    suite: Suite,
    cases: Sequence[Case],
    model: ImageModel,
    model_key: str,
    slots: Mapping[str, Dataset],
    options: Options,
    sources: Sources,
) -> dict[Case, RunnableCase | PlannedCase]:
    """What each declared case comes to with one model: something to run, or a record that says why not.

    Args:
        suite: The suite.
        cases: Its cases, in plan order.
        model: The model.
        model_key: Folder of the model's results.
        slots: Data sets by slot; ``""`` is the run's own.
        options: Settings of the run.
        sources: Models that transferred examples are made on.
    """
    blanks = {case: blank_case(suite, case, model.name, model_key, slots, options) for case in cases}
    return {case: _outcome(case, blank, model, slots, options, sources) for case, blank in blanks.items()}


def blank_case(
    suite: Suite, case: Case, model: str, model_key: str, slots: Mapping[str, Dataset], options: Options
) -> PlannedCase:
    """A planned case about which nothing but the declaration and its data are known."""
    row, data = _row(case), slots.get(case.data or "")
    shown = row.label(case.perturbation) if row else str(case.perturbation)
    return PlannedCase(
        suite=str(suite),
        model=model,
        model_key=model_key,
        case=shown,
        case_key=f"{_slug(shown)}-{digest(str(part).encode() for part in (case, options.seed))[:12]}",
        family=PERTURBATIONS.row(case.perturbation).family if case.perturbation.name in PERTURBATIONS else "unknown",
        perturbation=shown,
        data=data.display if data else case.data or "",
        geometry=case.geometry or options.geometry or (str(data.geometry) if data else ""),
        label_space=case.labels or (data.label_space if data else ""),
        num_classes=0,
        n=min(_limits(case, options), default=0),
        seed=options.seed,
        dtype=options.dtype,
        sweep=row.sweep(case.perturbation) if row else None,
        tags=case.tags,
        threat=row.threat(case.perturbation) if row else None,
    )


def _row(case: Case) -> PerturbationRow | None:
    """The perturbation's row; None if the spec fits none, which is the failure of this case alone."""
    try:
        row = PERTURBATIONS.row(case.perturbation)
        row.label(case.perturbation), row.sweep(case.perturbation), row.threat(case.perturbation)
    except SpecError:
        return None
    return row


def _limits(case: Case, options: Options) -> list[int]:
    return [limit for limit in (case.limit, options.limit) if limit is not None]


def _outcome(
    case: Case,
    blank: PlannedCase,
    model: ImageModel,
    slots: Mapping[str, Dataset],
    options: Options,
    sources: Sources,
) -> RunnableCase | PlannedCase:
    data = slots.get(case.data or "")
    if data is None:
        return replace(blank, status="skipped", reason=f"no data for slot {case.data!r}; give --data {case.data}=SPEC")
    try:
        return _prepared(case, blank, model, data, options, sources)
    except RobustbenchError as error:
        return failure(blank, error)


def failure(record: PlannedCase, error: Exception) -> PlannedCase:
    """How a case ended that could not be run: what does not fit an optional case is skipped."""
    if isinstance(error, CaseError) and "optional" in record.tags:
        return replace(record, status="skipped", reason=str(error))
    kind = "" if isinstance(error, RobustbenchError) else f"{type(error).__name__}: "
    return replace(record, status="failed", reason=f"{kind}{error}")


def _prepared(
    case: Case, blank: PlannedCase, model: ImageModel, data: Dataset, options: Options, sources: Sources
) -> RunnableCase:
    reading = read_out(model, data, case.labels)
    perturbation = Perturbation.bind(case.perturbation)
    data = images(perturbation, data)
    geometry = _geometry(case, model, data, options)
    # Gradients come in fp32 whatever the run's dtype, and the row says so.
    dtype = "fp32" if perturbation.differentiates else options.dtype
    versions = (ENGINE_VERSION, *perturbation.versions)
    source = _source(perturbation, data, case.labels, sources) if "examples" in perturbation.needs else None
    threat = replace(blank.threat, source=source.name) if blank.threat and source else blank.threat
    parts = [data.digest, geometry, perturbation.canonical, versions, reading, options.seed, dtype]
    parts += [source.identity] if source else []
    record = replace(
        blank,
        case_key=f"{_slug(blank.case)}-{digest(str(part).encode() for part in parts)[:12]}",
        perturbation=perturbation.canonical,
        data=data.display,
        geometry=str(geometry),
        label_space=str(reading),
        num_classes=len(data.classes),
        n=min([len(data), *_limits(case, options)]),
        input_size="×".join(map(str, model.preprocessing.input_size or ())),
        dtype=dtype,
        threat=threat,
        classes=data.classes if len(data.classes) <= MAX_STORED_CLASSES else (),
    )
    return RunnableCase(record, perturbation, data, geometry, reading, source)


def _source(perturbation: Perturbation, data: Dataset, labels: str | None, sources: Sources) -> Source:
    """The model that a transferred attack is made on, and how.

    Raises:
        RobustbenchError: If it cannot be loaded, or has other classes than the labels.
    """
    attack, text = as_spec(cast("str | Spec", perturbation.spec.args["attack"])), str(perturbation.spec.args["source"])
    facts = sources.facts(text)
    reading = read_out(facts, data, labels)
    return Source(
        facts.name, facts.key, lambda: sources.model(text), Perturbation.bind(attack), reading, ENGINE_VERSION
    )


def read_out(model: Classifier, data: Dataset, wanted: str | None = None) -> ReadOut:
    """How a model's outputs become logits of the data set's classes.

    Args:
        model: The model.
        data: The data set.
        wanted: Its label space with another rule, such as ``imagenet-16(rule=max)``.

    Raises:
        SpecError: If there is no such rule.
        CaseError: If the numbers of classes do not fit, or another label space is wanted.
    """
    here, outputs, classes = data.label_space, model.num_classes, len(data.classes)
    if wanted is not None and (parse(wanted).name != here or (wanted != here and here not in READ_OUTS)):
        raise CaseError(f"{data.name} is labelled in {here}; there is no read-out into {wanted!r}")
    rule: Rule = rule_of(wanted) if wanted else "mean"
    if outputs == classes:
        return ReadOut(LabelSpace(here, data.classes))
    if here in READ_OUTS and outputs == IMAGENET_CLASSES:
        return ReadOut(label_space(here), rule)
    or_imagenet = f", or one of the {IMAGENET_CLASSES} classes of ImageNet-1k" if here in READ_OUTS else ""
    raise CaseError(
        f"{model.name} has {outputs} classes, {data.name} ({here}) has {classes}; use a model trained for these "
        f"classes{or_imagenet}, or set num_classes and checkpoint"
    )


def images(perturbation: Perturbation, data: Dataset) -> Dataset:
    """What a perturbation is applied to: the data set, or the stored condition of it that the perturbation names.

    Raises:
        CaseError: If the data set does not hold the condition.
        DataError: If the condition's files are not what was promised.
    """
    if "stored" not in perturbation.needs:
        return data
    condition: dict[str, Any] = dict(perturbation.spec.args)
    return data.view(**condition)


def _geometry(case: Case, model: ImageModel, data: Dataset, options: Options) -> Geometry:
    wanted = case.geometry or options.geometry
    if wanted is None:
        return data.geometry
    return Geometry.parse(model.preprocessing.native() if wanted == "native" else wanted)


def model_key(model: ImageModel, identity: str) -> str:
    """Folder of a model's results: slug of its name and digest of weights, architecture and preprocessing.

    What cannot be digested is never reused: its folder is another one every time.
    """
    return f"{_slug(model.name)}-{identity[:12] if model.verified else f'unverified{uuid4().hex[:14]}'}"


def _slug(text: Any) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", str(text)).strip("-.")[:60] or "x"
