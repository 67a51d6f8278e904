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
from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.suite import Case, for_each
from robustbench_vit.types import Batch

_IMAGES = 16


@dataclass(frozen=True)
class Estimate:
    """The plan for one model.

    Args:
        model: Spec of the model.
        cases: Number of cases.
        images: Images of the largest case.
        forward: Forward passes of one image through the network, in all cases.
        backward: Backward passes likewise.
        seconds: Estimated time of these passes; a backward pass counts as two forward ones.
    """

    model: str
    cases: int
    images: int
    forward: int
    backward: int
    seconds: float

    def __str__(self) -> str:
        passes, most = f"{self.forward:,} forward passes", "about"
        if self.backward:
            # Attacks leave a sample as soon as it is broken; how soon nobody knows.
            passes, most = f"at most {self.forward:,} forward and {self.backward:,} backward passes", "at most"
        rate = (self.forward + 2 * self.backward) / max(self.seconds, 1e-9)
        return (
            f"{self.model}: {self.cases} cases of up to {self.images} images, {passes}, "
            f"{most} {self.seconds / 60:.1f} min at {rate:,.0f} img/s"
        )


def estimate(
    cases: Sequence[Case], models: Sequence[str], data: Mapping[str, str], settings: Mapping[str, Any]
) -> list[Estimate]:
    """Time one batch of each model and multiply; decoding, and perturbing but for passes, are not counted.

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
    known = [one for case in cases if (case.data or "") in data for one in for_each(case, models)]
    sets = {slot: load_dataset(data[slot]) for slot in dict.fromkeys(case.data or "" for case in known)}
    limits = [(case.limit, options.limit, len(sets[case.data or ""])) for case in known]
    counts = [min(limit for limit in those if limit is not None) for those in limits]
    passes = [PERTURBATIONS.row(case.perturbation).passes(case.perturbation) for case in known]
    forward = sum(count * (1 + own) for count, (own, _) in zip(counts, passes, strict=True))
    backward = sum(count * own for count, (_, own) in zip(counts, passes, strict=True))
    lines = []
    for spec in models if known else ():
        model = load_model(spec).to(device)
        batch = _batch(known, sets)
        pixels = batch.images.to(device).float() / 255
        with torch.no_grad():
            model(pixels)
            began = time.perf_counter()
            model(pixels).cpu()
        each = (time.perf_counter() - began) / len(batch)
        seconds = each * (forward + 2 * backward)
        lines.append(Estimate(spec, len(known), max(counts), forward, backward, seconds))
    return lines


def _batch(cases: Sequence[Case], sets: Mapping[str, Dataset]) -> Batch:
    """Images of the first case that has any: a stored set may lack clean images, or a condition."""
    for case in cases:
        try:
            return images(Perturbation.bind(case.perturbation), sets[case.data or ""]).batch(0, _IMAGES)
        except CaseError as error:
            reason = error
    raise reason
