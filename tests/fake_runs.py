"""Runs that never ran: plans and per-sample rows for everything that scores or renders."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from robustbench_vit.records import PlannedCase, Sweep


def planned(case: str = "clean", model: str = "zoo:a", **fields: object) -> PlannedCase:
    """A done case of suite ``demo@1``; any field can be given."""
    family = "clean" if case == "clean" else "occlusion"
    defaults = {
        "suite": "demo@1",
        "model": model,
        "model_key": f"key-{model}",
        "case": case,
        "case_key": f"{case}-0",
        "family": family,
        "perturbation": case,
        "data": "shapetex",
        "geometry": "none",
        "label_space": "shapetex",
        "num_classes": 10,
        "n": 1000,
        "seed": 0,
        "dtype": "fp32",
        "status": "done",
    }
    return PlannedCase(**{**defaults, **fields})


def predictions(probabilities: np.ndarray, labels: Sequence[int]) -> pd.DataFrame:
    """Per-sample rows of a small label space from N×K probabilities."""
    p = np.asarray(probabilities, dtype=np.float32)
    labels = np.asarray(labels, dtype=np.int32)
    n = len(labels)
    own = p[np.arange(n), labels]
    return pd.DataFrame(
        {
            "id": [f"val/{index:05d}" for index in range(n)],
            "position": np.arange(n),
            "label": labels,
            "pred": p.argmax(axis=1).astype(np.int32),
            "confidence": p.max(axis=1),
            "nll": -np.log(np.maximum(own, 1e-30)),
            "p_label": own,
            "p_squared": (p**2).sum(axis=1),
            "logsumexp": np.zeros(n, dtype=np.float32),
            "probabilities": list(p),
        }
    )


def random_predictions(n: int = 200, classes: int = 10, skill: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Rows of a model whose logits are noise plus ``skill`` for the true class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=n)
    logits = generator.normal(size=(n, classes))
    logits[np.arange(n), labels] += skill
    odds = np.exp(logits)
    return predictions(odds / odds.sum(axis=1, keepdims=True), labels)


def answers(*correct: bool) -> pd.DataFrame:
    """Rows of two classes in which exactly these predictions are right, with probability 1."""
    return predictions(np.eye(2)[[0 if right else 1 for right in correct]], [0] * len(correct))


def curve_plan(model: str = "zoo:a", curve: str = "patchdrop", **fields: object) -> list[PlannedCase]:
    """A clean case and a curve at 0.5 and 1 whose axis has the clean case at 0."""
    points = [
        planned(f"{curve}(ratio={at})", model, sweep=Sweep(curve, "information loss", at, 0.0), **fields)
        for at in (0.5, 1.0)
    ]
    return [planned("clean", model, **fields), *points]
