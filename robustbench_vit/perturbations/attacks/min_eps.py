"""The smallest eps at which an attack leads the model astray, for each image."""

from collections.abc import Sequence
from fractions import Fraction
from math import inf

import torch

from robustbench_vit.perturbations.attacks.search import ATTACK, CLEAN, NOBODY, Search
from robustbench_vit.perturbations.attacks.worst import apply, ball_of
from robustbench_vit.randomness import Keys
from robustbench_vit.spec import Spec
from robustbench_vit.types import Context, Perturbed, Pixels


def min_eps(images: Pixels, keys: Keys, *, context: Context, attack: Spec, grid: Sequence[int | Fraction]) -> Perturbed:
    """Attack with every eps of the grid in turn, each time only samples that the model is right about still.

    The distribution of the result is the whole curve of robust accuracy over eps. The curve never rises, because what
    is found at one eps is allowed at every larger one.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: One key an image; the attack draws from the stream of its own name, the same for all eps.
        context: ``model`` (pixels → logits) and ``labels``.
        attack: Spec of the attack, complete but for the eps.
        grid: Increasing eps values, pixels in [0,1].

    Returns:
        Of each sample the first adversarial image, or the one of smallest margin where there is none; the columns of
        every attack, see `robustbench_vit.perturbations.attacks.fgsm`; and ``min_eps``: 0 where the model is wrong
        about the clean image, infinite where no eps of the grid breaks it.

    Raises:
        CaseError: As the attack.
    """
    search = Search(images, context, ball_of(attack), "min_eps")
    search.clean_logits()
    smallest = torch.full((len(images),), inf, dtype=torch.float64, device=images.device)
    smallest[search.broken_by == CLEAN] = 0
    for eps in grid:
        rows = search.left()
        if not len(rows):
            break
        search.adopt(apply(attack, search, rows, keys, context, eps=eps), rows, ATTACK)
        smallest[rows[search.broken_by[rows] != NOBODY]] = float(eps)
    found = search.result()
    return Perturbed(found.images, {**found.columns, "min_eps": smallest}, found.words)
