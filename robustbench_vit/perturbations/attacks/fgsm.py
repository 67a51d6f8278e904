"""FGSM: one step of length eps along the sign of the gradient."""

from fractions import Fraction

from robustbench_vit.perturbations.attacks.ball import Ball
from robustbench_vit.perturbations.attacks.losses import cross_entropy
from robustbench_vit.perturbations.attacks.search import Search
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context, Perturbed, Pixels


def fgsm(images: Pixels, keys: Keys, *, context: Context, eps: int | Fraction) -> Perturbed:
    """clip(x + eps · sign ∇ₓ cross-entropy), once, for every image.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: Not used; FGSM draws nothing.
        context: ``model`` (pixels → logits) and ``labels``.
        eps: Length of the step in L∞, pixels in [0,1].

    Returns:
        Images and the columns of every attack: ``norm`` (distance, pixels), ``margin`` (logit of the label − largest
        other), ``broken_by``, ``forward_passes``, ``backward_passes``, ``zero_gradient``. Images that the model gets
        wrong anyway take the step, too, as in other programs; ``robust_accuracy`` counts them as broken.

    Raises:
        CaseError: If the model is not differentiable, or a label is none of its classes.

    Source:
        Goodfellow, Shlens & Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015, section 4.
    """
    del keys
    search = Search(images, context, Ball("linf", eps), "fgsm")
    gradient = search.clean_slope(cross_entropy, keep=False).gradient
    search.logits((images + float(eps) * gradient.sign()).clamp_(0, 1), search.everything)
    return search.result()
