"""Satisfying what perturbations need: masks, saliency maps, the model itself (DESIGN §4)."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.labels import ReadOut
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.perturbations.perturbation import Perturbation, provide_saliency
from robustbench_vit.spec import Spec
from robustbench_vit.types import Batch, Context, Logits, Pixels


class Contexts:
    """Contexts for the batches of one block under one geometry; saliency maps are made once and shared by all cases.

    Args:
        block: The block.
        model: The evaluated model, in fp32; None where images are made and nothing is evaluated.
        device: Where perturbations run.
    """

    def __init__(self, block: Batch, model: ImageModel | None, device: torch.device) -> None:
        self.block, self.model, self.device = block, model, device
        self._saliency: dict[tuple[Spec, int, int, ReadOut | None], Tensor] = {}

    def forget(self) -> None:
        """Drop the saliency maps, whose batches have changed."""
        self._saliency.clear()

    def of(self, perturbation: Perturbation, images: Tensor, start: int, read_out: ReadOut | None = None) -> Context:
        """The context of a batch.

        Args:
            perturbation: What is going to be applied.
            images: N×3×H×W uint8 on the device: the block's images from `start` on.
            start: Place of the batch in the block.
            read_out: What the model's outputs become, so that a perturbation sees the classes of the labels.

        Raises:
            CaseError: If the data set or the model cannot give what is needed.
        """
        needs, stop = perturbation.needs, start + len(images)
        mask = self.block.extra.get("mask")
        context = Context(
            positions=self.block.positions[start:stop],
            labels=self.block.labels[start:stop].to(self.device) if "labels" in needs else None,
            model=self._differentiable(read_out) if "model" in needs else None,
            mask=mask[start:stop].to(self.device) if mask is not None and "mask" in needs else None,
            pixel_std=self._evaluated().std.view(3) if "pixel_std" in needs else None,
        )
        if perturbation.saliency is None:
            return context
        key = (perturbation.saliency, start, len(images), read_out)
        if key not in self._saliency:
            self._saliency[key] = provide_saliency(perturbation.saliency, images.float() / 255, context)
        return replace(context, saliency=self._saliency[key])

    def _evaluated(self) -> ImageModel:
        if self.model is None:
            raise CaseError("this perturbation needs a model, and none is evaluated here")
        return self.model

    def _differentiable(self, read_out: ReadOut | None) -> Callable[[Pixels], Logits]:
        """The model in fp32, whatever autocast surrounds it, in the label space it is judged in."""
        evaluated = self._evaluated()

        def model(pixels: Pixels) -> Logits:
            with torch.autocast(pixels.device.type, enabled=False):
                logits: Logits = evaluated(pixels.float())
                return logits if read_out is None else read_out(logits)

        return model
