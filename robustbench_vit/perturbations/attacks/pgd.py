"""PGD: many small steps along the gradient, each followed by a projection into the ball."""

from fractions import Fraction
from typing import Literal

from robustbench_vit.perturbations.attacks.ball import Ball, Norm
from robustbench_vit.perturbations.attacks.losses import cross_entropy
from robustbench_vit.perturbations.attacks.search import Rows, Search
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Perturbed, Pixels


def pgd(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    eps: int | Fraction,
    norm: Norm = "linf",
    steps: int = 20,
    alpha: int | Fraction | None = None,
    restarts: int = 1,
    random_start: bool = True,
    iterate: Literal["worst", "last"] = "worst",
) -> Perturbed:
    """Make ``steps`` steps from each start: x ← projection of x + alpha · (steepest ascent of cross-entropy).

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: One key an image; restart r draws the field ``start/r``.
        context: ``model`` (pixels → logits) and ``labels``.
        eps: Largest distance, pixels in [0,1].
        norm: ``linf`` or ``l2``.
        steps: Gradient steps from each start.
        alpha: Length of a step, pixels in [0,1]; None is 2.5·eps/steps, with which every point of the ball can be
            reached from every other.
        restarts: Number of starts.
        random_start: Whether a start is random, see `Ball.random`; else it is the clean image.
        iterate: ``worst``: an image is attacked until the model is wrong about it, and the image of smallest margin
            counts. ``last``: all steps are made, and the last image counts, whatever came before.

    Returns:
        Images and the columns of every attack, see `robustbench_vit.perturbations.attacks.fgsm`.

    Raises:
        CaseError: If the model is not differentiable, or a label is none of its classes.

    Source:
        Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018, section 2.1; the
        length of the step is that of its L2 experiments, appendix.

    Differences:
        The authors count the last iterate, for which say ``iterate=last``. The worst one is never weaker.
    """
    search = Search(images, context, Ball(norm, eps), "pgd")
    length = float(2.5 * eps / steps if alpha is None else alpha)
    worst = iterate == "worst"
    search.clean_logits(keep=worst)
    for restart in range(restarts):
        rows = search.left() if worst else search.everything
        clean = search.clean[rows]
        start = search.ball.random(clean, keys.at(rows), f"start/{restart}") if random_start else clean
        _climb(search, start, rows, steps, length, keep=worst)
    return search.result()


def _climb(search: Search, images: Pixels, rows: Rows, steps: int, length: float, *, keep: bool) -> None:
    """All steps from one start; where every iterate counts, samples drop out as soon as the model is wrong."""
    for _ in range(steps):
        if not len(rows):
            return
        slope = search.slope(images, rows, cross_entropy, keep=keep)
        gradient = slope.gradient
        if keep and bool(slope.broken.any()):
            images, rows, gradient = (item[~slope.broken] for item in (images, rows, gradient))
        images = search.ball.project(images + length * search.ball.steepest(gradient), search.clean[rows])
    if len(rows):
        search.logits(images, rows)
