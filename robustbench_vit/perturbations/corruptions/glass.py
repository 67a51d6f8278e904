"""Glass blur."""

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption, truncated
from robustbench_vit.perturbations.corruptions.gaussian import blurred
from robustbench_vit.randomness import Keys


@corruption(fixed_shape=True)
def glass_blur(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Blur, give every pixel the value of a random neighbour some times over, blur again.

    Pixels are visited from the last to the first, so a neighbour further on has already got its new value.

    Differences: the paper's "swap" is a copy, for both sides of it are views of one array; so it is here.
    """
    sigma, reach, times = setting.pick(
        ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    )
    height, width = images.shape[-2:]
    shape = (times, 2, height - 2 * reach, width - 2 * reach)
    steps = keys.small_integers("steps", *shape, low=-reach, high=reach)
    places = _sources(steps[:, 0], height, width)
    for time in range(1, times):
        places = places.gather(1, _sources(steps[:, time], height, width))
    soft = truncated(blurred(images, sigma, setting)).flatten(2)
    copied = soft.gather(2, places[:, None].expand_as(soft))
    return blurred(copied.view_as(images), sigma, setting)


def _sources(steps: Tensor, height: int, width: int) -> Tensor:
    """Where every pixel's value comes from after one pass over the image, by pointer jumping.

    A table leads from "p after the pass" (its first half) to "q after the pass" or to "q before it" (its second half,
    which leads to itself). Jumping along it doubles the steps taken, until every pixel has arrived in the second half.

    Args:
        steps: N×2×h×w integers: columns to the right and rows down to the neighbour, last pixel first.
        height: Of the image.
        width: Of the image.

    Returns:
        N×HW int64.
    """
    count, margin = height * width, (height - steps.shape[-2]) // 2
    here = torch.arange(count, device=steps.device).view(height, width)
    table = (here.flatten() + count).repeat(len(steps), 2)
    after = table[:, :count]
    visited = (slice(margin + 1, height - margin + 1), slice(margin + 1, width - margin + 1))
    right, down = steps.flip(-2, -1).unbind(1)
    neighbour = here[visited] + right + down * width
    after.view(-1, height, width)[:, visited[0], visited[1]] = neighbour + count * (neighbour <= here[visited])
    while bool((after < count).any()):
        after.copy_(table.gather(1, after))
    return after - count
