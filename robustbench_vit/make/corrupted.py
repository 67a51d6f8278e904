"""`robustbench-vit make corrupted`: a stored set of any perturbations of any data set, in the published layout."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor

from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.manifest import Format, Manifest, places
from robustbench_vit.data.stored import CLEAN, Contents
from robustbench_vit.errors import CaseError, SpecError
from robustbench_vit.evaluation.block import BLOCK, resolve_device
from robustbench_vit.evaluation.options import Options
from robustbench_vit.evaluation.progress import Progress, Silence
from robustbench_vit.labels import imagenet_classes
from robustbench_vit.make.arrays import ArrayWriter
from robustbench_vit.make.conditions import Condition, chosen, named
from robustbench_vit.make.description import alone, describe, package_versions
from robustbench_vit.make.pictures import PictureWriter
from robustbench_vit.make.source import Source
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.suite import Case
from robustbench_vit.types import Batch


class Writer(Protocol):
    """Where images go."""

    def lacks(self, condition: Condition, start: int, stop: int) -> bool:
        """Whether an image of the canonical positions [start, stop) is not finished."""

    def write(self, condition: Condition, start: int, images: Tensor) -> None:
        """Write N×3×H×W uint8 images of the canonical positions from `start` on."""

    def keep(self, stop: int) -> None:
        """Make sure that all positions below `stop` survive a kill."""

    def finish(self) -> None:
        """Everything is written."""


@dataclass(frozen=True)
class Job:
    """A block, canonical positions [start, stop), and the conditions that lack images of it."""

    start: int
    stop: int
    conditions: tuple[Condition, ...]

    @property
    def images(self) -> int:
        """Images to make."""
        return (self.stop - self.start) * len(self.conditions)


def make_corrupted(
    data: Dataset, cases: Sequence[Case], out: Path, form: Format, options: Options, progress: Progress | None = None
) -> Manifest:
    """Write the perturbed images of a data set; what an earlier run of the same command wrote is left alone.

    Args:
        data: The data set.
        cases: What to make of it.
        out: Folder of the set.
        form: ``png``, ``jpeg85`` (as ImageNet-C), or ``npy`` (as CIFAR-10-C).
        options: Limit, seed, device, workers and geometry.
        progress: Told what happens.

    Returns:
        What the set holds.

    Raises:
        CaseError: If a perturbation depends on a model, or does not fit the images.
        DataError: If a picture cannot be decoded; everything finished is kept.
        StoreError: If the folder holds something else, is in use, or cannot be written to; likewise.
    """
    progress = progress or Silence()
    data.workers = options.workers
    geometry = data.geometry if options.geometry is None else Geometry.parse(options.geometry)
    source = Source(data, geometry, options.seed, resolve_device(options.device))
    first, n = source.block(0, 1), min(options.limit or len(data), len(data))
    conditions = named(_fitting(chosen(cases, progress.say), source, first, progress))
    manifest = _manifest(source, n, first, form, conditions)
    # Rows of arrays have the data set's published order, in which others look for them.
    order = np.argsort(data.order[:n], kind="stable")
    ids, labels = [data.ids[position] for position in order], data.labels.numpy()[order]
    contents = Contents(data.name, ids, labels, data.classes, data.label_space)
    found, rows = places(contents, manifest.folders), np.argsort(order).tolist()
    with alone(out):
        describe(out, manifest, contents)
        writer: Writer = (
            ArrayWriter(out, _severities(conditions), rows, _size(first))
            if form == "npy"
            else PictureWriter(out, [found[row] for row in rows], form, options.workers)
        )
        _run(source, _jobs(writer, conditions, n), writer, progress)
        writer.finish()
    return manifest


def _fitting(
    wanted: Mapping[Perturbation, bool], source: Source, first: Batch, progress: Progress
) -> list[Perturbation]:
    """Perturbations that can be applied to these images, tried on one before anything is written."""
    found = []
    for perturbation, optional in wanted.items():
        try:
            source.perturbed(perturbation, first, source.contexts(first))
        except CaseError as error:
            if not optional:
                raise
            progress.say(f"{perturbation.row.label(perturbation.spec)}: left out, {error}")
        else:
            found.append(perturbation)
    if not found:
        raise SpecError("there is nothing to make; give --suite NAME or --perturbation SPEC that fits the images")
    return found


def _manifest(source: Source, n: int, first: Batch, form: Format, conditions: Sequence[Condition]) -> Manifest:
    made: dict[str, dict[str, str]] = {}
    for condition in conditions:
        made.setdefault(condition.corruption, {})[condition.severity] = condition.perturbation.canonical
    data, clean = source.data, made.pop(CLEAN, None)
    return Manifest(
        data=data.display,
        digest=data.digest,
        n=n,
        label_space=data.label_space,
        classes=data.classes,
        folders=_folders(data),
        geometry=str(source.geometry),
        size=_size(first),
        format=form,
        clean=clean is not None,
        conditions=made,
        seed=source.seed,
        device=source.device.type,
        versions=_versions(conditions),
    )


def _versions(conditions: Sequence[Condition]) -> dict[str, str]:
    """Versions of everything that bits may depend on: packages, perturbations, saliency providers."""
    versions = package_versions()
    for perturbation in (condition.perturbation for condition in conditions):
        provider = perturbation.saliency
        names = [perturbation.row.name, *([provider.name] if provider else [])]
        versions |= dict(zip(names, map(str, perturbation.versions), strict=True))
    return versions


def _size(first: Batch) -> tuple[int, int]:
    height, width = first.images.shape[-2:]
    return height, width


def _severities(conditions: Sequence[Condition]) -> dict[str, list[str]]:
    """Severities by corruption, in increasing order."""
    severities: dict[str, list[str]] = {}
    for condition in conditions:
        severities.setdefault(condition.corruption, []).append(condition.severity)
    return severities


def _folders(data: Dataset) -> list[str]:
    """Names of class folders: WordNet ids of ImageNet, else the names of the classes without slashes."""
    if data.label_space == "imagenet-1k":
        return list(imagenet_classes()[0])
    return [name.replace("/", "-").strip(". ") or str(label) for label, name in enumerate(data.classes)]


def _jobs(writer: Writer, conditions: Sequence[Condition], n: int) -> list[Job]:
    jobs = []
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        lacking = tuple(condition for condition in conditions if writer.lacks(condition, start, stop))
        if lacking:
            jobs.append(Job(start, stop, lacking))
    return jobs


def _run(source: Source, jobs: Sequence[Job], writer: Writer, progress: Progress) -> None:
    """Make block after block, decoding the next one meanwhile."""
    progress.total(sum(job.images for job in jobs))
    with ThreadPoolExecutor(1) as pool:

        def decode(job: Job) -> "Future[Batch]":
            return pool.submit(source.block, job.start, job.stop)

        ahead = [decode(job) for job in jobs[:1]]
        for job, after in zip_longest(jobs, jobs[1:]):
            block = ahead.pop().result()
            ahead += [decode(after)] if after else []
            contexts = source.contexts(block)
            for condition in job.conditions:
                writer.write(condition, job.start, source.perturbed(condition.perturbation, block, contexts))
                progress.advance(len(block), str(condition))
            writer.keep(job.stop)
