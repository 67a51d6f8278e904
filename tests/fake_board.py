"""A leaderboard that nobody measured, of any size: hundreds of models, in no time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.between_models import RANKS
from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.corruptions import BENCHMARK, GROUPS, SEVERITIES, part
from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.facts import Facts
from robustbench_vit.leaderboard.sections import summary_columns
from robustbench_vit.metrics.catalog import METRICS
from robustbench_vit.records import Measurement

DATA = "imagenet(val)"
GRID = "corruptions(generated, variant=imagenet_c)"
RATES = ("top1", "top5", "ece15", "brier", "nll", "mean_confidence", "accuracy_drop", "relative_robustness")


HOSTILE = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "نموذج👁‍🗨\u202e", "x" * 200)
"""Names that somebody may give a model: markup, a formula, right to left with an emoji, no blank to break at."""


def board(models: int = 3, curves: int = 12, images: int = 5000, names: Sequence[str] = ()) -> Board:
    """A board of the grid of corruptions, PatchDrop, frequency noise and shuffling.

    Args:
        models: How many.
        curves: Curves of ten points beside the 75 corruptions and four clean cases; 12 make 200 cases.
        images: Images behind every number.
        names: Names of the first models.
    """
    model_names = [*names, *(f"timm:vit_{place:03d}_patch16_224.in1k" for place in range(len(names), models))]
    cases = _cases(curves)
    skill = np.random.default_rng(0).uniform(0.55, 0.88, size=models)
    frame = pd.concat([_measured(cases, model_names, skill, images), _aggregated(cases, model_names, skill, images)])
    text = frame.select_dtypes(["object", "str"]).columns
    measurements = frame.astype(dict.fromkeys(text, "category")).reset_index(drop=True)
    return Board(measurements, _facts(model_names), _ranks(measurements), _reliability(model_names))


def with_reported(board: Board, model: str = "elsewhere") -> Board:
    """The board with a model whose clean accuracy is somebody else's."""
    own = {"status": "reported", "suite": "reported", "model": model, "low": np.nan, "high": np.nan, "n": 0}
    own |= {"metric": "top1", "case": "clean", "family": "clean", "geometry": "as reported", "value": 0.8}
    row = board.measurements.iloc[[0]].astype(object).assign(**own, definition="accuracy; reported by timm, not run")
    return replace(
        board, measurements=pd.concat([board.measurements.astype(object), row], ignore_index=True).infer_objects()
    )


def _cases(curves: int) -> pd.DataFrame:
    """A row a case: spec, place on its curve, and how much of the accuracy it costs."""
    rows = [_case("corruptions@1", "clean", cost=0.0)]
    rows += [
        _case("corruptions@1", "corruption", name, f"{name}(severity={level})", "severity", level, 0.0, 0.12 * level)
        for name in BENCHMARK
        for level in SEVERITIES
    ]
    for place in range(curves):
        suite, family, curve, axis, clean_at = _CURVES[place % 3]
        name = f"{curve}, variant={place // 3})"
        if place < 3:
            rows.append(_case(suite, "clean", cost=0.0))
        rows += [
            _case(suite, family, name, f"{name[:-1]}, at={at / 10})", axis, at / 10, clean_at, 0.06 * at)
            for at in range(1, 11)
        ]
    return pd.DataFrame(rows)


_CURVES = (
    ("occlusion@1", "occlusion", "patchdrop(region=random", "share dropped", 0.0),
    ("frequency@1", "frequency", "fourier_noise(rms=0.1", "band centre (share of Nyquist)", np.nan),
    ("shuffle@1", "shuffle", "shuffle(order=keyed", "log₂ number of cells", 0.0),
)


def _case(
    suite: str,
    family: str,
    curve: str = "",
    case: str = "clean",
    axis: str = "",
    at: float = np.nan,
    clean_at: float = np.nan,
    cost: float = 0.0,
) -> dict[str, object]:
    return {
        "suite": suite, "family": family, "curve": curve, "case": case, "axis": axis, "at": at, "clean_at": clean_at,
        "cost": cost, "perturbation": case,
    }  # fmt: skip


def _measured(cases: pd.DataFrame, models: Sequence[str], skill: np.ndarray, images: int) -> pd.DataFrame:
    """Every metric of every case of every model, model by model."""
    count, metrics = len(cases), len(RATES)
    place = np.tile(np.repeat(np.arange(count), metrics), len(models))
    frame = cases.iloc[place].drop(columns="cost").reset_index(drop=True)
    who = np.repeat(np.arange(len(models)), count * metrics)
    value = np.clip(skill[who] * (1 - cases["cost"].to_numpy()[place]), 0.001, 0.999)
    metric = np.tile(np.arange(metrics), count * len(models))
    return _filled(
        frame, pd.Categorical.from_codes(who, models), pd.Categorical.from_codes(metric, RATES), value, images
    )


