"""What a run leaves behind beside its rows: the model's facts, versions, device, times."""

import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from robustbench_vit import __version__
from robustbench_vit.evaluation.block import Predictor
from robustbench_vit.evaluation.options import Options
from robustbench_vit.evaluation.work import Work
from robustbench_vit.models.image_model import ImageModel


def model_facts(work: Work, model: ImageModel) -> dict[str, Any]:
    """Facts about a model that stand beside its rows."""
    return {
        "model": model.name,
        "digest": work.digest,
        "preprocessing": str(model.preprocessing),
        "parameters": model.num_parameters,
        "classes": model.num_classes,
    }


def circumstances(work: Work, predictor: Predictor, options: Options, began: float) -> dict[str, Any]:
    """What happened when: nothing of this enters a case file (contract C7)."""
    clean = [case.record.case_key for case in work.cases if case.record.family == "clean"]
    images = sum(predictor.images.get(key, 0) for key in clean)
    seconds = sum(predictor.seconds.get(key, 0.0) for key in clean)
    on_gpu = predictor.device.type == "cuda"
    return {
        "model": work.name,
        "model_key": work.key,
        "suites": sorted({case.record.suite for case in work.cases}),
        "command": sys.argv,
        "options": vars(options),
        "batch_size": predictor.batch_size,
        "device": torch.cuda.get_device_name(predictor.device) if on_gpu else f"cpu, {torch.get_num_threads()} threads",
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began, 3),
        "images": sum(predictor.images.values()),
        "throughput": round(images / seconds, 2) if seconds else None,
        "versions": {"robustbench_vit": __version__} | {name: _version(name) for name in _RECORDED},
        "python": sys.version.split()[0],
    }


_RECORDED = ("torch", "torchvision", "timm", "numpy", "torchattacks")
"""Packages whose versions a run records."""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
