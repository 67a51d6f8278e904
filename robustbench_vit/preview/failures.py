"""The failure explorer: the images that flip first in a store, beside their pixels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, DataError, RobustbenchError, SpecError, StoreError, UnknownNameError
from robustbench_vit.evaluation.cases import images
from robustbench_vit.make.source import Source
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.preview.flips import Course, Flip, Flips, courses, flips
from robustbench_vit.preview.pictures import needs_model
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store
from robustbench_vit.suite import Case, Suite

Image = NDArray[np.uint8]
"""H×W×3."""


@dataclass(frozen=True)
class Failure:
    """One image that flipped, with its pixels.

    Args:
        flip: What happened.
        label: Name of its class.
        pred: Name of the class it was taken for.
        before: The image as it is.
        after: The image where it flipped, or None.
        reason: Why there is none.
    """

    flip: Flip
    label: str
    pred: str
    before: Image
    after: Image | None
    reason: str = ""


@dataclass(frozen=True)
class Failures:
    """The first failures of one model along one course.

    Args:
        found: All that flipped along it, in numbers.
        classes: Names of the classes.
        first: The first to flip.
    """

    found: Flips
    classes: tuple[str, ...]
    first: tuple[Failure, ...]


class Explorer:
    """Finds first failures in a store.

    Args:
        store: Results folder of a run.
        slots: The data sets it was run on, opened again.
        cases: What to look at: the cases of a suite.
        model: Name of a model, or None for all.
    """

    def __init__(self, store: Store, slots: Mapping[str, Dataset], cases: Sequence[Case], model: str | None) -> None:
        self.store, self.model = store, model
        self.data = {data.display: data for data in slots.values()}
        self.perturbations = dict(_bound(cases))
        self._image = cache(self._uncached)

    def failures(self, suite: Suite, most: int) -> Iterator[Failures]:
        """The first so many failures of every model along every course of a suite.

        Raises:
            StoreError: If the store has no rows of this suite on these data, or they cannot be read.
            DataError: If a data set is another one than the store's.
            UnknownNameError: If there is no such model.
        """
        cases = self._chosen(suite)
        for model in dict.fromkeys(case.model for case in cases):
            for course in courses([case for case in cases if case.model == model]):
                yield self._failures(course, most)

    def _chosen(self, suite: Suite) -> list[PlannedCase]:
        planned = self.store.planned()
        mine = [case for case in planned if case.suite == str(suite)]
        if not mine:
            held = ", ".join(dict.fromkeys(case.suite for case in planned))
            raise StoreError(f"{self.store.root} holds no rows of {suite}, only of {held}")
        models = list(dict.fromkeys(case.model for case in mine))
        if self.model is not None and self.model not in models:
            raise UnknownNameError(f"model in {self.store.root}", self.model, models)
        done = [case for case in mine if case.was_run and self.model in (None, case.model)]
        chosen = [case for case in done if case.data in self.data and case.perturbation in self.perturbations]
        if not chosen:
            held = ", ".join(dict.fromkeys(case.data for case in done)) or "none that is done"
            raise StoreError(
                f"{self.store.root} holds no rows of these cases of {suite} on {', '.join(self.data)}; data of its "
                f"rows: {held}"
            )
        return chosen

    def _failures(self, course: Course, most: int) -> Failures:
        data = self.data[course.clean.data]
        found = flips(course, self.store.needed_rows, most)
        classes = course.clean.classes or data.classes
        return Failures(found, classes, tuple(self._failure(course, data, classes, flip) for flip in found.first))

    def _failure(self, course: Course, data: Dataset, classes: tuple[str, ...], flip: Flip) -> Failure:
        if flip.position >= len(data) or data.ids[flip.position] != flip.id:
            raise DataError(
                f"{data.display} is not the data set of {self.store.root}: at position {flip.position} that has "
                f"{flip.id!r}, this one {data.ids[flip.position] if flip.position < len(data) else 'nothing'!r}; give "
                "--data as in the run"
            )
        point = course.points[flip.point]
        before = self._image(course.clean, flip.position)
        try:
            after, reason = self._image(point, flip.position), ""
        except RobustbenchError as error:
            after, reason = None, str(error)
        return Failure(flip, classes[flip.label], classes[flip.pred], before, after, reason)

    def _uncached(self, case: PlannedCase, position: int) -> Image:
        """One image under a case, as it was in the run."""
        perturbation = self.perturbations[case.perturbation]
        if reason := needs_model(perturbation):
            raise CaseError(f"{reason.partition(';')[0]}; no results folder keeps it")
        data = images(perturbation, self.data[case.data])
        source = Source(data, Geometry.parse(case.geometry), case.seed, torch.device("cpu"))
        block = source.block(position, position + 1)
        pixels = source.perturbed(perturbation, block, source.contexts(block))
        image: Image = pixels[0].permute(1, 2, 0).contiguous().numpy()
        return image


def _bound(cases: Iterable[Case]) -> Iterator[tuple[str, Perturbation]]:
    """Perturbations by their canonical text, and the clean one in any case: everything is compared with it."""
    for spec in dict.fromkeys([*(case.perturbation for case in cases), Case().perturbation]):
        try:
            perturbation = Perturbation.bind(spec)
        except SpecError:  # was a failed case in the run, too
            continue
        yield perturbation.canonical, perturbation
