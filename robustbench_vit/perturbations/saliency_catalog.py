"""Which saliency providers exist (contract C10)."""

from dataclasses import dataclass

from robustbench_vit.catalog import Catalog, Parameter, Row
from robustbench_vit.perturbations.needs import Need


@dataclass(frozen=True)
class SaliencyRow(Row):
    """A saliency provider: ``(images, context, **parameters) -> N×H×W`` non-negative floats.

    Args:
        needs: What the context must hold.
    """

    needs: tuple[Need, ...] = ()


SALIENCY: Catalog[SaliencyRow] = Catalog(
    "saliency",
    (
        SaliencyRow(
            "dino",
            "robustbench_vit.models.dino:saliency",
            "class-token attention of DINO ViT-S/16, last block, one head",
            (
                Parameter("head", 1, "attention head, counted from 0", "integer", low=0, high=5),
                Parameter("checkpoint", None, "weights file; none downloads timm's", "path", optional=True),
            ),
            reference="Caron et al., Emerging Properties in Self-Supervised Vision Transformers, ICCV 2021",
        ),
        SaliencyRow(
            "gradient",
            "robustbench_vit.perturbations.saliency:gradient",
            "gradient of the evaluated model's largest logit",
            reference="Simonyan et al., Deep Inside Convolutional Networks, 2014, section 3",
            needs=(Need("model"),),
        ),
        SaliencyRow(
            "mask",
            "robustbench_vit.perturbations.saliency:mask",
            "the data set's ground-truth object mask",
            needs=(Need("mask"),),
        ),
        SaliencyRow(
            "spectral",
            "robustbench_vit.perturbations.saliency:spectral",
            "spectral residual, no weights",
            reference="Hou & Zhang, Saliency Detection: A Spectral Residual Approach, CVPR 2007",
        ),
    ),
)