def _aggregated(cases: pd.DataFrame, models: Sequence[str], skill: np.ndarray, images: int) -> pd.DataFrame:
    """Areas, means over families and grids, and mCE."""
    groups = ["", *GROUPS][:-1]
    grid = [("mean_corruption_accuracy", part(GRID, group=name) if name else GRID, "corruption") for name in groups]
    grid += [("mce", GRID, "corruption"), ("relative_mce", GRID, "corruption")]
    curves = cases[cases["family"] != "corruption"].query("curve != ''")[["curve", "family", "suite"]].drop_duplicates()
    rows = [{"metric": m, "case": c, "family": f, "suite": "corruptions@1", "curve": ""} for m, c, f in grid]
    rows += [{"metric": "auc", "case": curve.curve, **curve._asdict()} for curve in curves.itertuples(index=False)]
    rows += [
        {"metric": "family_accuracy", "case": f, "family": f, "suite": s, "curve": ""}
        for s, f in curves[["suite", "family"]].drop_duplicates().itertuples(index=False)
    ]
    table = pd.DataFrame(rows)
    who = np.repeat(np.arange(len(models)), len(table))
    frame = table.iloc[np.tile(np.arange(len(table)), len(models))].reset_index(drop=True)
    value = skill[who] ** 2 * np.where(frame["metric"].isin(["mce", "relative_mce"]), 90, 1)
    metric = pd.Categorical(frame.pop("metric"))
    frame = frame.assign(axis="", at=np.nan, clean_at=np.nan, perturbation="")
    return _filled(frame, pd.Categorical.from_codes(who, models), metric, value, images)


def _filled(
    frame: pd.DataFrame, model: pd.Categorical, metric: pd.Categorical, value: np.ndarray, images: int
) -> pd.DataFrame:
    known = {**{row.name: row for row in METRICS}, **{row.name: row for row in AGGREGATES}}
    half = 0.03 * np.abs(value)
    constant = {
        "status": "done", "data": DATA, "geometry": "geometry(crop=224, resize=256)", "reason": "", "seed": 0,
        "dtype": "fp32", "input_size": "", "reference": "", "category": "", "maker": "model", "warning": "",
        "seeds": 1, "seed_sd": np.nan, "n": images,
    }  # fmt: skip
    said = {
        name: pd.Categorical(metric).rename_categories({one: text(one) for one in metric.categories})
        for name, text in {
            "unit": lambda one: f"{known[one].unit}|{one}",
            "definition": lambda one: known[one].definition,
        }.items()
    }
    units = {f"{row.unit}|{name}": row.unit for name, row in known.items()}
    filled = frame.assign(
        model=model,
        metric=metric,
        value=value,
        low=value - half,
        high=value + half,
        **constant,
        definition=said["definition"],
    )
    filled["unit"] = pd.Series(said["unit"]).map(units).astype("category")
    return filled[[name for name in Measurement.__dataclass_fields__ if name in filled]]


def _facts(models: Sequence[str]) -> Facts:
    known = {
        name: {"digest": f"{place:032x}", "parameters": 5_700_000 + place, "throughput": 100.5 + place,
               "preprocessing": "preprocessing(crop_mode=center, crop_pct=0.9, input_size=[224, 224])"}
        for place, name in enumerate(models)
    }  # fmt: skip
    runs = {
        name: [{"suites": "corruptions@1, occlusion@1", "began": f"2026-01-{1 + place % 28:02}T10:00:00Z", "seed": "0",
                "device": "cpu, 1 threads", "dtype": "fp32", "versions": "torch 2.0",
                "command": f"robustbench-vit run corruptions occlusion --model {name!r} --data '{DATA}'"}]
        for place, name in enumerate(models)
    }  # fmt: skip
    return Facts(known, runs)


def _ranks(measurements: pd.DataFrame) -> pd.DataFrame:
    """As if two models in a row were always a tie."""
    parts = []
    for column in summary_columns(measurements):
        here = {name: getattr(column, name) for name in ("suite", "data", "geometry", "case", "metric")}
        own = measurements[np.logical_and.reduce([measurements[name] == text for name, text in here.items()])]
        order = own.sort_values("value", ascending=not column.higher_is_better)["model"].astype(str).tolist()
        ranks = [1 + 2 * (place // 2) for place in range(len(order))]
        parts.append(pd.DataFrame({**here, "model": order, "rank": ranks, "tied": [rank == 1 for rank in ranks]}))
    ranks = pd.concat(parts).assign(reason="") if parts else pd.DataFrame(columns=list(RANKS))
    return ranks[list(RANKS)]


def _reliability(models: Sequence[str]) -> pd.DataFrame:
    bins = np.tile(np.arange(15), len(models))
    middle = (bins + 0.5) / 15
    return pd.DataFrame(
        {"suite": "corruptions@1", "data": DATA, "geometry": "geometry(crop=224, resize=256)", "case": "clean",
         "model": np.repeat(models, 15), "bin": bins, "images": 20 * (bins + 1), "confidence": middle,
         "accuracy": middle**1.3}
    )  # fmt: skip
