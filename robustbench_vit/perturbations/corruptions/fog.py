"""Fog: a plasma fractal laid over the image."""

from functools import lru_cache

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys

_SMALLEST = {"imagenet_c": 256, "cifar_c": 32, "imagecorruptions": 1}  # side of the fractal


@corruption(at_once=2)
def fog(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Add a plasma fractal, then scale so that the brightest value stays where it was.

    The fractal has 256 points a side in imagenet_c and 32 in cifar_c, whose programs knew no other size; images that are
    larger take the next power of two of their longer side, as imagecorruptions does at every size. The image lies in its
    first corner.
    """
    depth, decay = setting.pick(
        ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)), ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))
    )
    height, width = images.shape[-2:]
    side = max(_SMALLEST[setting.variant], 1 << (max(height, width) - 1).bit_length())
    draws = keys.uniform("plasma", side * side - 1, low=-1, high=1).to(setting.dtype)
    haze, span = _plasma(draws * _amplitudes(side, decay, setting.dtype, draws.device))
    haze = haze[:, None, :height, :width]
    brightest = images.flatten(1).amax(1).view(-1, 1, 1, 1).to(setting.dtype) / 255
    if setting.exact:
        return (images.double() / 255 + depth * (haze / span)) * brightest / (brightest + depth) * 255
    share = brightest / (brightest + depth)
    return torch.addcmul(haze * (share * (255 * depth) / span), images, share)


def _plasma(noise: Tensor) -> tuple[Tensor, Tensor]:
    """Diamond-square fractals on a torus (Fournier, Fussell & Carpenter 1982).

    Every level halves the distance of the points known: new ones are the mean of their four neighbours, plus noise.

    Args:
        noise: N×(S²−1), scaled; a level takes its cells' centres, then the middles of their upper edges, then those of
            their left edges.

    Returns:
        N×S×S, least value 0, and N×1×1×1, the largest.
    """
    heights = noise.new_zeros(len(noise), 1, 1)
    while (cells := heights.shape[1]) ** 2 <= noise.shape[1]:
        level = noise[:, cells**2 - 1 : 4 * cells**2 - 1].view(-1, 3, cells, cells)
        heights = _refined(heights, *level.unbind(1))
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


@lru_cache(maxsize=16)
def _amplitudes(side: int, decay: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(side² − 1): how large the noise of every point is. The original multiplies by its wibble twice: a square."""
    levels = torch.arange(side.bit_length() - 1, dtype=torch.float64)
    counts = 3 * 4 ** torch.arange(len(levels))
    return ((100 / decay**levels) ** 2).repeat_interleave(counts).to(device, dtype)
