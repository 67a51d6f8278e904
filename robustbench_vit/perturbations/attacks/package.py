"""The library torchattacks: its attacks on our models, drawing from our keys, counted and judged as ours."""

import inspect
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from fractions import Fraction
from importlib import import_module
from math import inf
from typing import Any

import numpy as np
import torch

from robustbench_vit.errors import CaseError, RobustbenchError
from robustbench_vit.perturbations.attacks.ball import Ball, Norm
from robustbench_vit.perturbations.attacks.counted import Counted
from robustbench_vit.perturbations.attacks.search import ATTACK, Search
from robustbench_vit.perturbations.torchattacks_catalog import CLASSES, TORCHATTACKS, honest
from robustbench_vit.randomness import Keys
from robustbench_vit.spec import Value
from robustbench_vit.types import Context, Perturbed, Pixels

_NORMS = {"linf": "Linf", "l2": "L2"}
_ROUNDING = 1e-5  # how far beyond [0,1] the library carries values; EADEN, which goes by tanh, 1.5e-6
_KNOWN_WARNINGS = (
    "Converting a tensor with requires_grad=True to a scalar",  # APGD adds up a loss
    "__array__ implementation doesn't accept a copy keyword",  # SparseFool: numpy 2 asks an old torch
)


def torchattacks(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    name: str,
    eps: int | Fraction | None = None,
    norm: Norm | None = None,
    batch: int = 1,
    **options: Value,
) -> Perturbed:
    """Attack every image that the model is right about with an attack of the library, and judge what it returns.

    The library draws from the global generators of torch, numpy and Python. Here they are seeded from the key of the
    image and put back afterwards. With ``batch=1`` each image is attacked alone, so that its draws depend on nothing
    else; with more, which is faster on a GPU, images that are attacked together share a seed, and what is drawn for
    one depends on the others. Draws on a GPU are not those on a CPU.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: One key an image; the field is the attack's name.
        context: ``model`` (pixels → logits) and ``labels``.
        name: Name in the library, such as ``BIM``.
        eps: Largest distance, pixels in [0,1], of an attack that keeps to one.
        norm: ``linf`` or ``l2``, where the attack has a choice; None is its first.
        batch: Images attacked together.
        **options: Keywords of the attack, such as ``steps``; otherwise the library's defaults hold, but ``n_classes``
            is never more than the model has.

    Returns:
        Images and the columns of every attack, see `robustbench_vit.perturbations.attacks.fgsm`. ``norm`` is the L2
        distance if the attack keeps to no eps. Of images attacked together, passes are the mean, rounded up. Where
        the library returns NaN, as some of its attacks do when the gradient is 0, the clean image stands.

    Raises:
        CaseError: If the library is missing, the attack does not know an option, it fails, or returns an image that is
            farther than eps or not in [0,1].

    Source:
        Kim, "Torchattacks: A PyTorch repository for adversarial attacks", 2020 (arXiv:2010.01950), version 3.5.1.
    """
    name = honest(name)
    shown = f"torchattacks({name})"
    attack = library_class(CLASSES.get(name, name), shown)
    arguments = _arguments(name, attack, eps, norm, options)
    search = Search(images, context, Ball(norm or _ball_norm(name), inf if eps is None else eps), shown)
    num_classes = search.clean_logits().shape[1]
    if "n_classes" in _keywords(attack):
        arguments.setdefault("n_classes", min(_keywords(attack)["n_classes"].default, num_classes))
    rows = search.left()
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        counted = Counted(context.model, images.device, shown)
        with explained(shown), _seeded(keys.at(some), name, images.device) as seed:
            seeds = {"seed": seed} if "seed" in _keywords(attack) else {}
            made = attack(counted, **arguments, **seeds)
            found = made(search.clean[some].clone(), search.labels[some].clone())
        search.adopt(Perturbed(tidy(found, search.clean[some]), counted.columns(len(some))), some, ATTACK)
    return search.result()


def library_class(name: str, shown: str) -> Any:
    """A class of the library.

    Args:
        name: Name in the library.
        shown: Who needs it, for the message.

    Raises:
        CaseError: If the library is missing or too old.
    """
    try:
        return getattr(import_module("torchattacks"), name)
    except (ImportError, AttributeError) as error:
        raise CaseError(
            f"{shown} needs the library torchattacks 3.5 ({error}): pip install 'robustbench_vit[attacks]'"
        ) from error


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Run the library with gradients, as it expects; what it raises becomes a CaseError that names the attack."""
    try:
        with torch.enable_grad(), warnings.catch_warnings():
            for message in _KNOWN_WARNINGS:
                warnings.filterwarnings("ignore", message)
            yield
    except (RobustbenchError, torch.OutOfMemoryError):  # the engine answers the latter with smaller batches
        raise
    except Exception as error:  # other people's code raises nearly anything
        raise CaseError(f"{shown}: the library raises {type(error).__name__}: {error}") from error


def tidy(found: Pixels, clean: Pixels) -> Pixels:
    """What the library returned, as images: n×3×H×W; rounding beyond [0,1] is cut, NaN gives way to the clean image."""
    found = found.detach().to(clean)
    if found.shape != clean.shape:
        raise CaseError(f"torchattacks returned images of shape {tuple(found.shape)}, expected {tuple(clean.shape)}")
    finite = found.flatten(1).isfinite().all(1).view(-1, 1, 1, 1)
    cut = found.clamp(0, 1)
    return torch.where(finite, torch.where((found - cut).abs() <= _ROUNDING, cut, found), clean)


def _ball_norm(name: str) -> Norm:
    return "linf" if TORCHATTACKS[name].norm == "linf" else "l2"


def _keywords(attack: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(attack).parameters


def _arguments(
    name: str, attack: Callable[..., Any], eps: int | Fraction | None, norm: Norm | None, options: Mapping[str, Value]
) -> dict[str, Any]:
    """Keywords for the library.

    Raises:
        CaseError: If the attack does not know one of them.
    """
    entry = TORCHATTACKS[name]
    known = [key for key in _keywords(attack) if key not in {"model", "norm", "seed", entry.bound}]
    for key in options:
        if key not in known:
            close = get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}=? " if close else ""
            reason = "; draws come from the seed of the run" if key == "seed" else ""
            raise CaseError(
                f"torchattacks({name}) takes no {key}={reason}; {hint}it takes {', '.join(known) or 'nothing more'}"
            )
    bound = {} if eps is None else {entry.bound: float(eps)}
    chosen = {"norm": _NORMS[norm or str(entry.norm)]} if entry.chooses else {}
    return {**bound, **chosen, **{key: _plain(value) for key, value in options.items()}}


def _plain(value: Value) -> Any:
    """Fractions as floats, in lists as well; the rest as it is."""
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return float(value) if isinstance(value, Fraction) else value


@contextmanager
def _seeded(keys: Keys, field: str, device: torch.device) -> Iterator[int]:
    """Seed all global generators from the first key, hand out the seed, and put the generators back."""
    low, high = (word & 0xFFFFFFFF for word in keys[:1].words(field)[0].tolist())
    seed = low | (high & 0x7FFFFFFF) << 32
    python, old = random.getstate(), np.random.get_state()  # noqa: NPY002 - what the library draws from
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed([low, high])  # noqa: NPY002 - what the library draws from
        random.seed(seed)
        try:
            yield seed
        finally:
            np.random.set_state(old)  # noqa: NPY002 - what the library draws from
            random.setstate(python)
