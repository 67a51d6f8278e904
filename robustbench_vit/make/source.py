"""Perturbed 8-bit images of a data set, block by block, bit for bit those of a run."""

from dataclasses import dataclass

import torch
from torch import Tensor

from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.evaluation.block import exact_fp32
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Batch

_BATCH = 32
"""Images perturbed at once; no bit depends on it."""


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Args:
        data: The data set.
        geometry: What its pictures are given before they are perturbed.
        seed: Seed of all draws.
        device: Where they are perturbed.
    """

    data: Dataset
    geometry: Geometry
    seed: int
    device: torch.device

    def block(self, start: int, stop: int) -> Batch:
        """The images at canonical positions [start, stop).

        Raises:
            DataError: If one cannot be decoded.
        """
        return self.data.batch(start, stop, self.geometry)

    def contexts(self, block: Batch) -> Contexts:
        """What perturbations of a block need, saliency maps shared."""
        return Contexts(block, None, self.device)

    def perturbed(self, perturbation: Perturbation, block: Batch, contexts: Contexts) -> Tensor:
        """N×3×H×W uint8, on the CPU.

        Raises:
            CaseError: If the perturbation does not fit the images.
        """
        parts = []
        with torch.no_grad(), exact_fp32():
            for start in range(0, len(block), _BATCH):
                images, ids = block.images[start : start + _BATCH].to(self.device), block.ids[start : start + _BATCH]
                context = contexts.of(perturbation, images, start)
                parts.append(perturbation.uint8(images, ids, seed=self.seed, context=context).cpu())
        return torch.cat(parts)
