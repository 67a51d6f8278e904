"""The unit of work: all cases of one block of images with one model."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import torch

from robustbench_vit.errors import SpecError
from robustbench_vit.evaluation.cases import RunnableCase
from robustbench_vit.evaluation.examples import Examples
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.evaluation.options import Options
from robustbench_vit.evaluation.predict import Columns, columns_of, rows, value_range
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.types import Batch, Logits, Pixels

BLOCK = 256
"""Samples a block: what a kill loses at most, and a part file holds."""

_START = {"cuda": 256, "cpu": 32}
_SAME = 1e-3  # how much two looks at one image may differ, as a share of the range of its logits


class Predictor:
    """A model on its device with a batch size that shrinks when memory runs out.

    Args:
        model: The model.
        options: Settings of the run.
        say: Told when the batch size changes.
        folder: Where adversarial examples are kept; needed by transferred attacks alone.
    """

    def __init__(
        self,
        model: ImageModel,
        options: Options,
        say: Callable[[str], object] = lambda _: None,
        folder: Path = Path("examples"),
    ) -> None:
        self.device = resolve_device(options.device)
        self.examples = Examples(folder, options.seed, self.device)
        self.layout = torch.channels_last if options.channels_last else torch.contiguous_format
        self.options, self.say = options, say
        self._give_back = model.lend(self.device)
        self.model = model.to(memory_format=self.layout)
        self._forward: Callable[[Pixels], Logits] = torch.compile(self.model) if options.compile else self.model
        auto = options.batch_size == "auto"
        self.batch_size = _START.get(self.device.type, 32) if auto else int(options.batch_size)
        self._shrinks = auto
        self.seconds: dict[str, float] = {}
        self.images: dict[str, int] = {}

    def release(self) -> None:
        """Give the model back as it came: its device, its layout, the layers that were in training mode."""
        self._give_back()
        self.model.to(memory_format=torch.contiguous_format)

    def run(
        self, case: RunnableCase, block: Batch, contexts: Contexts, tick: Callable[[int], object] = lambda _: None
    ) -> pa.Table:
        """Perturb, classify and read out a block.

        Args:
            case: The case.
            block: Its images.
            contexts: What the perturbation may ask for.
            tick: Told after each batch how many images it had.

        Raises:
            RobustbenchError: If the case cannot be run on these images.
            torch.OutOfMemoryError: If a single image does not fit.
        """
        while True:
            try:
                began = time.perf_counter()
                table = self._run(case, block, contexts, tick)
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

    def _run(self, case: RunnableCase, block: Batch, contexts: Contexts, tick: Callable[[int], object]) -> pa.Table:
        parts: list[Columns] = []
        words: Mapping[str, tuple[str, ...]] = {}
        # Cases that differentiate are judged by the model they attacked: eager, fp32.
        forward = self.model if case.perturbation.differentiates else self._forward
        with torch.no_grad(), exact_fp32():
            examples = self._examples(case, block)
            for start in range(0, len(block), self.batch_size):
                stop = min(start + self.batch_size, len(block))
                images = block.images[start:stop].to(self.device, non_blocking=True)
                context = contexts.of(case.perturbation, images, start, case.read_out)
                if examples is not None:
                    context = replace(context, examples=examples[start:stop].to(self.device))
                perturbed = case.perturbation(images, block.ids[start:stop], seed=self.options.seed, context=context)
                with self._autocast(case.record.dtype):
                    logits = forward(perturbed.images.contiguous(memory_format=self.layout))
                columns = columns_of(case.read_out(logits), block.labels[start:stop].to(self.device))
                doubts = self.doubts(perturbed.images, logits) if case.record.threat else {}
                parts.append({**columns, **perturbed.columns, **doubts, **value_range(perturbed.images)})
                words = perturbed.words
                tick(stop - start)
        return rows(block, parts, words, clipped=not case.perturbation.row.is_unclipped(case.perturbation.spec))

    def _examples(self, case: RunnableCase, block: Batch) -> Pixels | None:
        """Images of an attack on another model, if the case is about those."""
        if case.source is None:
            return None
        return self.examples.of(case.source, block, case.data.digest, case.geometry, self.batch_size)

    def doubts(self, images: Pixels, logits: Logits) -> Columns:
        """Why an attack on this model may mean little, one value an image.

        ``stochastic``: the first image of the batch, shown again and alone, has other logits. ``train_mode``: a layer
        does not behave as in evaluation.
        """
        again, first = self.model(images[:1]), logits[:1]
        # Rounding differs with the size of the batch; what is drawn anew differs by far more.
        stochastic = bool(((again - first).abs().amax() > _SAME * (first.amax() - first.amin())).item())
        found = {"stochastic": stochastic, "train_mode": bool(self.model.training_layers())}
        return {name: torch.full((len(images),), doubt, device=images.device) for name, doubt in found.items()}

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
