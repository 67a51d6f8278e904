"""Where models come from (contracts C4 and C10): one row a source, and one a network of the zoo."""

from robustbench_vit.catalog import Catalog, Parameter, Row

CHECKPOINT = Parameter("checkpoint", None, "safetensors or torch file with the weights", "path", optional=True)
CLASSES = Parameter("num_classes", None, "number of classes K", "integer", low=1, optional=True)
OPTIONS = (
    Parameter("mean", None, "subtracted from pixels in [0,1]: a number or a list of three", "any", optional=True),
    Parameter("std", None, "divided by: a number or a list of three", "any", optional=True),
    Parameter("input_size", None, "input of the network in pixels", "sizes", low=1, optional=True),
    Parameter(
        "interpolation",
        None,
        "resampling of geometry=native",
        "word",
        choices=("nearest", "bilinear", "bicubic", "lanczos"),
        optional=True,
    ),
    Parameter("crop_pct", None, "share kept by the centre crop of geometry=native", low=0.01, high=2, optional=True),
)
"""Preprocessing; ``none`` is the model's own."""

PRETRAINED = Parameter("pretrained", True, "published weights, else fixed random ones", "flag")
IMAGE_SIZE = Parameter(
    "image_size", None, "side of the images the untrained network takes", "integer", low=1, optional=True
)
PATCH_SIZE = Parameter("patch_size", None, "side of a patch of the untrained network", "integer", low=1, optional=True)


def _zoo(name: str, summary: str, *own: Parameter) -> Row:
    parameters = (PRETRAINED, CHECKPOINT, CLASSES, *own, *OPTIONS)
    return Row(f"zoo:{name}", "robustbench_vit.models.zoo:load", f"{summary}, trained on shapetex", parameters)


FILE = Row(
    "file",
    "robustbench_vit.models.file:load",
    "path/to/file.py:function(…): an ImageModel or a network that a function of yours returns",
    (CLASSES, *OPTIONS),
)

MODELS: Catalog[Row] = Catalog(
    "models",
    (
        FILE,
        Row(
            "timm",
            "robustbench_vit.models.timm:load",
            "timm:NAME, timm:hf_hub:org/name: any classifier of timm",
            (PRETRAINED, CHECKPOINT, CLASSES, *OPTIONS),
        ),
        Row(
            "torchvision",
            "robustbench_vit.models.torchvision:load",
            "torchvision:NAME: any classifier of torchvision",
            (
                Parameter("weights", "DEFAULT", "name of published weights, none is random", "word", optional=True),
                CHECKPOINT,
                CLASSES,
                *OPTIONS,
            ),
        ),
        _zoo("resnet_xs", "pre-activation ResNet"),
        _zoo("vit_xs", "Vision Transformer", IMAGE_SIZE, PATCH_SIZE),
        _zoo("vit_xs_nopos", "Vision Transformer without position embedding", IMAGE_SIZE, PATCH_SIZE),
    ),
)
