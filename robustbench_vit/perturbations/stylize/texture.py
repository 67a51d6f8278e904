"""Texture transfer without weights: a quilted field of the style and the content's contours, mixed in a filter bank."""

import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.stylize.filters import correlation, edges, luminance
from robustbench_vit.perturbations.stylize.mixture import Mixture, at_contrast_of
from robustbench_vit.perturbations.stylize.quilt import CANDIDATES, Plan, quilted
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Pixels

EDGES = 0.57
"""Edge-map correlation with the content down to which texture is added."""
FIDELITY = (0.8, 0.6)
"""How far a spectrum that has no room for the contours goes to the style's instead, in log power."""
SMALLEST = 16
"""Shorter side in pixels; below, a block of texture is four pixels."""
_STEPS = 6
"""Halvings of the interval of the texture's share."""


def transfer(content: Pixels, style: Pixels, strength: float = 1.0, *, keys: Keys | None = None) -> Pixels:
    """Give each content image the texture and colours of its style image.

    1. The style's most evenly textured places are quilted into a field of the content's size, which has the style's
       texture and none of its shape, and follows the content's layout of light.
    2. Both luminances, the content's at the style's mean and contrast, are split into octave bands. Every band is a
       mixture of the field and of the content where it has contours, each at the field's contrast: t : 1 − t. The
       smaller t, the more the field's contrast follows the content's, too.
    3. The result is filtered to the style's spectrum: the power on rings and half of the orientations, luminance
       and channels. Colours are the field's, moved along the style's mean colour at each luminance.
    4. t is the largest share, found by bisection, at which the edge maps of result and content still correlate
       by `EDGES`. Where it has no room for them even at t = 0 (a pure grating, a nearly black picture), the spectrum
       goes only part of the way, by the first of `FIDELITY` that has room.

    Args:
        content: N×3×H×W float in [0,1].
        style: N×3×H×W float in [0,1], one style an image.
        strength: In [0,1]; pixels go in a straight line from the content (0, exactly) to the full result (1).
        keys: Which places of the style are candidates is drawn for each image; None draws the same for all.

    Returns:
        N×3×H×W float in [0,1].

    Raises:
        CaseError: If the shapes differ, or a side is shorter than `SMALLEST`.

    Source:
        Heeger & Bergen, SIGGRAPH 1995 (texture by matching a filter bank's statistics), and Portilla & Simoncelli,
        IJCV 2000, for what such statistics hold; Efros & Freeman, SIGGRAPH 2001, for the field.

    Differences:
        Sub-bands are matched in power, not in histogram, and the phases come from the quilted field instead of noise,
        which keeps what is larger than a filter: spots, stripes, keys.
    """
    if content.shape != style.shape:
        raise CaseError(f"stylize needs a style of the content's shape, got {_by(style)} for {_by(content)}")
    height, width = content.shape[-2:]
    if min(height, width) < SMALLEST:
        raise CaseError(f"stylize needs images of at least {SMALLEST}×{SMALLEST} pixels, got {height}×{width}")
    if strength == 0 or not len(content):
        return content.clone()
    source = Keys(0, "stylize", ("",) * len(content)) if keys is None else keys
    plan = Plan(height, width)
    images = []
    for index in range(len(content)):  # one by one: the rounding of FFT, convolution and sums depends on the shape
        draws = source[index : index + 1].uniform("block", plan.rows * plan.columns, CANDIDATES)[0]
        # Copies: transforms may round otherwise where a slice of a batch starts at an odd address.
        image, texture = (side[index].clone(memory_format=torch.contiguous_format) for side in (content, style))
        images.append(_transferred(image, texture, draws))
    return content.lerp(torch.stack(images), strength)


def _transferred(content: Tensor, style: Tensor, draws: Tensor) -> Tensor:
    """3×H×W at full strength."""
    toned = at_contrast_of(content, style)
    # Hundreds of tiny steps, each waiting for the last: quicker on the CPU, and there they choose the same blocks.
    field = quilted(style.cpu(), luminance(toned).cpu(), draws.cpu()).to(style.device)
    mixture, wanted = Mixture.of(toned, field, style), edges(content)

    def kept(image: Tensor) -> bool:
        likeness = correlation(edges(image), wanted)
        return likeness is None or likeness >= EDGES  # a content without any edge has nothing to lose

    best = mixture.at(0.0)
    for fidelity in FIDELITY:
        if kept(best):
            break
        mixture = mixture.with_fidelity(fidelity)
        best = mixture.at(0.0)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        image = mixture.at(middle)
        if kept(image):
            low, best = middle, image
        else:
            high = middle
    return best


def _by(images: Tensor) -> str:
    return "×".join(map(str, images.shape))
