"""Results folders of runs that never ran, for gates."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

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
