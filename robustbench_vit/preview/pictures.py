"""The images of a suite's cases, bit for bit those of a run; with a model, those that only it can make, too."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, DataError, RobustbenchError
from robustbench_vit.evaluation.block import exact_fp32, resolve_device
from robustbench_vit.evaluation.cases import RunnableCase, Sources, blank_case, failure, images, model_key, prepare
from robustbench_vit.evaluation.examples import Examples
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.evaluation.options import Options
from robustbench_vit.labels import LabelSpace, ReadOut
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.perturbations.needs import Needed
from robustbench_vit.perturbations.perturbation import Perturbation, to_uint8
from robustbench_vit.records import PlannedCase
from robustbench_vit.suite import Case, Suite, for_each
from robustbench_vit.types import Batch, Perturbed, Pixels

_WITHOUT_MODEL: Mapping[Needed, str] = {
    "examples": "made by an attack on another model; give --model",
    "model": "made against the evaluated model; give --model",
    "pixel_std": "works in the normalisation of the evaluated model; give --model",
}
"""Why there is no picture where nothing is evaluated, by what is needed."""


@dataclass(frozen=True)
class Picture:
    """One image as it is, or under one case.

    Args:
        id: Sample id.
        position: Place in the canonical order.
        label: Name of the true class.
        pixels: H×W×3 uint8.
        figures: What is known of it: the perturbation's own columns, and where these do not say an ``rms``, ``change``:
            the root mean square difference from the image as it is, both 8-bit, in [0,1].
        said: Name of the class a model saw in it; empty without a model.
        confidence: Probability of that class, in [0,1].
    """

    id: str
    position: int
    label: str
    pixels: NDArray[np.uint8]
    figures: Mapping[str, float | str] = field(default_factory=dict)
    said: str = ""
    confidence: float = 0.0


@dataclass(frozen=True)
class Shot:
    """A case and its pictures.

    Args:
        record: The case; without pictures it says why.
        pictures: One an image, in canonical order.
        originals: The same images as they are.
    """

    record: PlannedCase
    pictures: tuple[Picture, ...] = ()
    originals: tuple[Picture, ...] = ()


class Studio:
    """Takes pictures of cases.

    Args:
        slots: Data sets by slot; ``""`` is the run's own.
        start: First canonical position; the same in every data set.
        count: Number of images.
        options: Seed, device and geometry are looked at.
        model: Who looks at the images, if anybody does.
    """

    def __init__(
        self,
        slots: Mapping[str, Dataset],
        start: int,
        count: int,
        options: Options,
        model: ImageModel | None = None,
    ) -> None:
        self.slots, self.start, self.count, self.options, self.model = slots, start, count, options, model
        self.device = resolve_device(options.device)
        self._blocks: dict[tuple[Dataset, Geometry], Batch] = {}
        self._contexts: dict[tuple[Dataset, Geometry], Contexts] = {}

    def shots(self, suite: Suite, cases: Sequence[Case]) -> Iterator[Shot]:
        """The pictures of each case, in plan order; a case that cannot be shown has its reason instead."""
        scenes = self._scenes(suite, cases)
        give_back = self.model.lend(self.device) if self.model else None
        try:
            for case, scene in scenes.items():
                yield Shot(scene) if isinstance(scene, PlannedCase) else self._shot(case, scene)
        finally:
            if give_back:
                give_back()

    def _scenes(self, suite: Suite, cases: Sequence[Case]) -> dict[Case, RunnableCase | PlannedCase]:
        if self.model is None:
            return {case: self._scene(suite, case) for case in cases}
        each = [one for case in cases for one in for_each(case, [self.model.name])]
        key = model_key(self.model, self.model.digest())
        return prepare(suite, each, self.model, key, self.slots, self.options, Sources([self.model]))

    def _scene(self, suite: Suite, case: Case) -> RunnableCase | PlannedCase:
        """What a case comes to where nothing is evaluated."""
        blank = blank_case(suite, case, "", "", self.slots, self.options)
        data = self.slots.get(case.data or "")
        if data is None:
            reason = f"no data for slot {case.data!r}; give --data {case.data}=SPEC"
            return replace(blank, status="skipped", reason=reason)
        try:
            return _scene(case, blank, data, self.options)
        except RobustbenchError as error:
            return failure(blank, error)

    def _shot(self, case: Case, scene: RunnableCase) -> Shot:
        data = self.slots[case.data or ""]
        try:
            clean, given = self._block(data, scene.geometry), self._block(scene.data, scene.geometry)
            with torch.no_grad(), exact_fp32():
                perturbed = self._perturbed(scene, given)
                said = self._said(scene, perturbed.images)
        except Exception as error:  # noqa: BLE001 - whatever a model or a plugin raises concerns this case alone
            return Shot(failure(scene.record, error))
        originals = _pictures(clean, clean.images, data)
        shown = to_uint8(perturbed.images).cpu()
        figures = _figures(perturbed, clean.images, shown)
        pictures = [
            replace(picture, figures=figures[index], **said[index])
            for index, picture in enumerate(_pictures(given, shown, data))
        ]
        return Shot(scene.record, tuple(pictures), originals)

    def _perturbed(self, scene: RunnableCase, block: Batch) -> Perturbed:
        contexts = self._contexts.setdefault(
            (scene.data, scene.geometry), Contexts(block, self.model, self.device)
        )  # saliency maps are shared
        pixels = block.images.to(self.device)
        context = contexts.of(scene.perturbation, pixels, 0, scene.read_out)
        if scene.source is not None:
            context = replace(context, examples=self._examples(scene, block).to(self.device))
        return scene.perturbation(pixels, block.ids, seed=self.options.seed, context=context)

    def _examples(self, scene: RunnableCase, block: Batch) -> Pixels:
        """Images of the attack on the other model, which no results folder keeps here."""
        assert scene.source is not None
        with tempfile.TemporaryDirectory() as folder:
            examples = Examples(Path(folder), self.options.seed, self.device)
            return examples.of(scene.source, block, scene.data.digest, scene.geometry, len(block))

    def _said(self, scene: RunnableCase, pixels: Pixels) -> list[dict[str, Any]]:
        """What the model sees in N images: fields of a `Picture`; nothing without a model."""
        if self.model is None:
            return [{} for _ in pixels]
        confidence, classes = scene.read_out(self.model(pixels)).float().softmax(1).max(1)
        names = scene.data.classes
        return [
            {"said": names[label], "confidence": sure}
            for label, sure in zip(classes.tolist(), confidence.tolist(), strict=True)
        ]

    def _block(self, data: Dataset, geometry: Geometry) -> Batch:
        if (data, geometry) not in self._blocks:
            self._blocks[data, geometry] = data.batch(self.start, self.start + self.count, geometry)
        return self._blocks[data, geometry]


def place_of(slots: Mapping[str, Dataset], sample: str) -> int:
    """Canonical position of a sample id, in the first data set that holds it.

    Raises:
        DataError: If none does.
    """
    for data in slots.values():
        if sample in data.ids:
            return data.ids.index(sample)
    held = "; ".join(f"{data.display} holds ids such as {data.ids[0]!r}" for data in slots.values())
    raise DataError(f"no data set holds a sample {sample!r}: {held}")


def needs_model(perturbation: Perturbation) -> str:
    """Why a perturbation cannot be shown without a model; empty if it can."""
    return next((reason for need, reason in _WITHOUT_MODEL.items() if need in perturbation.needs), "")


def _scene(case: Case, blank: PlannedCase, data: Dataset, options: Options) -> RunnableCase:
    perturbation = Perturbation.bind(case.perturbation)
    wanted = case.geometry or options.geometry or str(data.geometry)
    reason = needs_model(perturbation)
    if wanted == "native":
        reason = "takes the geometry of the evaluated model; give --model"
    if reason:
        raise CaseError(reason)
    own = ReadOut(LabelSpace(data.label_space, data.classes))
    return RunnableCase(blank, perturbation, images(perturbation, data), Geometry.parse(wanted), own)


def _pictures(block: Batch, pixels: Tensor, data: Dataset) -> tuple[Picture, ...]:
    rows = zip(block.ids, block.positions.tolist(), block.labels.tolist(), pixels, strict=True)
    return tuple(
        Picture(sample, position, data.classes[label], image.permute(1, 2, 0).contiguous().numpy())
        for sample, position, label, image in rows
    )


def _figures(perturbed: Perturbed, clean: Tensor, shown: Tensor) -> list[dict[str, float | str]]:
    """What is known of each of N images; `clean` and `shown` are N×3×H×W uint8."""
    columns: dict[str, Sequence[float | str]] = {
        name: _spoken(values.cpu(), perturbed.words.get(name)) for name, values in perturbed.columns.items()
    }
    if "rms" not in columns and clean.shape == shown.shape and not clean.equal(shown):
        difference = (shown.float() - clean.float()) / 255
        columns["change"] = difference.square().mean((1, 2, 3)).sqrt().tolist()
    return [{name: values[index] for name, values in columns.items()} for index in range(len(shown))]


def _spoken(values: Tensor, words: Sequence[str] | None) -> Sequence[float | str]:
    return values.tolist() if words is None else [words[index] for index in values.tolist()]
