"""The run: every model over every block, whatever was computed before left alone (contracts C7 and C8)."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest
from uuid import uuid4

import pyarrow as pa

from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.evaluation.block import Predictor
from robustbench_vit.evaluation.cases import RunnableCase, Sources, failure
from robustbench_vit.evaluation.circumstances import circumstances, model_facts
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.evaluation.options import Options
from robustbench_vit.evaluation.progress import Progress, Silence
from robustbench_vit.evaluation.work import Job, Work, plan_model
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store
from robustbench_vit.suite import Case, Suite
from robustbench_vit.types import Batch


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
    ended, sources = [], Sources(models)
    for model in models:
        work = plan_model(suite, cases, model, slots, store, options, sources)
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


_KEPT_EVERY = 60.0
"""Seconds after which finished cases of a block are committed; attacks may take hours for a block."""

Failed = dict[str, PlannedCase]
"""Records of cases that failed while running, by case key."""


def _run_model(work: Work, store: Store, options: Options, progress: Progress) -> Failed:
    failed: Failed = {}
    if work.model is None or not work.cases:
        return failed
    jobs = list(work.jobs(options))
    progress.total(sum(job.images for job in jobs))
    try:
        predictor = Predictor(work.model, options, progress.say, store.root / "examples")
    except RuntimeError as error:  # a model that does not fit the device
        _fail(work, work.cases, error, progress, failed)
        return failed
    began = time.time()
    try:
        _run_jobs(work, predictor, jobs, store, progress, failed)
    finally:
        predictor.release()
    _finish(work, predictor, store, options, began)
    return failed


def _run_jobs(
    work: Work, predictor: Predictor, jobs: Sequence[Job], store: Store, progress: Progress, failed: Failed
) -> None:
    """Run block after block, decoding the next one meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        ahead = jobs[0].decode(pool) if jobs else {}
        for job, after in zip_longest(jobs, jobs[1:]):
            blocks, ahead = ahead, after.decode(pool) if after else {}
            tables: dict[str, pa.Table] = {}
            committed = time.monotonic()
            for case, table in _tables(work, predictor, job, blocks, progress, failed):
                tables[case.record.case_key] = table
                if time.monotonic() - committed > _KEPT_EVERY:
                    store.commit(work.key, job.block, tables)
                    tables, committed = {}, time.monotonic()
            if tables:
                store.commit(work.key, job.block, tables)


def _tables(
    work: Work,
    predictor: Predictor,
    job: Job,
    blocks: "Mapping[Geometry, Future[Batch]]",
    progress: Progress,
    failed: Failed,
) -> Iterator[tuple[RunnableCase, pa.Table]]:
    """Run a block's cases, those that share decoded images together; one that fails is left out from then on."""
    for geometry, alike in job.by_geometry().items():
        cases = [case for case in alike if case.record.case_key not in failed]
        if not cases:
            continue
        try:
            block = blocks[geometry].result()
        except Exception as error:  # noqa: BLE001 - whatever a data set raises concerns its cases alone
            _fail(work, cases, error, progress, failed)
            continue
        _mention_resizing(work, predictor.model, geometry, block, progress)
        contexts = Contexts(block, predictor.model, predictor.device)
        for case in cases:
            ticks = _Ticks(progress, f"{work.name} · {case.record.case}", job.of(case))
            try:
                yield case, predictor.run(case, block.first(job.of(case)), contexts, ticks)
            except Exception as error:  # noqa: BLE001 - whatever a model or a plugin raises concerns this case alone
                _fail(work, [case], error, progress, failed)
            ticks.finish()


class _Ticks:
    """Progress within a case, which ends at its number of images however the case ends."""

    def __init__(self, progress: Progress, what: str, images: int) -> None:
        self.progress, self.what, self.left = progress, what, images

    def __call__(self, images: int) -> None:
        done = min(images, self.left)  # a batch that ran out of memory comes again
        self.left -= done
        self.progress.advance(done, self.what)

    def finish(self) -> None:
        self(self.left)


def _mention_resizing(work: Work, model: ImageModel, geometry: Geometry, block: Batch, progress: Progress) -> None:
    """Say once a geometry that the model sees other images than the crop (contract C3)."""
    size, images = model.preprocessing.input_size, tuple(block.images.shape[-2:])
    if size is not None and size != images and geometry not in work.resized:
        work.resized.add(geometry)
        came, goes = ("×".join(map(str, sides)) for sides in (images, size))
        progress.say(f"{work.name}: images of {came} are resized to {goes}, the input of the model")


def _fail(work: Work, cases: Sequence[RunnableCase], error: Exception, progress: Progress, failed: Failed) -> None:
    """Record that these cases ended here."""
    for case in cases:
        record = failed[case.record.case_key] = failure(case.record, error)
    names = cases[0].record.case if len(cases) == 1 else f"{len(cases)} cases"
    progress.say(f"{work.name}, {names}: {record.status}, {record.reason}")


def _finish(work: Work, predictor: Predictor, store: Store, options: Options, began: float) -> None:
    """Compact what is complete (of a shard, what all shards together completed) and note the circumstances."""
    keys = [case.record.case_key for case in work.cases]
    work.held = store.positions(work.key, keys)
    complete = [case.record.case_key for case in work.cases if work.holds(case, 0, case.record.n)]
    store.compact(work.key, complete if options.is_sharded else keys)
    store.write_json(f"cases/{work.key}/model.json", model_facts(work, predictor.model))
    if predictor.images:
        stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(began))}-{uuid4().hex[:6]}"
        store.write_json(f"runs/{stamp}.json", circumstances(work, predictor, options, began))
