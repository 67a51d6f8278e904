"""The unit of work: all cases of one block of images with one model."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pyarrow as pa
import torch

from robustbench_vit.errors import SpecError
from robustbench_vit.evaluation.cases import RunnableCase
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.evaluation.options import Options
from robustbench_vit.evaluation.predict import Columns, columns_of, rows, value_range
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.types import Batch, Logits, Pixels

BLOCK = 256
"""Samples a block: what a kill loses at most, and a part file holds."""

_START = {"cuda": 256, "cpu": 32}


class Predictor:
    """A model on its device with a batch size that shrinks when memory runs out.

    Args:
        model: The model.
        options: Settings of the run.
        say: Told when the batch size changes.
    """

    def __init__(self, model: ImageModel, options: Options, say: Callable[[str], object] = lambda _: None) -> None:
        self.device = resolve_device(options.device)
        self.layout = torch.channels_last if options.channels_last else torch.contiguous_format
        self.options, self.say = options, say
        self._home, self._training = model.mean.device, [module for module in model.modules() if module.training]
        self.model = model.eval().to(self.device).to(memory_format=self.layout)
        self._forward: Callable[[Pixels], Logits] = torch.compile(self.model) if options.compile else self.model
        auto = options.batch_size == "auto"
        self.batch_size = _START.get(self.device.type, 32) if auto else int(options.batch_size)
        self._shrinks = auto
        self.seconds: dict[str, float] = {}
        self.images: dict[str, int] = {}

    def release(self) -> None:
        """Give the model back as it came: its device, its layout, the layers that were in training mode."""
        self.model.to(self._home).to(memory_format=torch.contiguous_format)
        for module in self._training:
            module.training = True

    def run(self, case: RunnableCase, block: Batch, contexts: Contexts) -> pa.Table:
        """Perturb, classify and read out a block.

        Raises:
            RobustbenchError: If the case cannot be run on these images.
            torch.OutOfMemoryError: If a single image does not fit.
        """
        while True:
            try:
                began = time.perf_counter()
                table = self._run(case, block, contexts)
                self._count(case.record.case_key, len(block), time.perf_counter() - began)
            except torch.OutOfMemoryError:
                if not self._shrinks or self.batch_size == 1:
                    raise
            else:
                return table
            # Behind the handler: inside it the traceback still holds the tensors.
            self.batch_size //= 2
            contexts.forget()
            torch.cuda.empty_cache()
            self.say(f"out of memory; the batch size is now {self.batch_size}")

    def _run(self, case: RunnableCase, block: Batch, contexts: Contexts) -> pa.Table:
        parts: list[Columns] = []
        # Cases that differentiate are judged by the model they attacked: eager, fp32.
        forward = self.model if "model" in case.perturbation.needs else self._forward
        with torch.no_grad(), exact_fp32():
            for start in range(0, len(block), self.batch_size):
                stop = min(start + self.batch_size, len(block))
                images = block.images[start:stop].to(self.device, non_blocking=True)
                context = contexts.of(case.perturbation, images, start, case.read_out)
                perturbed = case.perturbation(images, block.ids[start:stop], seed=self.options.seed, context=context)
                with self._autocast(case.record.dtype):
                    logits = forward(perturbed.images.contiguous(memory_format=self.layout))
                columns = columns_of(case.read_out(logits), block.labels[start:stop].to(self.device))
                parts.append({**columns, **perturbed.columns, **value_range(perturbed.images)})
        return rows(block, parts, clipped=not case.perturbation.row.is_unclipped(case.perturbation.spec))

    def _autocast(self, dtype: str) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16) if dtype == "bf16" else nullcontext()

    def _count(self, case_key: str, images: int, seconds: float) -> None:
        self.images[case_key] = self.images.get(case_key, 0) + images
        self.seconds[case_key] = self.seconds.get(case_key, 0.0) + seconds


def resolve_device(name: str) -> torch.device:
    """``auto`` is the first GPU if there is one.

    Raises:
        SpecError: If there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise SpecError(f"device {name!r} cannot be used: {reason}; say cpu, cuda, cuda:1 or auto") from error


class exact_fp32:  # noqa: N801 - reads as the statement it is
    """TF32 off, so that fp32 means fp32 on every GPU (DESIGN §4); the former settings come back."""

    def __enter__(self) -> None:
        self._former = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False

    def __exit__(self, *_: object) -> None:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = self._former
