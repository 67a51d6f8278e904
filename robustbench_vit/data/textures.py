"""Ten textures as periodic functions of the plane: the surfaces of `shapetex`."""

from math import pi

import torch
from torch import Tensor

NAMES = ("bricks", "checks", "dots", "grain", "mesh", "rings", "scales", "stripes", "waves", "zigzag")


def paint(kind: str, u: Tensor, v: Tensor, grain: Tensor) -> Tensor:  # noqa: PLR0911 - one return a kind
    """How much of the second colour each point has.

    Args:
        kind: One of `NAMES`.
        u: N×H×W float, first texture coordinate; one period is 1.
        v: N×H×W float, second texture coordinate.
        grain: N×H×W float, standard normal noise, one value a pixel.

    Returns:
        N×H×W float in [0,1].
    """
    match kind:
        case "bricks":
            row = v.floor()
            joint = torch.minimum(_to_edge(u / 2 + 0.5 * (row % 2)) * 2, _to_edge(v))
            return _step(0.14 - joint)
        case "checks":
            return _step(torch.sin(2 * pi * u) * torch.sin(2 * pi * v), 3.0)
        case "dots":
            return _step(0.3 - torch.hypot(_centred(u), _centred(v)))
        case "grain":
            return _step(grain, 1.5)
        case "mesh":
            return _step(0.12 - torch.minimum(_to_edge(u), _to_edge(v)))
        case "rings":
            return _step(torch.sin(2 * pi * torch.hypot(u, v)), 2.0)
        case "scales":
            shifted = u + 0.5 * (v.floor() % 2)
            return _step((torch.hypot(_centred(shifted), v - v.floor()) - 0.62).abs() * -1 + 0.13)
        case "stripes":
            return _step(torch.sin(2 * pi * u), 2.0)
        case "waves":
            return _step(torch.sin(2 * pi * (u + 0.3 * torch.sin(2 * pi * v / 2))), 2.0)
        case _:  # zigzag
            return _step(torch.sin(2 * pi * (u + 2 * _centred(v / 2).abs())), 2.0)


def _centred(x: Tensor) -> Tensor:
    return x - x.floor() - 0.5


def _to_edge(x: Tensor) -> Tensor:
    return 0.5 - _centred(x).abs()


def _step(x: Tensor, slope: float = 12.0) -> Tensor:
    return (0.5 + slope * x / 2).clamp(0, 1)
