"""What a network expects of its input: the only home of mean and standard deviation (contract C1)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import floor
from typing import Any, TypeAlias

from robustbench_vit.errors import ModelError, SpecError
from robustbench_vit.spec import Spec, Value, format_value

Channels: TypeAlias = tuple[float, float, float]

OVERRIDES = ("mean", "std", "input_size", "interpolation", "crop_pct")
"""Arguments of a model spec that replace a field of `Preprocessing`."""


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects, stored with every result.

    Args:
        mean: Channel means subtracted from pixels in [0,1].
        std: Channel standard deviations divided by.
        input_size: (height, width) the network takes, or None for any.
        interpolation: Resampling of the network's own recipe; used by ``geometry=native`` alone.
        crop_pct: Share of the resized picture its own centre crop keeps; used by ``geometry=native`` alone.
        crop_mode: ``center`` (resize the shorter side, crop) or ``squash`` (resize both sides, crop).

    Raises:
        ModelError: If a standard deviation or the crop share is not positive.
    """

    mean: Channels
    std: Channels
    input_size: tuple[int, int] | None
    interpolation: str = "bilinear"
    crop_pct: float = 1.0
    crop_mode: str = "center"

    def __post_init__(self) -> None:
        if min(self.std) <= 0 or self.crop_pct <= 0:
            raise ModelError(f"std and crop_pct must be positive, got std={self.std} and crop_pct={self.crop_pct}")

    def __str__(self) -> str:
        return str(Spec("preprocessing", {**asdict(self)}))

    def replaced(self, overrides: Mapping[str, Value]) -> "Preprocessing":
        """A copy with the fields a user set.

        Args:
            overrides: Values for some of `OVERRIDES` as they stand in a spec; None keeps the field. ``mean`` and
                ``std`` are one number or a list of three, ``input_size`` is an integer or [height, width].

        Raises:
            SpecError: If a value does not fit.
            ModelError: If a standard deviation is not positive.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        fields: dict[str, Any] = {name: _READERS[name](name, value) for name, value in given.items()}
        return replace(self, **fields)

    def native(self) -> str:
        """The resize and centre crop of the network's own recipe, as a geometry spec (contract C3).

        The shorter side becomes ⌊size / crop_pct⌋ (``squash``: both sides), then comes the centre crop.

        Raises:
            ModelError: If the recipe cannot be said as a resize and a centre crop.

        Example:
            >>> Preprocessing(HALF, HALF, (224, 224), "bicubic", 0.9).native()
            'geometry(crop=224, interpolation=bicubic, resize=248)'
        """
        if self.input_size is None:
            raise ModelError("geometry=native needs the size of the model's input; give the model input_size=…")
        height, width = self.input_size
        if self.crop_mode not in {"center", "squash"} or (self.crop_mode == "center" and height != width):
            raise ModelError(
                f"geometry=native cannot say crop_mode={self.crop_mode} at {height}×{width} as a resize and a centre "
                "crop; give geometry(resize=…, crop=…) instead"
            )
        resized = floor(height / self.crop_pct), floor(width / self.crop_pct)
        resize = resized if self.crop_mode == "squash" else resized[0]
        crop = self.input_size if height != width else height
        return str(Spec("geometry", {"resize": resize, "crop": crop, "interpolation": self.interpolation}))


IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
"""Channel statistics of ImageNet training images, as torchvision and timm round them."""

HALF: Channels = (0.5, 0.5, 0.5)
"""Mean and deviation of networks that take inputs in [-1, 1]."""


def _channels(name: str, value: Value) -> Channels:
    numbers = value if isinstance(value, tuple) else (value,) * 3
    try:
        red, green, blue = (float(number) for number in numbers)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise SpecError(f"{name} must be a number or a list of three, got {format_value(value)}") from None
    return red, green, blue


def _size(_: str, value: Value) -> tuple[int, int]:
    height, width = value if isinstance(value, tuple) else (value, value)
    return int(height), int(width)  # type: ignore[arg-type]


def _word(_: str, value: Value) -> str:
    return str(value)


def _number(_: str, value: Value) -> float:
    return float(value)  # type: ignore[arg-type]


_READERS = {"mean": _channels, "std": _channels, "input_size": _size, "interpolation": _word, "crop_pct": _number}
