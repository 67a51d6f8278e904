"""Fog: a plasma fractal laid over the image."""

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys

_SMALLEST = {"imagenet_c": 256, "cifar_c": 32, "imagecorruptions": 1}  # side of the fractal


@corruption(at_once=4)
def fog(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Add a plasma fractal, then scale so that the brightest value stays where it was.

    The fractal has 256 points a side in imagenet_c and 32 in cifar_c, whose programs knew no other size; larger images
    take the next power of two of their longer side, as imagecorruptions does at every size. The image lies in its first
    corner.
    """
    depth, decay = setting.pick(
        ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)), ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))
    )
    height, width = images.shape[-2:]
    side = max(_SMALLEST[setting.variant], 1 << (max(height, width) - 1).bit_length())
    draws = keys.uniform("plasma", side * side - 1, low=-1, high=1).to(setting.dtype)
    haze, span = _plasma(draws, decay)
    haze = haze[:, None, :height, :width]
    brightest = images.flatten(1).amax(1).view(-1, 1, 1, 1).to(setting.dtype) / 255
    if setting.exact:
        return (images.double() / 255 + depth * (haze / span)) * brightest / (brightest + depth) * 255
    share = brightest / (brightest + depth)
    return torch.addcmul(haze * (share * (255 * depth) / span), images, share)


def _plasma(draws: Tensor, decay: float) -> tuple[Tensor, Tensor]:
    """Diamond-square fractals on a torus (Fournier, Fussell & Carpenter 1982).

    Every level halves the distance of the points known: new ones are the mean of their four neighbours, plus noise. The
    original multiplies the noise by its wibble twice, so that decay, too, works as its square.

    Args:
        draws: N×(S²−1) in [−1, 1]; a level takes its cells' centres, then the middles of their upper edges, then those
            of their left edges.
        decay: By which the wibble shrinks from level to level.

    Returns:
        N×S×S, least value 0, and N×1×1×1, the largest.
    """
    heights, wibble = draws.new_zeros(len(draws), 1, 1), 100.0
    while (cells := heights.shape[1]) ** 2 <= draws.shape[1]:
        level = draws[:, cells**2 - 1 : 4 * cells**2 - 1] * wibble**2
        heights = _refined(heights, *level.view(-1, 3, cells, cells).unbind(1))
        wibble /= decay
    heights -= heights.amin((1, 2), keepdim=True)
    return heights, heights.amax((1, 2)).view(-1, 1, 1, 1)


def _refined(known: Tensor, centre: Tensor, upper: Tensor, left: Tensor) -> Tensor:
    """N×2g×2g heights from N×g×g and the noise of three new points a cell, added in the original's order."""
    cells = known.shape[1]
    fine = known.new_empty(len(known), cells, 2, cells, 2)
    (corners, uppers), (lefts, centres) = (rows.unbind(3) for rows in fine.unbind(2))
    down = known + known.roll(-1, 1)
    middle = torch.add(centre, down + down.roll(-1, 2), alpha=0.25)
    beside = (middle + middle.roll(1, 1)).add_(known + known.roll(-1, 2))
    above = (middle + middle.roll(1, 2)).add_(down)
    corners.copy_(known)
    centres.copy_(middle)
    torch.add(upper, beside, alpha=0.25, out=uppers)
    torch.add(left, above, alpha=0.25, out=lefts)
    return fine.view(-1, 2 * cells, 2 * cells)
