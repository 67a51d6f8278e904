"""The run: every model over every block, whatever was computed before left alone (contracts C7 and C8)."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import zip_longest
from typing import Any, Protocol
from uuid import uuid4

import pyarrow as pa
import torch

from robustbench_vit.catalog import digest
from robustbench_vit.data import load_dataset
from robustbench_vit.data.cache import CachedDataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, RobustbenchError
from robustbench_vit.evaluation.block import BLOCK, Predictor
from robustbench_vit.evaluation.cases import RunnableCase, blank_case, model_key, prepare
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.evaluation.options import Options
from robustbench_vit.models import load_model
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store
from robustbench_vit.suite import Case, Suite
from robustbench_vit.types import Batch


class Progress(Protocol):
    """Where a run reports to."""

    def total(self, images: int) -> None:
        """So many more images are to be done."""

    def advance(self, images: int, what: str) -> None:
        """So many images of a case are done."""

    def say(self, text: str) -> None:
        """Something worth a line happened."""


class Silence:
    """Progress nobody watches."""

    def total(self, images: int) -> None:
        """Ignore it."""

    def advance(self, images: int, what: str) -> None:
        """Ignore it."""

    def say(self, text: str) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Job:
    """One block and the cases that lack its rows.

    Args:
        data: The data set.
        block: Number of the block in canonical order.
        cases: Cases to run on it.
    """

    data: Dataset
    block: int
    cases: tuple[RunnableCase, ...]

    @property
    def start(self) -> int:
        """First canonical position."""
        return self.block * BLOCK

    @property
    def stop(self) -> int:
        """Canonical position behind the last."""
        return min(self.start + BLOCK, max(case.record.n for case in self.cases))

    @property
    def images(self) -> int:
        """Images to perturb and classify."""
        return (self.stop - self.start) * len(self.cases)

    def by_geometry(self) -> dict[Geometry, list[RunnableCase]]:
        """Cases that share decoded images."""
        alike: dict[Geometry, list[RunnableCase]] = {}
        for case in self.cases:
            alike.setdefault(case.geometry, []).append(case)
        return alike

    def decode(self, pool: ThreadPoolExecutor) -> "dict[Geometry, Future[Batch]]":
        """Begin to decode the block, once a geometry."""
        return {
            geometry: pool.submit(self.data.batch, self.start, self.stop, geometry) for geometry in self.by_geometry()
        }


@dataclass
class Work:
    """What one model still has to do.

    Args:
        name: Display form of the model.
        key: Folder of its results.
        outcomes: What each declared case came to: something to run, or a record that says why not.
        model: The model, or None if it could not be loaded.
        digest: Identity of the model.
        held: Canonical positions that have rows already, by case key.
        resized: Geometries whose images the model resizes, as far as the user was told.
    """

    name: str
    key: str
    outcomes: Mapping[Case, RunnableCase | PlannedCase]
    model: ImageModel | None = None
    digest: str = ""
    held: dict[str, set[int]] = field(default_factory=dict)
    resized: set[Geometry] = field(default_factory=set)

    @cached_property
    def cases(self) -> list[RunnableCase]:
        """The cases to run; what two declarations share comes once."""
        ready = {o.record.case_key: o for o in self.outcomes.values() if isinstance(o, RunnableCase)}
        return list(ready.values())

    def jobs(self, options: Options) -> Iterator[Job]:
        """Every block of this shard with something to do."""
        for data in dict.fromkeys(case.data for case in self.cases):
            cases = [case for case in self.cases if case.data is data]
            for block in range(-(-max(case.record.n for case in cases) // BLOCK)):
                missing = [case for case in cases if not self.holds(case, block * BLOCK, (block + 1) * BLOCK)]
                if missing and options.owns(block):
                    yield Job(data, block, tuple(missing))

    def holds(self, case: RunnableCase, start: int, stop: int) -> bool:
        """Whether all rows at canonical positions [start, stop) that the case asks for are there."""
        return self.held[case.record.case_key].issuperset(range(start, min(stop, case.record.n)))

    def reasons(self) -> list[str]:
        """Why cases cannot be run, each reason once."""
        return list(dict.fromkeys(o.reason for o in self.outcomes.values() if isinstance(o, PlannedCase)))

    def record(self, outcome: RunnableCase | PlannedCase) -> PlannedCase:
        """How a case ended that did not fail while running."""
        if isinstance(outcome, PlannedCase):
            return outcome
        return replace(outcome.record, status="done" if self.holds(outcome, 0, outcome.record.n) else "partial")


def open_slots(data: Mapping[str, str | Dataset], options: Options) -> dict[str, Dataset]:
    """Open the data sets of all slots.

    Raises:
        RobustbenchError: If one cannot be opened.
    """
    opened = {slot: load_dataset(spec) if isinstance(spec, str) else spec for slot, spec in data.items()}
    for dataset in opened.values():
        if hasattr(dataset, "workers"):
            dataset.workers = options.workers
    if options.cache is None:
        return opened
    return {slot: CachedDataset(dataset, options.cache, BLOCK) for slot, dataset in opened.items()}


def plan_model(
    suite: Suite,
    cases: Sequence[Case],
    model: str | ImageModel,
    slots: Mapping[str, Dataset],
    store: Store,
    options: Options,
) -> Work:
    """Load a model and find out what it still has to do.

    A model that cannot be loaded gives failed cases, so that the other models go on.

    Raises:
        StoreError: If a result file cannot be read.
    """
    unloaded = f"unloaded-{digest([str(model).encode()])[:12]}"
    try:
        loaded = load_model(model) if isinstance(model, str) else model
    except RobustbenchError as error:
        blanks = {case: blank_case(suite, case, str(model), unloaded, slots, options) for case in cases}
        failed = {case: replace(blank, status="failed", reason=str(error)) for case, blank in blanks.items()}
        return Work(str(model), unloaded, failed)
    store.forget(unloaded)
    # What cannot be digested is never reused: its folder is new every time.
    identity = loaded.digest()
    key = model_key(loaded.name, identity if loaded.verified else f"unverified{uuid4().hex}")
    work = Work(loaded.name, key, prepare(suite, cases, loaded, key, slots, options), loaded, identity)
    work.held = store.positions(key, [case.record.case_key for case in work.cases])
    return work


def run(
    suite: Suite,
    cases: Sequence[Case],
    models: Sequence[str | ImageModel],
    slots: Mapping[str, Dataset],
    store: Store,
    options: Options,
    progress: Progress | None = None,
) -> list[dict[Case, PlannedCase]]:
    """Run a suite's cases for every model and record how each ended.

    Args:
        suite: The suite.
        cases: Its cases, in plan order.
        models: Model specs or models.
        slots: Data sets by slot; ``""`` is the run's own.
        store: Results folder.
        options: Settings.
        progress: Told what happens.

    Returns:
        For each model, in plan order, how each declared case ended.

    Raises:
        StoreError: If results cannot be read or written; finished blocks are kept.
    """
    progress = progress or Silence()
    store.prepare()
    ended = []
    for model in models:
        work = plan_model(suite, cases, model, slots, store, options)
        for reason in work.reasons():
            progress.say(f"{work.name}: {reason}")
        store.record([work.record(outcome) for outcome in work.outcomes.values()])  # a killed run has a report, too
        failed = _run_model(work, store, options, progress)
        records = {case: failed.get(_key(outcome)) or work.record(outcome) for case, outcome in work.outcomes.items()}
        store.record(list(records.values()))
        ended.append(records)
    return ended


def _key(outcome: RunnableCase | PlannedCase) -> str:
    return (outcome if isinstance(outcome, PlannedCase) else outcome.record).case_key


Failed = dict[str, PlannedCase]
"""Records of cases that failed while running, by case key."""


def _run_model(work: Work, store: Store, options: Options, progress: Progress) -> Failed:
    failed: Failed = {}
    if work.model is None or not work.cases:
        return failed
    jobs = list(work.jobs(options))
    progress.total(sum(job.images for job in jobs))
    try:
        predictor = Predictor(work.model, options, progress.say)
    except RuntimeError as error:  # a model that does not fit the device
        _fail(work, work.cases, error, progress, failed)
        return failed
    began = time.time()
    with ThreadPoolExecutor(1) as pool:
        ahead = jobs[0].decode(pool) if jobs else {}
        for job, after in zip_longest(jobs, jobs[1:]):
            blocks, ahead = ahead, after.decode(pool) if after else {}
            tables: dict[str, pa.Table] = {}
            for geometry, cases in job.by_geometry().items():
                tables |= _run_cases(work, predictor, blocks[geometry], cases, progress, failed)
            if tables:
                store.commit(work.key, job.block, tables)
    predictor.release()
    _finish(work, work.model, predictor, store, options, began)
    return failed


def _run_cases(
    work: Work,
    predictor: Predictor,
    decoded: "Future[Batch]",
    cases: list[RunnableCase],
    progress: Progress,
    failed: Failed,
) -> dict[str, pa.Table]:
    """Run the cases that share a decoded block; one that fails is recorded and left out from then on."""
    tables: dict[str, pa.Table] = {}
    cases = [case for case in cases if case.record.case_key not in failed]
    if not cases or work.model is None:
        return tables
    try:
        block = decoded.result()
    except Exception as error:  # noqa: BLE001 - whatever a data set raises concerns its cases alone
        _fail(work, cases, error, progress, failed)
        return tables
    _mention_resizing(work, cases[0].geometry, block, progress)
    contexts = Contexts(block, work.model, predictor.device)
    for case in cases:
        try:
            tables[case.record.case_key] = predictor.run(case, block, contexts)
        except Exception as error:  # noqa: BLE001 - whatever a model or a plugin raises concerns this case alone
            _fail(work, [case], error, progress, failed)
        progress.advance(len(block), f"{work.name} · {case.record.case}")
    return tables


def _mention_resizing(work: Work, geometry: Geometry, block: Batch, progress: Progress) -> None:
    """Say once a geometry that the model sees other images than the crop (contract C3)."""
    size, images = work.model.preprocessing.input_size if work.model else None, tuple(block.images.shape[-2:])
    if size is not None and size != images and geometry not in work.resized:
        work.resized.add(geometry)
        came, goes = ("×".join(map(str, sides)) for sides in (images, size))
        progress.say(f"{work.name}: images of {came} are resized to {goes}, the input of the model")


def _fail(work: Work, cases: Sequence[RunnableCase], error: Exception, progress: Progress, failed: Failed) -> None:
    """Record that these cases ended here."""
    for case in cases:
        record = failed[case.record.case_key] = _failure(case, error)
    names = cases[0].record.case if len(cases) == 1 else f"{len(cases)} cases"
    progress.say(f"{work.name}, {names}: {record.status}, {record.reason}")


def _failure(case: RunnableCase, error: Exception) -> PlannedCase:
    if isinstance(error, CaseError) and "optional" in case.record.tags:
        return replace(case.record, status="skipped", reason=str(error))
    kind = "" if isinstance(error, RobustbenchError) else f"{type(error).__name__}: "
    return replace(case.record, status="failed", reason=f"{kind}{error}")


def _finish(work: Work, model: ImageModel, predictor: Predictor, store: Store, options: Options, began: float) -> None:
    """Compact what is complete (of a shard, what all shards together completed) and note the circumstances."""
    keys = [case.record.case_key for case in work.cases]
    work.held = store.positions(work.key, keys)
    complete = [case.record.case_key for case in work.cases if work.holds(case, 0, case.record.n)]
    store.compact(work.key, complete if options.is_sharded else keys)
    store.write_json(f"cases/{work.key}/model.json", _model_facts(work, model))
    if predictor.images:
        stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(began))}-{uuid4().hex[:6]}"
        store.write_json(f"runs/{stamp}.json", _circumstances(work, predictor, options, began))


def _model_facts(work: Work, model: ImageModel) -> dict[str, Any]:
    return {
        "model": model.name,
        "digest": work.digest,
        "preprocessing": str(model.preprocessing),
        "parameters": model.num_parameters,
        "classes": model.num_classes,
    }


def _circumstances(work: Work, predictor: Predictor, options: Options, began: float) -> dict[str, Any]:
    clean = [case.record.case_key for case in work.cases if case.record.family == "clean"]
    images = sum(predictor.images.get(key, 0) for key in clean)
    seconds = sum(predictor.seconds.get(key, 0.0) for key in clean)
    on_gpu = predictor.device.type == "cuda"
    return {
        "model": work.name,
        "model_key": work.key,
        "suites": sorted({case.record.suite for case in work.cases}),
        "command": sys.argv,
        "options": vars(options),
        "batch_size": predictor.batch_size,
        "device": torch.cuda.get_device_name(predictor.device) if on_gpu else f"cpu, {torch.get_num_threads()} threads",
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began, 3),
        "images": sum(predictor.images.values()),
        "throughput": round(images / seconds, 2) if seconds else None,
        "versions": {name: _version(name) for name in ("robustbench_vit", "torch", "torchvision", "timm", "numpy")},
        "python": sys.version.split()[0],
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
