"""Perturbations: pure functions of images, keys and a context. `PERTURBATIONS` and `SALIENCY` list what exists."""

from robustbench_vit.perturbations.catalog import PERTURBATIONS
from robustbench_vit.perturbations.saliency_catalog import SALIENCY

__all__ = ["PERTURBATIONS", "SALIENCY"]
