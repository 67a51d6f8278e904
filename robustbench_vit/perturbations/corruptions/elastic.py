"""Elastic transform: an affine jolt, then a smooth random displacement of every pixel."""

from collections.abc import Iterator
from functools import reduce
from itertools import product, starmap

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.perturbations.corruptions.gaussian import smoothed
from robustbench_vit.randomness import Keys

# (pixels an anchor moves at most, displacement's scale, its smoothness σ), for images of 244 or 32 pixels a side.
_IMAGENET = (
    (244 * 0.1, 244 * 2, 244 * 0.7),
    (244 * 0.2, 244 * 2, 244 * 0.08),
    (244 * 0.02, 244 * 0.05, 244 * 0.01),
    (244 * 0.02, 244 * 0.07, 244 * 0.01),
    (244 * 0.02, 244 * 0.12, 244 * 0.01),
)
_CIFAR = (
    (32 * 0.08, 0.0, 0.0),
    (32 * 0.07, 32 * 0.05, 32 * 0.2),
    (32 * 0.06, 32 * 0.08, 32 * 0.06),
    (32 * 0.05, 32 * 0.1, 32 * 0.04),
    (32 * 0.03, 32 * 0.1, 32 * 0.03),
)
_PACKAGE = (250 * 0.05, 250 * 0.065, 250 * 0.085, 250 * 0.1, 250 * 0.12)  # of imagecorruptions


@corruption(fixed_shape=True)
def elastic_transform(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Move three anchors of the image at random, then every pixel by smoothed noise.

    The constants are pixels of an image of 244 (imagenet_c) or 32 (cifar_c), used as they are at every size. Severity 1
    of cifar_c moves the anchors only. imagecorruptions has its own method, which scales with the image: no anchors,
    noise of 0.5 % of the height, smoothed by 1 % of each side.
    """
    height, width = images.shape[-2:]
    values = images.float().div_(255)  # float32 even if exact: the original's is
    if setting.variant == "imagecorruptions":
        reach, sigmas = _PACKAGE[setting.severity - 1] * 0.005 * height, (0.01 * height, 0.01 * width)
    else:
        spread, reach, sigma = setting.pick(_IMAGENET, _CIFAR)
        values, sigmas = _jolted(values, keys.uniform("anchors", 3, 2, low=-1, high=1) * spread), (sigma, sigma)
    if reach:
        noise = torch.stack([keys.uniform(axis, height, width, low=-1, high=1) for axis in ("dx", "dy")], 1)
        shift = smoothed(noise.to(setting.dtype), sigmas, truncate=3, mode="reflect").mul_(reach).float()
        values = _displaced(values.to(setting.dtype), shift).float()
    return values.mul_(255)


def _jolted(values: Tensor, offsets: Tensor) -> Tensor:
    """The affine map that moves the anchors, as OpenCV 4 does it: float32, sources on a grid of 1/32 pixel.

    Args:
        values: N×3×H×W float32.
        offsets: N×3×2, how far the anchors move, (x, y) in pixels.
    """
    height, width = values.shape[-2:]
    linear, constant = _sources(offsets.float(), height, width)
    along = linear[..., :1] * torch.arange(width, device=values.device)
    down = linear[..., 1:] * torch.arange(height, device=values.device) + constant
    # In units of 1/1024 pixel; the clamp only stops a nearly singular map from overflowing.
    along, down = ((1024 * part).round_().clamp_(-(2**29), 2**29).int() for part in (along, down))
    places = (along[:, :, None] + (down + 16)[..., None]).bitwise_right_shift_(5)
    right, lower = (places & 31).float().mul_(1 / 32)[:, :, None].unbind(1)
    corners = _corners(values, places.bitwise_right_shift_(5).float(), edge_twice=False)
    weights = starmap(torch.mul, product((1 - lower, lower), (1 - right, right)))
    # Two roundings a term, not the one of addcmul.
    return reduce(Tensor.add_, map(Tensor.mul_, corners, weights))


def _sources(offsets: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """N×2×2 and N×2×1 float64: the source of a target (x, y) is linear · target + constant.

    As in the original, the anchors stand about (H//2, W//2), though x goes with W.
    """
    reach = min(height, width) // 3
    corners = torch.tensor([[1, 1], [1, -1], [-1, -1]], device=offsets.device)
    anchors = corners * reach + torch.tensor([height // 2, width // 2], device=offsets.device)
    moved = (anchors + offsets).double()
    ax, ay, bx, by = (moved[:, :2] - moved[:, 1:]).flatten(1).unbind(1)
    # The sides (0, 2·reach) and (2·reach, 0) of the anchors' triangle have become a and b.
    sides = torch.stack((-ay, ax, by, -bx), 1).view(-1, 2, 2)
    linear = sides * (2 * reach / (ax * by - bx * ay)).view(-1, 1, 1)
    return linear, anchors[1, :, None] - linear @ moved[:, 1, :, None]


def _displaced(values: Tensor, shift: Tensor) -> Tensor:
    """Values N×3×H×W at every pixel's place plus its shift, N×2×H×W float32, (x, y) in pixels."""
    x, y = (torch.arange(length, device=values.device) for length in values.shape[:-3:-1])
    whole = shift.floor()
    right, lower = (shift - whole).to(values.dtype)[:, :, None].unbind(1)
    places = whole.add_(torch.stack(torch.meshgrid(x, y, indexing="xy")))
    corners = _corners(values, places, edge_twice=True)
    upper = next(corners).lerp_(next(corners), right)
    return upper.lerp_(next(corners).lerp_(next(corners), right), lower)


def _corners(values: Tensor, places: Tensor, *, edge_twice: bool) -> Iterator[Tensor]:
    """The values at four neighbours of places, the image mirrored beyond its borders.

    Args:
        values: N×3×H×W.
        places: N×2×H×W float32, whole (x, y) of the upper left neighbour.
        edge_twice: Whether the mirror repeats the border value.

    Yields:
        N×3×H×W each: upper left, upper right, lower left, lower right. One at a time, because memory is what costs.
    """
    height, width = values.shape[-2:]
    columns = _mirrored(places[:, 0], width, edge_twice=edge_twice)
    rows = _mirrored(places[:, 1], height, edge_twice=edge_twice)
    for row in rows:
        for column in columns:
            index = torch.add(column, row, alpha=width).long().flatten(1)[:, None]
            yield values.flatten(2).gather(2, index.expand(-1, 3, -1)).view_as(values)


def _mirrored(places: Tensor, length: int, *, edge_twice: bool) -> tuple[Tensor, Tensor]:
    """Where in [0, length) whole places (in float32) and their successors lie after mirroring, int32."""
    last = 2 * length - 1 if edge_twice else 2 * length - 2  # the mirror image of 0
    period = 2 * length if edge_twice else last
    first = places - (places / period).floor_().mul_(period)
    mirror = last - first
    second = torch.minimum(first + 1, mirror - 1).clamp_(min=0)
    return torch.minimum(first, mirror).int(), second.int()
