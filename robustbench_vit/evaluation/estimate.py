"""How long a run would take, from one batch of each model."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.errors import CaseError
from robustbench_vit.evaluation.block import resolve_device
from robustbench_vit.evaluation.cases import images
from robustbench_vit.evaluation.options import Options
from robustbench_vit.models import load_model
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.suite import Case
from robustbench_vit.types import Batch

_IMAGES = 16


@dataclass(frozen=True)
class Estimate:
    """The plan for one model.

    Args:
        model: Spec of the model.
        cases: Number of cases.
        images: Images a case.
        seconds: Estimated time of the forward passes.
    """

    model: str
    cases: int
    images: int
    seconds: float

    def __str__(self) -> str:
        total = self.cases * self.images
        rate = total / max(self.seconds, 1e-9)
        return (
            f"{self.model}: {self.cases} cases × {self.images} images = {total:,} forward passes, "
            f"about {self.seconds / 60:.1f} min at {rate:,.0f} img/s"
        )


def estimate(
    cases: Sequence[Case], models: Sequence[str], data: Mapping[str, str], settings: Mapping[str, Any]
) -> list[Estimate]:
    """Time one batch of each model and multiply; perturbations and decoding are not counted.

    Args:
        cases: Cases of the suite; those of unfilled slots do not count.
        models: Model specs.
        data: Data specs by slot.
        settings: Fields of `Options`.

    Raises:
        RobustbenchError: If a model or a data set cannot be opened, or there is no such device.
    """
    options = Options(**settings)
    device = resolve_device(options.device)
    slots = [case.data or "" for case in cases if (case.data or "") in data]
    sets = {slot: load_dataset(data[slot]) for slot in dict.fromkeys(slots)}
    counts = [min(options.limit or len(sets[slot]), len(sets[slot])) for slot in slots]
    lines = []
    for spec in models if slots else ():
        model = load_model(spec).to(device)
        batch = _batch([case for case in cases if (case.data or "") in data], sets)
        pixels = batch.images.to(device).float() / 255
        with torch.no_grad():
            model(pixels)
            began = time.perf_counter()
            model(pixels).cpu()
        each = (time.perf_counter() - began) / len(batch)
        lines.append(Estimate(spec, len(slots), max(counts), each * sum(counts)))
    return lines


def _batch(cases: Sequence[Case], sets: Mapping[str, Dataset]) -> Batch:
    """Images of the first case that has any: a stored set may lack clean images, or a condition."""
    for case in cases:
        try:
            return images(Perturbation.bind(case.perturbation), sets[case.data or ""]).batch(0, _IMAGES)
        except CaseError as error:
            reason = error
    raise reason
