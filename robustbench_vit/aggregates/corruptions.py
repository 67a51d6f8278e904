"""The benchmark of common corruptions: which there are, and where a case stands in a grid of them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from robustbench_vit.errors import SpecError
from robustbench_vit.records import PlannedCase
from robustbench_vit.spec import Spec, Value, parse

FAMILY = "corruption"
"""Family of the corruptions."""

SEVERITIES = (1, 2, 3, 4, 5)

GROUPS: Mapping[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    "extra": ("speckle_noise", "gaussian_blur", "spatter", "saturate"),
}
"""The corruptions by group, in the order of the paper; ``extra`` was meant for validation and is in no mCE.

Source: Hendrycks & Dietterich, ICLR 2019, section 4.1.
"""

BENCHMARK = tuple(name for group, names in GROUPS.items() if group != "extra" for name in names)
"""The 15 corruptions that mCE is the mean over."""

_KNOWN = frozenset(name for names in GROUPS.values() for name in names)
_NOT_OF_THE_GRID = {"corruption", "severity", "textures"}  # textures: a path that frost alone has


class Place(NamedTuple):
    """Where a case stands in a grid.

    Args:
        grid: Name of the grid, see `place`.
        corruption: One of the 19.
        severity: 1 to 5; 0 for a whole curve.
    """

    grid: str
    corruption: str
    severity: int


def place(case: PlannedCase) -> Place | None:
    """The place of a case in a grid, or None if it is no common corruption.

    Cases share a grid if all they say but corruption and severity agrees: ``corruptions(stored)`` are published files,
    ``corruptions(generated, variant=imagenet_c)`` were made in the run. The two never meet, nor do two variants.
    """
    found = place_of(case.perturbation) if case.family == FAMILY else None
    return found if found and found.severity in SEVERITIES else None


@lru_cache(maxsize=1024)
def place_of(text: str) -> Place | None:
    """Likewise, from the spec of a case or of its curve, whether defaults are filled in or left out.

    Example:
        >>> place_of("fog(severity=2)")
        Place(grid='corruptions(generated, variant=imagenet_c)', corruption='fog', severity=2)
        >>> place_of("stored(corruption=fog)").grid
        'corruptions(stored)'
    """
    try:
        spec = parse(text)
    except SpecError:  # whatever a plugin calls its cases
        return None
    stored = spec.name == "stored"
    corruption, severity = spec.args.get("corruption") if stored else spec.name, spec.args.get("severity", 0)
    if corruption not in _KNOWN or not isinstance(corruption, str) or not isinstance(severity, int):
        return None
    # A case that failed before it was prepared has its defaults left out, so they are left out everywhere.
    rest = {name: value for name, value in spec.args.items() if name not in _NOT_OF_THE_GRID}
    said: dict[str, Value] = {name: value for name, value in rest.items() if value is not None and value is not False}
    if not stored:
        said.setdefault("variant", "imagenet_c")
    return Place(str(Spec("corruptions", said, ("stored" if stored else "generated",))), corruption, severity)


def part(grid: str, **which: str | int) -> str:
    """Name of a part of a grid.

    Example:
        >>> part("corruptions(stored)", group="blur")
        'corruptions(stored, group=blur)'
    """
    spec = parse(grid)
    return str(Spec(spec.name, {**spec.args, **which}, spec.positional))


def benchmark_part(name: str) -> tuple[str, str] | None:
    """The grid and the group that a name made by `part` speaks of, or None; the group of all 15 is ``""``.

    Example:
        >>> benchmark_part("corruptions(stored, group=blur)")
        ('corruptions(stored)', 'blur')
    """
    if not name.startswith("corruptions("):
        return None
    spec = parse(name)
    args = dict(spec.args)
    group = str(args.pop("group", ""))
    return None if "cases" in args else (str(Spec(spec.name, args, spec.positional)), group)


def curve_of(case: PlannedCase) -> str:
    """A case's display spec without its severity: what the corruption is called in tables."""
    spec = parse(case.case)
    rest = {name: value for name, value in spec.args.items() if name != "severity"}
    return str(Spec(spec.name, rest, spec.positional, spec.source))
