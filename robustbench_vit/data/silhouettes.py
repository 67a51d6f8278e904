"""Ten silhouettes as signed distance maps: the shapes of `shapetex`."""

from functools import lru_cache
from math import cos, pi, sin

import torch
from torch import Tensor

NAMES = ("arrow", "crescent", "cross", "disk", "heart", "hook", "ring", "square", "star", "triangle")

RESOLUTION = 128
"""Side of the maps, which span [-1.5, 1.5]²; a silhouette fills about [-1, 1]²."""

EXTENT = 1.5

_Point = tuple[float, float]


@lru_cache
def distance_maps() -> Tensor:
    """10×1×R×R float32: signed distance to each outline, negative inside, in units of half the silhouette's size."""
    axis = (torch.arange(RESOLUTION, dtype=torch.float64) + 0.5) * (2 * EXTENT / RESOLUTION) - EXTENT
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    points = torch.stack([x, y], dim=-1).reshape(-1, 2)
    maps = [_signed_distance(points, [torch.tensor(loop, dtype=torch.float64) for loop in _outline(n)]) for n in NAMES]
    return torch.stack(maps).view(len(NAMES), 1, RESOLUTION, RESOLUTION).float()


def _outline(name: str) -> list[list[_Point]]:  # noqa: PLR0911 - one return a shape
    """Closed loops of points, y downwards; points inside an odd number of loops are inside."""
    match name:
        case "disk":
            return [_arc(0.9)]
        case "ring":
            return [_arc(0.95), _arc(0.5)]
        case "square":
            return [[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]]
        case "triangle":
            return [[(0, -1), (0.95, 0.75), (-0.95, 0.75)]]
        case "star":
            radii = (1.0, 0.4)
            return [[(radii[k % 2] * sin(k * pi / 5), -radii[k % 2] * cos(k * pi / 5)) for k in range(10)]]
        case "cross":
            corner = [(0.3, -0.95), (0.3, -0.3), (0.95, -0.3)]
            return [[_turned(point, quarter) for quarter in range(4) for point in corner]]
        case "arrow":
            return [[(0, -1), (0.8, -0.1), (0.3, -0.1), (0.3, 0.95), (-0.3, 0.95), (-0.3, -0.1), (-0.8, -0.1)]]
        case "hook":
            return [[(-0.75, -0.95), (-0.15, -0.95), (-0.15, 0.4), (0.8, 0.4), (0.8, 0.95), (-0.75, 0.95)]]
        case "crescent":
            outer = _arc(0.95, start=0.28 * pi, stop=1.72 * pi)
            inner = _arc(0.78, start=1.66 * pi, stop=0.34 * pi, centre=(0.4, 0.0))
            return [outer + inner]
        case _:  # heart
            ts = [2 * pi * k / 48 for k in range(48)]
            xs = [0.95 * sin(t) ** 3 for t in ts]
            ys = [-(13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)) / 16 - 0.12 for t in ts]
            return [list(zip(xs, ys, strict=True))]


def _arc(radius: float, start: float = 0.0, stop: float = 2 * pi, centre: _Point = (0.0, 0.0)) -> list[_Point]:
    angles = [start + (stop - start) * k / 47 for k in range(48)]
    return [(centre[0] + radius * cos(a), centre[1] + radius * sin(a)) for a in angles]


def _turned(point: _Point, quarter: int) -> _Point:
    x, y = point
    return [(x, y), (-y, x), (-x, -y), (y, -x)][quarter]


def _signed_distance(points: Tensor, loops: list[Tensor]) -> Tensor:
    """P distances to the nearest segment, negative where an odd number of edges lies to the right."""
    starts = torch.cat(loops)
    ends = torch.cat([loop.roll(-1, 0) for loop in loops])
    edge, offset = ends - starts, points[:, None] - starts
    along = ((offset * edge).sum(-1) / edge.square().sum(-1).clamp_min(1e-12)).clamp(0, 1)
    distance = (offset - along[..., None] * edge).norm(dim=-1).amin(1)
    x, y = points[:, :1], points[:, 1:]
    straddles = (starts[:, 1] > y) != (ends[:, 1] > y)
    rise = torch.where(edge[:, 1] == 0, torch.ones_like(edge[:, 1]), edge[:, 1])
    crossing = starts[:, 0] + (y - starts[:, 1]) * edge[:, 0] / rise
    inside = (straddles & (x < crossing)).sum(1) % 2 == 1
    return torch.where(inside, -distance, distance)
