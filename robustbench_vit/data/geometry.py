"""Geometry: how a decoded picture becomes an H×W crop, declared and applied once (contract C3)."""

from dataclasses import dataclass
from typing import TypeAlias

from PIL import Image
from torchvision.transforms import InterpolationMode, functional

from robustbench_vit.catalog import Parameter, Row
from robustbench_vit.errors import SpecError
from robustbench_vit.spec import Spec, parse

Size: TypeAlias = int | tuple[int, int]

ROW = Row(
    "geometry",
    "robustbench_vit.data.geometry:Geometry",
    "resize and centre crop of the decoded picture",
    (
        Parameter("resize", None, "shorter side in pixels, or [height, width]", "sizes", low=1, optional=True),
        Parameter("crop", None, "centre crop in pixels", "sizes", low=1, optional=True),
        Parameter(
            "interpolation", "bilinear", "resampling", "word", choices=("nearest", "bilinear", "bicubic", "lanczos")
        ),
        Parameter("antialias", True, "smooth before shrinking", "flag"),
    ),
)


@dataclass(frozen=True)
class Geometry:
    """Resize, then centre crop, on the decoded 8-bit picture.

    Args:
        resize: Length of the shorter side, or (height, width), or None.
        crop: Side of the centre crop, or (height, width), or None. Pictures smaller than the crop are padded black.
        interpolation: ``nearest``, ``bilinear``, ``bicubic`` or ``lanczos``.
        antialias: Whether the filter grows when shrinking. PIL always does; False samples without.

    Raises:
        SpecError: If ``lanczos`` is asked for without antialiasing.

    Example:
        >>> str(Geometry.parse("geometry(resize=256, crop=224)"))
        'geometry(crop=224, resize=256)'
    """

    resize: Size | None = None
    crop: Size | None = None
    interpolation: str = "bilinear"
    antialias: bool = True

    def __post_init__(self) -> None:
        if self.interpolation == "lanczos" and not self.antialias:
            raise SpecError("geometry: lanczos exists with antialias=true only; choose bilinear, bicubic or nearest")

    @classmethod
    def parse(cls, text: str) -> "Geometry":
        """Read ``none`` or ``geometry(resize=…, crop=…, interpolation=…, antialias=…)``.

        Raises:
            SpecError: If it is neither.
        """
        if text == "none":
            return cls()
        spec = parse(text)
        if spec.name != "geometry":
            raise SpecError(f"unknown geometry {text!r}; expected none, native or geometry(resize=256, crop=224)")
        return cls(**ROW.bind(spec).args)  # type: ignore[arg-type]

    def __str__(self) -> str:
        if self.is_identity:
            return "none"
        return ROW.display(Spec("geometry", dict(vars(self))))

    @property
    def is_identity(self) -> bool:
        """Whether pictures stay as they are."""
        return self.resize is None and self.crop is None

    @property
    def fixes_size(self) -> bool:
        """Whether all pictures come out in one size."""
        return self.crop is not None or isinstance(self.resize, tuple)

    def apply(self, picture: Image.Image) -> Image.Image:
        """Resize and crop an RGB or grey picture."""
        return self._applied(picture, InterpolationMode(self.interpolation))

    def apply_mask(self, mask: Image.Image) -> Image.Image:
        """Resize and crop a mask with nearest-neighbour sampling."""
        return self._applied(mask, InterpolationMode.NEAREST)

    def _applied(self, picture: Image.Image, mode: InterpolationMode) -> Image.Image:
        if self.resize is not None:
            picture = self._resized(picture, mode)
        if self.crop is not None:
            picture = functional.center_crop(picture, self.crop)
        return picture

    def _resized(self, picture: Image.Image, mode: InterpolationMode) -> Image.Image:
        size = self.resize if isinstance(self.resize, int) else list(self.resize or ())
        if self.antialias or mode is InterpolationMode.NEAREST:
            resized: Image.Image = functional.resize(picture, size, mode)
        else:
            pixels = functional.resize(functional.pil_to_tensor(picture), size, mode, antialias=False)
            resized = functional.to_pil_image(pixels)
        return resized


NONE = Geometry()
"""Pictures as they are: small-image sets, cue conflict, stored -C sets."""

IMAGENET = Geometry(resize=256, crop=224)
"""Resize 256 bilinear, centre crop 224, as ImageNet-C was made."""
