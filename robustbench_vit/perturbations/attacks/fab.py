"""FAB, targeted: the nearest image on the other side of the decision boundary, one wrong class after the other."""

from fractions import Fraction

import torch

from robustbench_vit.perturbations.attacks.ball import Ball, Norm
from robustbench_vit.perturbations.attacks.counted import Counted
from robustbench_vit.perturbations.attacks.package import explained, library_class, tidy
from robustbench_vit.perturbations.attacks.search import ATTACK, Rows, Search
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Perturbed, Pixels


def fab(
    images: Pixels,
    keys: Keys,
    *,
    context: Context,
    eps: int | Fraction,
    norm: Norm = "linf",
    targets: int = 9,
    steps: int = 100,
) -> Perturbed:
    """Step to the linearised boundary with each wrong class in turn, from the clean image; what is within eps counts.

    A search for the smallest distance, done by torchattacks. It starts at the clean image and draws nothing, so images
    are attacked together.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: Not used.
        context: ``model`` (pixels → logits) and ``labels``.
        eps: Largest distance, pixels in [0,1].
        norm: ``linf`` or ``l2``.
        targets: Wrong classes to go for, in order of decreasing logit of the clean image; all if there are fewer.
        steps: Steps for each target.

    Returns:
        Images and the columns of every attack, see `robustbench_vit.perturbations.attacks.fgsm`.

    Raises:
        CaseError: If torchattacks is missing or fails, the model is not differentiable, or a label is none of its
            classes.

    Source:
        Croce & Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack", ICML 2020,
        algorithm 1; targets: "Reliable evaluation of adversarial robustness with an ensemble of diverse
        parameter-free attacks", ICML 2020, section 5.

    Differences:
        One start, the clean image. The library's own loop over targets is not used, because it seeds the global
        generators; each target is one run of the library.
    """
    del keys
    library_class("FAB", "fab")
    search = Search(images, context, Ball(norm, eps), "fab")
    num_classes = search.clean_logits().shape[1]
    for place in range(2, min(targets, num_classes - 1) + 2):
        rows = search.left()
        if not len(rows):
            break
        search.adopt(_towards(place, search, rows, context, steps), rows, ATTACK)
    return search.result()


def _towards(place: int, search: Search, rows: Rows, context: Context, steps: int) -> Perturbed:
    """One run.

    Args:
        place: Which class to go for: 1 would be that of the largest logit, which is the label.
        search: Of all samples.
        rows: Which of them to attack.
        context: Of all samples.
        steps: Steps.
    """
    clean, counted = search.clean[rows], Counted(context.model, search.clean.device, "fab")
    with explained("fab"):
        norm = "Linf" if search.ball.norm == "linf" else "L2"
        attack = library_class("FAB", "fab")(counted, norm=norm, steps=steps, multi_targeted=True)
        attack.target_class = place
        with torch.no_grad():  # it turns gradients on where it needs them, and keeps all graphs otherwise
            found = tidy(attack.attack_single_run_targeted(clean, search.labels[rows]), clean)
    within = search.ball.distance(found, clean) <= float(search.ball.eps)
    return Perturbed(torch.where(within.view(-1, 1, 1, 1), found, clean), counted.columns(len(rows)))
