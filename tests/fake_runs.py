"""Runs that never ran: plans and per-sample rows for everything that scores or renders."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from robustbench_vit.aggregates.corruptions import BENCHMARK, SEVERITIES
from robustbench_vit.records import PlannedCase, Sweep, Threat
from robustbench_vit.spec import Spec
from robustbench_vit.store import Store


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


def attack(case: str = "pgd(eps=0.1)", model: str = "zoo:a", threat: object = None, **fields: object) -> PlannedCase:
    """A case of an attack.

    Args:
        case: Its spec.
        model: Who is attacked.
        threat: Fields of the threat that are not those of PGD with 20 steps of L∞ and eps 0.1.
        **fields: Of the case.
    """
    known = {"attack": case.partition("(")[0], "norm": "linf", "eps": 0.1, "knowledge": "white-box", "steps": 20}
    said = Threat(**{**known, **(threat or {})})
    family = "transfer" if said.source else "adversarial"
    return planned(case, model, **{"family": family, "threat": said, **fields})


def broken(words: str | Sequence[str], **columns: object) -> pd.DataFrame:
    """Rows of two classes under an attack.

    Args:
        words: What broke each image, or all of it with spaces between; the prediction is right where nothing did.
        **columns: More columns, a value an image.
    """
    found = words.split() if isinstance(words, str) else list(words)
    passes = {"forward_passes": [21] * len(found), "backward_passes": [20] * len(found)}
    return answers(*[word == "none" for word in found]).assign(broken_by=found, **{**passes, **columns})


CUES = ("cat", "dog", "owl")
"""Classes of fake cue conflicts."""


def cue_conflict(decisions: str, **fields: object) -> tuple[PlannedCase, pd.DataFrame]:
    """A clean case of three classes whose cues may conflict, and its rows.

    Args:
        decisions: Words of three letters, initials of shape, texture and decision: ``cdc`` is a cat with the texture of
            a dog that was taken for a cat.
        **fields: Of the case.
    """
    initials = [name[0] for name in CUES]
    shapes, textures, decided = ([initials.index(word[cue]) for word in decisions.split()] for cue in range(3))
    rows = predictions(np.eye(3)[decided], shapes).assign(texture=np.int32(textures))
    counts = [
        f"{CUES[shape]}{place}-{CUES[texture]}1"
        for place, (shape, texture) in enumerate(zip(shapes, textures, strict=True), 1)
    ]
    known = {"data": "cue_conflict(x)", "label_space": "cues", "num_classes": 3, "classes": CUES, "n": len(rows)}
    known |= fields
    return planned(**known), rows.assign(id=counts)


def wrong(count: int, *, of: int) -> pd.DataFrame:
    """Rows of six classes or more in which the first so many predictions are wrong; quick to make for many images."""
    position = np.arange(of)
    none = np.zeros(of, dtype=np.float32)
    return pd.DataFrame(
        {
            "id": pd.array([f"val/{index:05d}" for index in position], dtype="str"),
            "position": position,
            "label": np.zeros(of, dtype=np.int32),
            "pred": (position < count).astype(np.int32),
            **dict.fromkeys(("confidence", "nll", "p_label", "p_squared", "logsumexp"), none),
            "top5_ids": [np.arange(5, dtype=np.int32)] * of,
        }
    )


def one(measurements: pd.DataFrame, metric: str, case: str) -> pd.Series:
    """The only measurement of a metric and a case."""
    found = measurements[(measurements["metric"] == metric) & (measurements["case"] == case)]
    assert len(found) == 1
    return found.iloc[0]


def curve_plan(model: str = "zoo:a", curve: str = "patchdrop", **fields: object) -> list[PlannedCase]:
    """A clean case and a curve at 0.5 and 1 whose axis has the clean case at 0."""
    points = [
        planned(f"{curve}(ratio={at})", model, sweep=Sweep(curve, "information loss", at, 0.0), **fields)
        for at in (0.5, 1.0)
    ]
    return [planned("clean", model, **fields), *points]


def corruption_plan(
    model: str = "zoo:a",
    *,
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    variant: str | None = "imagenet_c",
    jpeg85: bool = False,
    **fields: object,
) -> list[PlannedCase]:
    """A clean case and a grid of common corruptions on ImageNet at 224×224; variant None is a stored set."""
    where = {"family": "corruption", "data": "imagenet(val)", "label_space": "imagenet-1k", "num_classes": 1000}
    where |= {"geometry": "geometry(crop=224, resize=256)", **fields}
    filled = {"variant": variant, "jpeg85": jpeg85, "exact": False, "backend": None}
    said = {} if variant == "imagenet_c" else {"variant": variant}
    said |= {"jpeg85": True} if jpeg85 else {}
    cases = [planned("clean", model, **{**where, "family": "clean"})]
    for name, severity in product(corruptions, severities):
        stored = Spec("stored", {"corruption": name})
        shown, canonical = (stored, stored) if variant is None else (Spec(name, said), Spec(name, filled))
        spec = str(Spec(shown.name, {**shown.args, "severity": severity}))
        cases.append(
            planned(
                spec,
                model,
                perturbation=str(Spec(canonical.name, {**canonical.args, "severity": severity})),
                sweep=Sweep(str(shown), "severity", severity, 0.0),
                **where,
            )
        )
    return cases


def stored(folder: str | Path, rows: Mapping[PlannedCase, pd.DataFrame]) -> Store:
    """A results folder with these cases in its plan, and the rows of those that were run."""
    store = Store(Path(folder))
    for case, frame in rows.items():
        if case.was_run:
            store.commit(case.model_key, 0, {case.case_key: pa.Table.from_pandas(frame, preserve_index=False)})
            store.compact(case.model_key, [case.case_key])
    store.record(list(rows))
    return store
