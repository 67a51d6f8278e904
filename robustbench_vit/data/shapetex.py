"""`shapetex`: the embedded default data set, shapes × textures rendered from keys.

Ten silhouettes and ten textures on natural-looking clutter, at random pose, scale, colour and light. Class k is
silhouette k. In the congruent splits texture k comes with silhouette k, so both cues predict the class, as in
photographs; in the conflict split another texture does. Every image is a function of (seed, split, index) alone.
"""

from collections.abc import Mapping, Sequence
from math import pi

import torch
from torch import Tensor
from torch.nn import functional

from robustbench_vit.catalog import digest
from robustbench_vit.data import silhouettes, textures
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.data.pictures import with_geometry
from robustbench_vit.randomness import Keys

SIZE = 64
VERSION = 1
CLASSES = len(silhouettes.NAMES)

_LEAVES = 6
_CHUNK = 64


class Shapetex(Dataset):
    """Images 64×64 RGB with ground-truth masks; `textures` holds the texture index beside the label.

    In the conflict split, the extras of a batch hold it, too, as ``texture`` (N int64).

    Args:
        split: ``congruent`` (test), ``conflict`` (test) or ``train`` (congruent, other keys).
        n: Number of images; a larger set holds the same images and more.
        seed: Seed of the rendering, not of the run.
    """

    def __init__(self, split: str = "congruent", n: int = 1000, seed: int = 0) -> None:
        ids = [f"{split}/{index:05d}" for index in range(n)]
        shapes, surfaces = _cues(split, n)
        stored = [surfaces.numpy().tobytes()] if split == "conflict" else []
        super().__init__(
            name="shapetex",
            digest=digest([b"shapetex", str((VERSION, split, n, seed)).encode(), *stored]),
            ids=ids,
            labels=shapes.numpy(),
            classes=silhouettes.NAMES,
            label_space="shapetex-10",
        )
        self.seed = seed
        self._split, self._ids, self._shapes, self._surfaces = split, ids, shapes, surfaces
        self.textures = surfaces[torch.from_numpy(self.order)]

    def decode(self, indices: Sequence[int], geometry: Geometry) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Render the samples; see `Dataset.decode`."""
        images, masks = [], []
        for start in range(0, len(indices), _CHUNK):
            chunk = list(indices[start : start + _CHUNK])
            keys = Keys(self.seed, "shapetex", tuple(self._ids[index] for index in chunk))
            image, mask = render(keys, self._shapes[chunk], self._surfaces[chunk])
            images.append(image)
            masks.append(mask)
        extra = {"mask": torch.cat(masks)}
        if self._split == "conflict":
            extra["texture"] = self._surfaces[list(indices)]
        return with_geometry(torch.cat(images), extra, geometry)


def render(keys: Keys, shapes: Tensor, surfaces: Tensor) -> tuple[Tensor, Tensor]:
    """Render one image a key.

    Args:
        keys: N keys.
        shapes: N int64, silhouette indices.
        surfaces: N int64, texture indices.

    Returns:
        N×3×64×64 uint8 images and N×64×64 float masks in [0,1].
    """
    mask = _silhouette(keys, shapes)
    ground, surface = _clutter(keys), _surface(keys, surfaces)
    image = torch.lerp(ground, surface * _light(keys), mask[:, None])
    image = image + 0.04 * keys.normal("sensor", 3, SIZE, SIZE)
    return (image.clamp(0, 1) * 255).round().to(torch.uint8), mask


def _cues(split: str, n: int) -> tuple[Tensor, Tensor]:
    """Shape and texture index of each sample; conflict runs through all 90 unequal pairs in turn."""
    index = torch.arange(n)
    shapes = index % CLASSES
    shift = 1 + (index // CLASSES) % (CLASSES - 1) if split == "conflict" else torch.zeros_like(index)
    return shapes, (shapes + shift) % CLASSES


def _grid() -> tuple[Tensor, Tensor]:
    """Pixel centres in [-1, 1], as y and x of 1×64×64."""
    axis = (torch.arange(SIZE) + 0.5) * (2 / SIZE) - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return y[None], x[None]


def _draw(keys: Keys, name: str, low: float, high: float) -> Tensor:
    """N×1×1 uniform in [low, high)."""
    return keys.uniform(name, low=low, high=high)[:, None, None]


def _turned(keys: Keys, name: str, y: Tensor, x: Tensor, spread: float) -> tuple[Tensor, Tensor]:
    """The plane turned by a random angle within ±spread, as (v, u)."""
    angle = _draw(keys, name, -spread, spread)
    return y * angle.cos() - x * angle.sin(), y * angle.sin() + x * angle.cos()


def _silhouette(keys: Keys, shapes: Tensor) -> Tensor:
    """N×64×64 coverage: the distance map of the shape, moved, turned and scaled, with a one-pixel soft edge."""
    y, x = _grid()
    size = _draw(keys, "size", 0.5, 0.85)
    y, x = y - _draw(keys, "top", -0.2, 0.2), x - _draw(keys, "left", -0.2, 0.2)
    v, u = _turned(keys, "turn", y, x, 0.5)
    squeeze = _draw(keys, "squeeze", 0.85, 1.18)
    where = torch.stack([u * squeeze / size, v / squeeze / size], dim=-1) / silhouettes.EXTENT
    maps = silhouettes.distance_maps()[shapes]
    distance = functional.grid_sample(maps, where, padding_mode="border", align_corners=False)[:, 0]
    return (0.5 - distance * size * (SIZE / 2)).clamp(0, 1)


def _surface(keys: Keys, surfaces: Tensor) -> Tensor:
    """N×3×64×64: two colours mixed by the texture, turned, scaled and shifted at random."""
    y, x = _grid()
    period = _draw(keys, "period", 0.2, 0.36)
    v, u = _turned(keys, "weave", y, x, pi)
    v, u = v / period + _draw(keys, "phase v", 0, 4), u / period + _draw(keys, "phase u", 0, 4)
    grain = _smooth(keys.normal("grain", 1, SIZE // 2, SIZE // 2))[:, 0]
    mix = torch.empty_like(u)
    for kind in sorted(set(surfaces.tolist())):
        chosen = surfaces == kind
        mix[chosen] = textures.paint(textures.NAMES[kind], u[chosen], v[chosen], grain[chosen])
    dark = keys.uniform("dark", 3, low=0.0, high=0.6)
    light = dark + keys.uniform("contrast", 3, low=0.2, high=0.6)
    swap = keys.uniform("swap", 1) < 0.5
    first, second = torch.where(swap, light, dark), torch.where(swap, dark, light)
    return torch.lerp(first[..., None, None], second[..., None, None], mix[:, None])


def _light(keys: Keys) -> Tensor:
    """N×1×64×64: a linear shade across the object, brightest towards a random side."""
    y, x = _grid()
    v, _ = _turned(keys, "light", y, x, pi)
    return (1 + _draw(keys, "shade", 0.0, 0.4) * v)[:, None]


def _clutter(keys: Keys) -> Tensor:
    """N×3×64×64: overlapping ellipses of random colour (dead leaves), some striped, under noise falling with scale."""
    y, x = _grid()
    image = keys.uniform("ground", 3)[..., None, None].expand(-1, -1, SIZE, SIZE)
    colours = keys.uniform("leaves", _LEAVES, 3)
    places = keys.uniform("places", _LEAVES, 6)
    for leaf in range(_LEAVES):
        top, left, high, wide, turn, stripes = (places[:, leaf, k, None, None] for k in range(6))
        dy, dx = y - (2 * top - 1), x - (2 * left - 1)
        angle = pi * turn
        v, u = dy * angle.cos() - dx * angle.sin(), dy * angle.sin() + dx * angle.cos()
        inside = torch.hypot(v / (0.15 + 0.7 * high), u / (0.1 + 0.4 * wide)) < 1
        streaks = 0.15 * (stripes < 0.5) * torch.sin(2 * pi * u * (3 + 10 * stripes))
        image = torch.where(inside[:, None], colours[:, leaf, :, None, None] + streaks[:, None], image)
    noise = sum(
        0.02 * (SIZE / side) ** 0.5 * _smooth(keys.normal(f"noise {side}", 3, side, side)) for side in (4, 8, 16, 32)
    )
    clutter: Tensor = image * 0.9 + 0.05 + noise
    return clutter


def _smooth(field: Tensor) -> Tensor:
    """A field enlarged to 64×64."""
    enlarged: Tensor = functional.interpolate(field, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return enlarged
