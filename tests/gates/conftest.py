"""Results folders of runs that never ran, for gates."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from fake_gates import N, flipped, patchdrop
from fake_runs import planned, wrong

from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Path]:
    """Put cases with their rows into a folder below the temporary one."""

    def keep(folder: str, cases: dict[PlannedCase, pd.DataFrame]) -> Path:
        store, models = Store(tmp_path / folder), {case.model_key for case in cases}
        for model in models:
            own = {case.case_key: rows for case, rows in cases.items() if case.model_key == model and len(rows)}
            if own:
                store.commit(model, 0, {key: pa.Table.from_pandas(rows) for key, rows in own.items()})
                store.compact(model, list(own))
        store.record(list(cases))
        return store.root

    return keep


@pytest.fixture
def base(keep):
    """Half of the images right."""
    return keep("base", {planned(n=N): flipped(0)})


@pytest.fixture
def curves(keep):
    """Two curves of two points, and a clean case."""
    plan = [planned(n=N)] + [patchdrop(region, ratio) for region in ("random", "salient") for ratio in (0.5, 1.0)]
    return keep("curves", {case: wrong(40 * place, of=N) for place, case in enumerate(plan)})
