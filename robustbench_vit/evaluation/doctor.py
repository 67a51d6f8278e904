"""The doctor: what is wrong with a model before a long run finds out. Measures only; the command line prints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from robustbench_vit.data import load_dataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import CaseError, ModelError
from robustbench_vit.evaluation.cases import read_out
from robustbench_vit.labels import ReadOut
from robustbench_vit.models import load_model
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.models.preprocessing import HALF, IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from robustbench_vit.spec import Spec

Status: TypeAlias = Literal["ok", "warning", "problem"]

GAIN = 0.02
"""Share of images by which another preprocessing must win before the doctor speaks up."""

P_VALUE = 0.01
"""Largest p-value of McNemar's exact test at which it counts as better."""


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at.

    Args:
        name: What was looked at: ``evaluation mode``, ``classes``, ``input range``, ``outputs``, ``determinism``,
            ``accuracy``, ``normalisation`` or ``geometry``.
        status: ``problem`` makes results wrong, ``warning`` makes them doubtful.
        detail: What was seen, and the next step.
    """

    name: str
    status: Status
    detail: str


def examine(
    model: str | Spec | ImageModel,
    data: str | Spec | Dataset,
    n: int = 200,
    *,
    batch_size: int = 50,
    device: str | torch.device = "cpu",
) -> list[Finding]:
    """Look a model over on the first images of a data set.

    Args:
        model: The model or its spec.
        data: The data set or its spec.
        n: Number of images, the prefix of the canonical order.
        batch_size: Images a forward pass.
        device: Where the model runs.

    Returns:
        One finding a check. Accuracy is not looked at if the model fails or its classes are not the data set's.

    Raises:
        SpecError: If a spec does not fit.
        ModelError: If the model cannot be loaded.
        DataError: If the data set cannot be read.
    """
    model = model if isinstance(model, ImageModel) else load_model(model)
    data = data if isinstance(data, Dataset) else load_dataset(data)
    model = model.to(device)
    pixels = _pixels(data, 0, min(batch_size, n), data.geometry, device)
    findings = [_evaluation_mode(model), _classes(model, data), _input_range(model.preprocessing)]
    with torch.no_grad():
        try:
            findings += [_outputs(model, pixels), _determinism(model, pixels)]
        except (ModelError, RuntimeError) as error:
            return [*findings, Finding("outputs", "problem", f"the forward pass fails: {error}")]
        try:
            reading = read_out(model, data)
        except CaseError:
            return findings
        judge = _Judge(data, reading, min(n, len(data)), batch_size, device)
        return [*findings, *_accuracies(model, judge)]


class _Judge:
    """Which images of a fixed prefix models get right."""

    def __init__(self, data: Dataset, reading: ReadOut, n: int, batch_size: int, device: str | torch.device) -> None:
        self.data, self.reading, self.n, self.batch_size, self.device = data, reading, n, batch_size, device

    def hits(self, models: Sequence[ImageModel], geometry: Geometry) -> list[Tensor]:
        """N booleans a model; every image is decoded once."""
        parts: list[list[Tensor]] = [[] for _ in models]
        for start in range(0, self.n, self.batch_size):
            stop = min(start + self.batch_size, self.n)
            pixels = _pixels(self.data, start, stop, geometry, self.device)
            for model, part in zip(models, parts, strict=True):
                part.append(self.reading(model(pixels)).argmax(1).cpu() == self.data.labels[start:stop])
        return [torch.cat(part) for part in parts]


def _pixels(data: Dataset, start: int, stop: int, geometry: Geometry, device: str | torch.device) -> Tensor:
    return data.batch(start, stop, geometry).images.to(device).float() / 255


def _evaluation_mode(model: ImageModel) -> Finding:
    training = [name or "the model" for name, module in model.named_modules() if module.training]
    if training:
        detail = f"{len(training)} modules are in training mode, first {training[0]}; call model.eval()"
        return Finding("evaluation mode", "problem", detail)
    return Finding("evaluation mode", "ok", "no module is in training mode")


def _classes(model: ImageModel, data: Dataset) -> Finding:
    detail = f"{model.name} has {model.num_classes} classes, {data.name} ({data.label_space}) has {len(data.classes)}"
    try:
        reading = read_out(model, data)
    except CaseError as error:
        return Finding("classes", "problem", str(error))
    return Finding("classes", "ok", detail if reading.rule is None else f"{detail}, read as {reading}")


def _input_range(preprocessing: Preprocessing) -> Finding:
    """Statistics in 0–255 units squeeze all pixels in [0,1] into one point."""
    detail = f"mean={_shown(preprocessing.mean)}, std={_shown(preprocessing.std)}"
    if max(preprocessing.mean) > 1 or max(preprocessing.std) > 1:
        return Finding("input range", "problem", f"{detail} are not of pixels in [0,1]; if of 0–255, divide by 255")
    low = min(-mean / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True))
    high = max((1 - mean) / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True))
    return Finding("input range", "ok", f"{detail}: pixels in [0,1] become [{low:.2f}, {high:.2f}]")


def _outputs(model: ImageModel, pixels: Tensor) -> Finding:
    logits = model(pixels)
    broken = int((~logits.isfinite()).any(dim=1).sum())
    if broken:
        detail = f"logits of {broken} of {len(pixels)} images are NaN or infinite; check the weights and the dtype"
        return Finding("outputs", "problem", detail)
    if len(pixels) > 1 and bool((logits == logits[:1]).all()):
        detail = f"all {len(pixels)} images have the same logits; check the weights and the normalisation"
        return Finding("outputs", "problem", detail)
    return Finding("outputs", "ok", f"{tuple(logits.shape)} finite logits in [{logits.min():.1f}, {logits.max():.1f}]")


def _determinism(model: ImageModel, pixels: Tensor) -> Finding:
    logits = model(pixels)
    if not torch.equal(logits, model(pixels)):
        return Finding(
            "determinism", "problem", "the same images twice give other logits; look for dropout or sampling"
        )
    alone = torch.cat([model(image[None]) for image in pixels[:3]])
    apart = float((alone - logits[:3]).abs().max())
    if apart > 1e-2 * max(1.0, float(logits.abs().max())):
        detail = f"an image alone and in a batch differ by {apart:.2g}; look for batch statistics"
        return Finding("determinism", "problem", detail)
    return Finding("determinism", "ok", f"same twice; alone and in a batch differ by {apart:.1g} at most")


def _accuracies(model: ImageModel, judge: _Judge) -> list[Finding]:
    others = _other_normalisations(model)
    stated, *rest = judge.hits([model, *others.values()], judge.data.geometry)
    return [
        _above_chance(stated, len(judge.data.classes)),
        _compared("normalisation", stated, dict(zip(others, rest, strict=True)), "mean= and std="),
        _geometry(model, judge, stated),
    ]


def _other_normalisations(model: ImageModel) -> dict[str, ImageModel]:
    candidates = {"ImageNet mean and std": (IMAGENET_MEAN, IMAGENET_STD), "mean=0.5, std=0.5": (HALF, HALF)}
    stated = model.preprocessing
    return {
        name: ImageModel(
            model.network, replace(stated, mean=mean, std=std), name=model.name, num_classes=model.num_classes
        ).to(model.mean.device)
        for name, (mean, std) in candidates.items()
        if (mean, std) != (stated.mean, stated.std)
    }


def _above_chance(hits: Tensor, classes: int) -> Finding:
    n, rate, chance = len(hits), float(hits.float().mean()), 1 / classes
    detail = f"top-1 {_percent(hits)} on {n} images, chance is {chance:.1%}"
    if rate <= chance + 3 * (chance * (1 - chance) / n) ** 0.5:
        return Finding("accuracy", "warning", f"{detail}: not above chance; check weights, labels and class order")
    return Finding("accuracy", "ok", detail)


def _geometry(model: ImageModel, judge: _Judge, stated: Tensor) -> Finding:
    try:
        native = Geometry.parse(model.preprocessing.native())
    except ModelError as error:
        return Finding("geometry", "ok", f"not compared: {error}")
    if native == judge.data.geometry:
        return Finding("geometry", "ok", f"the data set's own geometry, {native}, is the model's")
    (hits,) = judge.hits([model], native)
    return _compared("geometry", stated, {f"the model's own {native}": hits}, "geometry=native")


def _compared(name: str, stated: Tensor, others: dict[str, Tensor], option: str) -> Finding:
    """A warning if one of the others is better by more than `GAIN` and chance."""
    detail = f"top-1 {_percent(stated)} as stated"
    detail += "".join(f", {_percent(hits)} with {other}" for other, hits in others.items()) + f" (n={len(stated)})"
    for other, hits in sorted(others.items(), key=lambda item: -int(item[1].sum())):
        gain, p = float(hits.float().mean() - stated.float().mean()), mcnemar(stated, hits)
        if gain > GAIN and p < P_VALUE:
            return Finding(name, "warning", f"{detail}: {other} is better (p={p:.1g}); check {option}")
    return Finding(name, "ok", detail)


def mcnemar(first: Tensor, second: Tensor) -> float:
    """Two-sided p-value of McNemar's exact test.

    Under the null hypothesis the images that only one of the two gets right fall on either side by a fair coin.

    Args:
        first: N booleans.
        second: N booleans for the same images.

    Returns:
        A probability; 1 if the two agree everywhere.

    Source:
        McNemar 1947, Psychometrika 12.
    """
    lost, won = int((first & ~second).sum()), int((second & ~first).sum())
    tail = sum(comb(lost + won, k) for k in range(min(lost, won) + 1))
    return min(1.0, 2 * tail / (1 << (lost + won)))


def _percent(hits: Tensor) -> str:
    return f"{float(hits.float().mean()):.1%}"


def _shown(values: Sequence[float]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else f"[{', '.join(f'{value:g}' for value in values)}]"
