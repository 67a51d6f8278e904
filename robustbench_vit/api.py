"""The public Python functions: `load_model`, `load_dataset`, `perturb`, `evaluate`, `results`."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from robustbench_vit.aggregates.reading import Reading
from robustbench_vit.aggregates.scoring import score
from robustbench_vit.collect import CollectedSuite, builtin_suites, collect, data_slots, require
from robustbench_vit.data import load_dataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, ModelError, SpecError, UnknownNameError
from robustbench_vit.evaluation.block import resolve_device
from robustbench_vit.evaluation.options import Options
from robustbench_vit.evaluation.progress import Progress
from robustbench_vit.evaluation.run import run
from robustbench_vit.evaluation.work import open_slots
from robustbench_vit.leaderboard.report import write_report
from robustbench_vit.models import load_model
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.perturbations.perturbation import Perturbation, provide_saliency, to_float
from robustbench_vit.records import PlannedCase
from robustbench_vit.spec import Spec
from robustbench_vit.store import Store
from robustbench_vit.suite import Case, Suite, for_each
from robustbench_vit.types import Context

__all__ = ["evaluate", "load_dataset", "load_model", "perturb", "results", "run_suite", "write_report"]


def perturb(
    images: Tensor, perturbation: str | Spec, *, ids: Sequence[str] | None = None, seed: int = 0, **context: Any
) -> Tensor:
    """Perturb images exactly as a run would.

    Args:
        images: N×3×H×W, uint8 or float in [0,1].
        perturbation: For example ``"patchdrop(ratio=0.5)"``.
        ids: Sample ids that key the draws; None uses ``"0"``, ``"1"``, …
        seed: Seed of the draws.
        **context: What the perturbation needs: ``labels``, ``model``, ``mask`` (N×H×W), ``positions``, ``pixel_std``.

    Returns:
        N×3×H×W of the input's dtype; uint8 is round(255·x).

    Raises:
        SpecError: If the perturbation, or the name of something it needs, is unknown.
        CaseError: If it cannot be applied to these images.

    Example:
        >>> import torch
        >>> perturb(torch.ones(1, 3, 8, 8), "patchdrop(ratio=0.5, grid=4)").mean().item()
        0.5
    """
    bound = Perturbation.bind(perturbation)
    if "stored" in bound.needs:
        raise CaseError(f"{perturbation} names images that are stored already; run it on a data set such as imagenet_c")
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise CaseError(f"images must be uint8 or float in [0,1], got {images.dtype}")
    given = images if images.dtype == torch.uint8 else images.float()
    if len(given) and given.is_floating_point() and not 0 <= given.min() <= given.max() <= 1:
        raise CaseError(f"float images must lie in [0,1], got {given.min():g} to {given.max():g}; divide by 255?")
    names = tuple(map(str, range(len(images)))) if ids is None else tuple(ids)
    known: Context = _checked(Context, context)
    if bound.saliency is not None and known.saliency is None:
        known = replace(known, saliency=provide_saliency(bound.saliency, to_float(given), known))
    if images.dtype == torch.uint8:
        return bound.uint8(given, names, seed=seed, context=known)
    return bound(given, names, seed=seed, context=known).images.to(images.dtype)


def evaluate(
    model: str | nn.Module | Sequence[str | nn.Module],
    data: str | Dataset | Mapping[str, str | Dataset] | None = None,
    cases: str | Suite | Sequence[str | Case] = "quickstart",
    *,
    out: str | Path | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Run cases and measure them.

    Args:
        model: Spec, `ImageModel`, or a list of them.
        data: Spec or data set, or a mapping from slots to them (``""`` is the run's own); None is the suite's own.
        cases: Name or file of a suite, a suite of this package, or cases (spec strings of perturbations will do).
        out: Results folder; None keeps nothing.
        **options: Fields of `evaluation.options.Options`: ``limit``, ``batch_size``, ``device``, ``dtype``, ``seed``, …

    Returns:
        One row a measurement, with the columns of `records.Measurement`, in plan order.

    Raises:
        SpecError: If the name of a suite, a model, a data set or an option does not fit. A perturbation that does not
            fit is a case that failed.
        StoreError: If results cannot be read or written.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            return evaluate(model, data, cases, out=folder, **options)
    models = [model] if isinstance(model, str | nn.Module) else list(model)
    store, records = Store(out), list[PlannedCase]()
    for found in _declared(cases):
        slots: dict[str, str | Dataset] = dict(data_slots([], found.suite.slots))
        slots |= data if isinstance(data, Mapping) else {} if data is None else {"": data}
        settings = {"limit": found.suite.limit, **options}
        records += run_suite(found.suite, found.cases, models=models, data=slots, out=store.root, **settings).records
    return score(records, store.rows)


@dataclass(frozen=True)
class Results:
    """A results folder, opened for reading.

    Args:
        store: The folder.
    """

    store: Store

    def cases(self) -> list[PlannedCase]:
        """Everything that was asked for, and how it ended."""
        return self.store.planned()

    def measurements(self, reference: str | None = None) -> pd.DataFrame:
        """The numbers, as `evaluate` gives them, of rows or of scores without rows; what is new is scored and kept.

        Args:
            reference: Which of the models corruption errors are relative to; None is AlexNet as published.
        """
        frame = Reading([self.store.root], reference).measurements()
        return frame.astype(
            {name: words.cat.categories.dtype for name, words in frame.select_dtypes("category").items()}
        )

    def rows(self, model: str | None = None, case: str | None = None) -> pd.DataFrame:
        """Per-sample rows with the columns ``model`` and ``case`` in front.

        Args:
            model: Display spec of a model, or None for all.
            case: Display spec of a case, or None for all.

        Raises:
            StoreError: If the folder holds scores without rows.
        """
        chosen = [
            planned
            for planned in self.cases()
            if planned.was_run and model in (None, planned.model) and case in (None, planned.case)
        ]
        frames = [self.store.needed_rows(planned).assign(model=planned.model, case=planned.case) for planned in chosen]
        if not frames:
            return pd.DataFrame(columns=["model", "case"])
        rows = pd.concat(frames, ignore_index=True)
        return rows[["model", "case", *(name for name in rows if name not in ("model", "case"))]]


def results(folder: str | Path) -> Results:
    """Open the results folder of a run."""
    return Results(Store(folder))


@dataclass(frozen=True)
class Plan:
    """What a run of one suite came to.

    Args:
        ended: For each model, how each case ended.
        store: Where the rows are.
        declared: For each declared case, what it stands for: itself, or a case for each model that is a source.
    """

    ended: tuple[Mapping[Case, PlannedCase], ...]
    store: Store
    declared: Mapping[Case, tuple[Case, ...]]

    @property
    def records(self) -> list[PlannedCase]:
        """One record a (model, case), in plan order."""
        return [record for cases in self.ended for record in cases.values()]

    def of(self, case: Case) -> list[PlannedCase]:
        """The records of a declared case, at least one a model."""
        return [cases[one] for cases in self.ended for one in self.declared[case]]


def run_suite(
    suite: Suite,
    cases: Sequence[Case],
    *,
    models: Sequence[str | nn.Module],
    data: Mapping[str, str | Dataset],
    out: Path,
    progress: Progress | None = None,
    **options: Any,
) -> Plan:
    """Run one suite's cases; the door that the command line, pytest and `evaluate` share.

    Args:
        suite: The suite.
        cases: Its cases.
        models: Specs or models.
        data: Data sets by slot; ``""`` is the run's own.
        out: Results folder.
        progress: Told what happens.
        **options: Fields of `evaluation.options.Options`.

    Raises:
        SpecError: If there is no model, no data, no such device, or an option has no meaning.
        DataError: If a data set cannot be opened.
        StoreError: If results cannot be read or written.
    """
    require(suite, cases, models, data)
    settings: Options = _checked(Options, options)
    resolve_device(settings.device)
    if settings.geometry not in (None, "native"):
        Geometry.parse(settings.geometry)
    wanted = {case.data or "" for case in cases}
    slots = open_slots({slot: spec for slot, spec in data.items() if slot in wanted}, settings)
    store, loaded = Store(out), [_model(model) for model in models]
    names = [model if isinstance(model, str) else model.name for model in loaded]
    declared = {case: for_each(case, names) for case in cases}
    every = list(dict.fromkeys(one for ones in declared.values() for one in ones))
    return Plan(tuple(run(suite, every, loaded, slots, store, settings, progress)), store, declared)


def _checked(kind: Any, values: Mapping[str, Any]) -> Any:
    """A dataclass made from what the user named."""
    known = [field.name for field in fields(kind)]
    for name in values:
        if name not in known:
            raise UnknownNameError("argument", name, known)
    return kind(**values)


def _model(model: str | nn.Module) -> str | ImageModel:
    if isinstance(model, str | ImageModel):
        return model
    raise ModelError(
        f"wrap {type(model).__name__} in robustbench_vit.models.image_model.ImageModel, so that its mean, std and "
        "input size are stated"
    )


def _declared(cases: str | Suite | Sequence[str | Case]) -> list[CollectedSuite]:
    if isinstance(cases, str):
        return collect([cases])
    if isinstance(cases, Suite):
        found = collect([cases.name]) if cases.name in builtin_suites() else []
        if [cases] != [one.suite for one in found]:
            raise SpecError(f"the Suite {cases} does not know its cases; give the path of its file, or a list of cases")
        return found
    members = tuple(case if isinstance(case, Case) else Case(case) for case in cases)
    if not members:
        raise SpecError("there are no cases; give the name or file of a suite, or perturbations such as 'clean'")
    return [CollectedSuite(Suite("adhoc", version=1), members, Path())]
