"""Transfer: images made to mislead one model, shown to another."""

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.attacks.search import ATTACK, Search
from robustbench_vit.perturbations.attacks.worst import ball_of
from robustbench_vit.randomness import Keys
from robustbench_vit.spec import Spec
from robustbench_vit.types import Context, Perturbed, Pixels


def transfer(images: Pixels, keys: Keys, *, context: Context, attack: Spec, source: Spec) -> Perturbed:
    """Judge the images of an attack on the source model, which the engine makes once and keeps.

    Args:
        images: N×3×H×W float in [0,1]; left as they are.
        keys: Not used; the attack drew its own.
        context: ``model`` (the one that is judged), ``labels``, and ``examples``: the attack's images.
        attack: Spec of the attack.
        source: Spec of the model that was attacked.

    Returns:
        The examples and the columns of every attack, see `robustbench_vit.perturbations.attacks.fgsm`: margin and
        passes are those of the judged model. Where the clean image has the smaller margin, it stands in place of the
        example: misleading a model less than doing nothing is no attack.

    Raises:
        CaseError: If there are no examples, or one of them is farther than eps from its image.

    Source:
        Papernot, McDaniel & Goodfellow, "Transferability in Machine Learning", 2016 (arXiv:1605.07277).
    """
    del keys
    if context.examples is None:
        raise CaseError(f"transfer needs the examples of {attack} on {source} in the context; a suite makes them")
    search = Search(images, context, ball_of(attack), "transfer")
    search.clean_logits()
    search.logits(context.examples, search.everything, ATTACK)
    return search.result()
