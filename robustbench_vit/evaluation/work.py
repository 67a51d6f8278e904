"""What there is to do: the blocks of each model that lack rows (contract C8)."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

from robustbench_vit.catalog import digest
from robustbench_vit.data import load_dataset
from robustbench_vit.data.cache import CachedDataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import RobustbenchError
from robustbench_vit.evaluation.block import BLOCK
from robustbench_vit.evaluation.cases import RunnableCase, Sources, blank_case, model_key, prepare
from robustbench_vit.evaluation.options import Options
from robustbench_vit.models import load_model
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store
from robustbench_vit.suite import Case, Suite
from robustbench_vit.types import Batch


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
        return sum(self.of(case) for case in self.cases)

    def of(self, case: RunnableCase) -> int:
        """How many images of the block a case asks for, from the first."""
        return min(self.stop, case.record.n) - self.start

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
        """The cases to run; what two declarations share comes once, with the samples of the larger."""
        ready: dict[str, RunnableCase] = {}
        for outcome in self.outcomes.values():
            if isinstance(outcome, RunnableCase):
                key = outcome.record.case_key
                ready[key] = max(ready.get(key, outcome), outcome, key=lambda one: one.record.n)
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
    sources: Sources,
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
    identity = loaded.digest()
    key = model_key(loaded, identity)
    work = Work(loaded.name, key, prepare(suite, cases, loaded, key, slots, options, sources), loaded, identity)
    work.held = store.positions(key, [case.record.case_key for case in work.cases])
    return work
