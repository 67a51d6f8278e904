"""From what a suite declares to what can be run: every case with its data, geometry, perturbation and keys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from robustbench_vit.catalog import digest
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, RobustbenchError
from robustbench_vit.evaluation.options import Options
from robustbench_vit.labels import IMAGENET_CLASSES, READ_OUTS, LabelSpace, ReadOut, Rule, label_space, rule_of
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.records import MAX_STORED_CLASSES, PlannedCase
from robustbench_vit.spec import parse
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


def prepare(
    suite: Suite,
    cases: Sequence[Case],
    model: ImageModel,
    model_key: str,
    slots: Mapping[str, Dataset],
    options: Options,
) -> dict[Case, RunnableCase | PlannedCase]:
    """What each declared case comes to with one model: something to run, or a record that says why not.

    Args:
        suite: The suite.
        cases: Its cases, in plan order.
        model: The model.
        model_key: Folder of the model's results.
        slots: Data sets by slot; ``""`` is the run's own.
        options: Settings of the run.
    """
    return {
        case: _outcome(case, blank_case(suite, case, model.name, model_key, slots, options), model, slots, options)
        for case in cases
    }


def blank_case(
    suite: Suite, case: Case, model: str, model_key: str, slots: Mapping[str, Dataset], options: Options
) -> PlannedCase:
    """A planned case about which nothing but the declaration and its data are known."""
    row = PERTURBATIONS.row(case.perturbation)
    data = slots.get(case.data or "")
    shown = row.label(case.perturbation)
    return PlannedCase(
        suite=str(suite),
        model=model,
        model_key=model_key,
        case=shown,
        case_key=f"{_slug(shown)}-{digest(str(part).encode() for part in (case, options.seed))[:12]}",
        family=row.family,
        perturbation=shown,
        data=data.display if data else case.data or "",
        geometry=case.geometry or options.geometry or (str(data.geometry) if data else ""),
        label_space=case.labels or (data.label_space if data else ""),
        num_classes=0,
        n=options.limit or 0,
        seed=options.seed,
        dtype=options.dtype,
        sweep=row.sweep(case.perturbation),
        tags=case.tags,
    )


def _outcome(
    case: Case, blank: PlannedCase, model: ImageModel, slots: Mapping[str, Dataset], options: Options
) -> RunnableCase | PlannedCase:
    data = slots.get(case.data or "")
    if data is None:
        return replace(blank, status="skipped", reason=f"no data for slot {case.data!r}; give --data {case.data}=SPEC")
    try:
        return _prepared(case, blank, model, data, options)
    except RobustbenchError as error:
        return failure(blank, error)


def failure(record: PlannedCase, error: Exception) -> PlannedCase:
    """How a case ended that could not be run: what does not fit an optional case is skipped."""
    if isinstance(error, CaseError) and "optional" in record.tags:
        return replace(record, status="skipped", reason=str(error))
    kind = "" if isinstance(error, RobustbenchError) else f"{type(error).__name__}: "
    return replace(record, status="failed", reason=f"{kind}{error}")


def _prepared(case: Case, blank: PlannedCase, model: ImageModel, data: Dataset, options: Options) -> RunnableCase:
    reading = read_out(model, data, case.labels)
    perturbation = Perturbation.bind(case.perturbation)
    data = images(perturbation, data)
    geometry = _geometry(case, model, data, options)
    # Gradients come in fp32 whatever the run's dtype, and the row says so.
    dtype = "fp32" if "model" in perturbation.needs else options.dtype
    versions = (ENGINE_VERSION, *perturbation.versions)
    parts = (data.digest, geometry, perturbation.canonical, versions, reading, options.seed, dtype)
    record = replace(
        blank,
        case_key=f"{_slug(blank.case)}-{digest(str(part).encode() for part in parts)[:12]}",
        perturbation=perturbation.canonical,
        data=data.display,
        geometry=str(geometry),
        label_space=str(reading),
        num_classes=len(data.classes),
        n=min(options.limit or len(data), len(data)),
        input_size="×".join(map(str, model.preprocessing.input_size or ())),
        dtype=dtype,
        classes=data.classes if len(data.classes) <= MAX_STORED_CLASSES else (),
    )
    return RunnableCase(record, perturbation, data, geometry, reading)


def read_out(model: ImageModel, data: Dataset, wanted: str | None = None) -> ReadOut:
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


def model_key(name: str, identity: str) -> str:
    """Folder of a model's results: slug of its name and digest of weights, architecture and preprocessing."""
    return f"{_slug(name)}-{identity[: 24 if identity.startswith('unverified') else 12]}"


def _slug(text: Any) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", str(text)).strip("-.")[:60] or "x"
