"""The rows of the 19 common corruptions, in the order of the paper; torch-free."""

from dataclasses import replace

from robustbench_vit.catalog import REQUIRED, Parameter
from robustbench_vit.perturbations.row import Axis, PerturbationRow

PARAMETERS = (
    Parameter("severity", REQUIRED, "1 to 5", "integer", 1, 5),
    Parameter(
        "variant",
        "imagenet_c",
        "whose constants and program: ImageNet-C's, CIFAR-10-C's, or the package imagecorruptions'",
        "word",
        choices=("imagenet_c", "cifar_c", "imagecorruptions"),
    ),
    Parameter("exact", False, "compute in float64, in the original's order", "flag"),
    Parameter("jpeg85", False, "then encode as JPEG of quality 85, as the stored ImageNet-C is", "flag"),
    Parameter(
        "backend",
        None,
        "imagecorruptions: run that package, image by image (extra: imagecorruptions)",
        "word",
        choices=("imagecorruptions",),
        optional=True,
    ),
)
_TEXTURES = Parameter(
    "textures", None, "folder of frost1.png … frost5.jpg; none is the package imagecorruptions'", "path", optional=True
)


def _row(module: str, name: str, summary: str) -> PerturbationRow:
    return PerturbationRow(
        name,
        f"robustbench_vit.perturbations.corruptions.{module}:{name}",
        summary,
        PARAMETERS,
        positional="severity",
        reference="Hendrycks & Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and "
        "Perturbations, ICLR 2019",
        family="corruption",
        output="8bit",
        takes="8bit",
        axis=Axis("severity", "severity", clean_at=0),
        grid=tuple(f"{name}(severity={severity})" for severity in range(1, 6)),
    )


CORRUPTIONS = (
    _row("noise", "gaussian_noise", "normal noise on every value"),
    _row("noise", "shot_noise", "photon noise: Poisson counts"),
    _row("noise", "impulse_noise", "salt and pepper, channels apart"),
    _row("defocus", "defocus_blur", "disk kernel, as a lens out of focus"),
    _row("glass", "glass_blur", "pixels displaced at random between two blurs, as behind frosted glass"),
    _row("motion", "motion_blur", "one-sided blur along a random direction"),
    _row("zoom", "zoom_blur", "mean of the image at growing magnification"),
    _row("snow", "snow", "streaks of falling snow on a whitened image"),
    replace(_row("frost", "frost", "photographs of ice laid over the image"), parameters=(*PARAMETERS, _TEXTURES)),
    _row("fog", "fog", "plasma fractal laid over the image"),
    _row("colour", "brightness", "HSV value raised"),
    _row("colour", "contrast", "values drawn towards the channel's mean"),
    _row("elastic", "elastic_transform", "affine map and local displacements"),
    _row("pixelate", "pixelate", "shrunk and enlarged in boxes"),
    _row("jpeg", "jpeg_compression", "JPEG of low quality"),
    _row("noise", "speckle_noise", "normal noise in proportion to the value"),
    _row("gaussian", "gaussian_blur", "Gaussian kernel"),
    _row("spatter", "spatter", "drops of water, or splashes of mud"),
    _row("colour", "saturate", "HSV saturation scaled and shifted"),
)
"""The 15 of the benchmark, then the 4 extra ones that do not enter mCE."""

BENCHMARK = tuple(row.name for row in CORRUPTIONS[:15])
"""The corruptions that enter mCE."""

EXTRA = tuple(row.name for row in CORRUPTIONS[15:])
"""Those that Hendrycks & Dietterich keep for tuning."""
