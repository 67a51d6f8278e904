"""Several results folders as one: their plan, their scores, and all measurements."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from robustbench_vit.aggregates.boards import TAG
from robustbench_vit.aggregates.groups import CLEAN, split
from robustbench_vit.aggregates.names import with_variant, with_weights
from robustbench_vit.aggregates.references import AlexNet, Reference, reference_model
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.aggregates.scored_file import Key, in_order, table_of
from robustbench_vit.aggregates.scored_files import scored_files
from robustbench_vit.aggregates.scoring import judge_boards, judge_plan, plans
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.records import PlannedCase
from robustbench_vit.store import Store
from robustbench_vit.store.manifests import check_versions
from robustbench_vit.trials import Trials

RELIABILITY = ("suite", "data", "geometry", "case", "model", "bin", "images", "confidence", "accuracy")
"""Columns of `Reading.reliability`."""


class Reading:
    """What several results folders hold.

    Args:
        folders: Results folders. What two of them share counts once, see `merged`.
        reference: Model of the folders that corruption errors are relative to; None is AlexNet as published.

    Raises:
        StoreError: If a folder holds no results, a file cannot be read, or folders hold two versions of a case.
        UnknownNameError: If no model is called as the reference.
        SpecError: If several are.
    """

    def __init__(self, folders: Sequence[Path], reference: str | None = None) -> None:
        self.stores = [Store(folder) for folder in folders]
        plan = {store: store.planned() for store in self.stores}
        self._files = {
            (store, key): file for store in self.stores for key, file in scored_files(store, plan[store]).items()
        }
        self.where = merged(plan)
        """The cases, their models named as in tables, and where they are."""
        self._cases: dict[PlannedCase, Scored] = {}
        self._images: dict[str, pd.Index] = {}
        self.reference: Reference = AlexNet()
        """What corruption errors are relative to."""
        if reference:
            self.reference = reference_model(list(self.where), reference, lambda case: self.case(case).correct)

    def plans(self, suites: Container[str]) -> Iterator[list[PlannedCase]]:
        """The cases of each model in each of these suites."""
        yield from (plan for plan in plans(list(self.where)) if plan[0].suite in suites)

    def scored(self, cases: Iterable[PlannedCase]) -> dict[PlannedCase, Scored]:
        """Cases of the plan as they were scored."""
        found: dict[PlannedCase, Scored] = {}
        for (store, model), asked in self._homes(cases).items():
            keys = {Key(case.suite, case.case_key): case for case in asked}
            for key, one in self._files[store, model].scored(keys, self._images).items():
                found[keys[key]] = _renamed(one, keys[key])
        return found

    def case(self, case: PlannedCase) -> Scored:
        """A case of the plan as it was scored; all of its model are looked up at once."""
        if case not in self._cases:
            self._cases |= self.scored(other for other in self.where if other.model_key == case.model_key)
        return self._cases[case]

    def correct(self, plan: Sequence[PlannedCase]) -> "dict[PlannedCase, pd.Series[float]]":
        """Which images a model has right in each case of its plan, by sample id; models share the index."""
        found: dict[PlannedCase, pd.Series[float]] = {}
        for (store, model), asked in self._homes(plan).items():
            known = self._files[store, model].correct(self._images)
            found |= {case: known[Key(case.suite, case.case_key)] for case in asked}
        return found

    def measurements(self, trials: Sequence[Trials] = ()) -> pd.DataFrame:
        """Everything that can be measured.

        Args:
            trials: What humans and other models said about the images of clean cases.

        Returns:
            As `robustbench_vit.aggregates.score` gives it, with categories for text: suite by suite, model by model,
            and what concerns several decision makers at the end.

        Raises:
            DataError: If trials are about other images, or name other classes.
        """
        found = in_order(pa.concat_tables([table_of([]), *self._numbers()]))
        boards = judge_boards(self.scored(self._decided(found, trials)), trials)
        frame: pd.DataFrame = pa.concat_tables([found, table_of(list(boards))]).unify_dictionaries().to_pandas()
        return frame

    def reliability(self) -> pd.DataFrame:
        """How accuracy goes with confidence in each clean case: a row a bin.

        Returns:
            Columns ``suite``, ``data``, ``geometry``, ``case``, ``model``, ``bin`` (0 to 14), ``images``,
            ``confidence`` and ``accuracy``, the latter two in [0,1], and NaN where a bin is empty.
        """
        rows = [
            (case.suite, case.data, case.geometry, case.case, case.model, number, int(images), confidence, accuracy)
            for case, bins in self._bins()
            for number, (images, confidence, accuracy) in enumerate(bins.tolist())
        ]
        return pd.DataFrame(rows, columns=list(RELIABILITY))

    def _bins(self) -> Iterator[tuple[PlannedCase, FloatArray]]:
        for (store, model), asked in self._homes(case for case in self.where if case.family == CLEAN).items():
            keys = {Key(case.suite, case.case_key): case for case in asked}
            yield from ((keys[key], bins) for key, bins in self._files[store, model].reliability(keys).items())

    def _numbers(self) -> Iterator[pa.Table]:
        """Model by model, what its scored files say, or, where they lack what is asked, what their cases come to."""
        for own in split(plans(list(self.where)), lambda plan: plan[0].model_key).values():
            whole = [] if self.reference.asked_for else [plan for plan in own if self._is_whole(plan)]
            for (store, model), cases in self._homes(case for plan in whole for case in plan).items():
                names = {Key(case.suite, case.case_key): case.model for case in cases}
                yield self._files[store, model].numbers(names)
            for plan in (plan for plan in own if plan not in whole):
                scored = self.scored(plan)
                judged = judge_plan([scored[case] for case in plan], self.reference)
                yield table_of([number for one in judged for number in (*one.own, *one.over)])

    def _homes(self, cases: Iterable[PlannedCase]) -> dict[tuple[Store, str], list[PlannedCase]]:
        """The cases of each folder and model."""
        return split(cases, lambda case: (self.where[case], case.model_key))

    def _is_whole(self, plan: Sequence[PlannedCase]) -> bool:
        """Whether one file holds this plan and no more of the suite: then what it says over several cases stands."""
        homes = {self.where[case] for case in plan}
        if len(homes) > 1:
            return False
        known = self._files[homes.pop(), plan[0].model_key].known
        return sum(key.suite == plan[0].suite for key in known) == len(plan)

    def _decided(self, found: pa.Table, trials: Sequence[Trials]) -> list[PlannedCase]:
        """Clean cases on which decision makers may be compared; what a file has of them is not small."""
        biased = found.filter(pc.equal(found["metric"], "shape_bias"))
        conflicts = set(zip(biased["suite"].to_pylist(), biased["data"].to_pylist(), strict=True))
        return [
            case
            for case in self.where
            if case.family == CLEAN
            and ((case.suite, case.data) in conflicts or TAG in case.tags or any(one.is_about(case) for one in trials))
        ]


def planned(folders: Sequence[Path]) -> dict[PlannedCase, Store]:
    """The cases of several folders, their models named as in tables, and where they are."""
    stores = [Store(folder) for folder in folders]
    return merged({store: store.planned() for store in stores})


def merged(plan: Mapping[Store, Sequence[PlannedCase]]) -> dict[PlannedCase, Store]:
    """The cases of several folders, their models named as in tables, and where they are.

    What two folders share counts once: what was run before what failed or was skipped, then the larger n, then what is
    done before what is partial, in whatever order the folders are given.

    Args:
        plan: The cases of each folder.

    Raises:
        StoreError: If a case of one model was run with two versions of the perturbation or of the data.
    """
    entries = ((case, store) for store, cases in plan.items() for case in cases)
    held = split(entries, lambda entry: (entry[0].suite, entry[0].model_key, entry[0].case_key))
    chosen = dict(max(same, key=_worth) for same in held.values())
    check_versions([case for case in chosen if case.was_run])
    names = _named(list(chosen))
    return {replace(case, model=names[case]): store for case, store in chosen.items()}


def _worth(entry: tuple[PlannedCase, Store]) -> tuple[object, ...]:
    """What was run counts more than what was not, then more images; the folder's name decides as the last."""
    case, store = entry
    return (case.was_run, case.n, case.status == "done", str(store.root))


def model_names(cases: Sequence[PlannedCase]) -> dict[str, str]:
    """Display name by model key; where other weights bear the same name, the key's digest is added."""
    keys: dict[str, set[str]] = {}
    for case in cases:
        keys.setdefault(case.model, set()).add(case.model_key)
    return {key: name if len(same) == 1 else with_weights(name, key) for name, same in keys.items() for key in same}


def _named(cases: Sequence[PlannedCase]) -> dict[PlannedCase, str]:
    """What tables call the model of each case: with seed or dtype where one case was run with several."""
    names = model_names(cases)
    asked: dict[tuple[str, str], set[tuple[int, str]]] = {}
    for case in cases:
        asked.setdefault((case.suite, case.model_key), set()).add((case.seed, case.dtype))
    seeds = {key for key, found in asked.items() if len({seed for seed, _ in found}) > 1}
    again = {(c.suite, c.model_key, *c.identity[:5]): set[str]() for c in cases}
    for case in cases:
        again[case.suite, case.model_key, *case.identity[:5]].add(case.dtype)
    dtypes = {key[:2] for key, found in again.items() if len(found) > 1}
    return {
        case: with_variant(
            names[case.model_key],
            case.seed if (case.suite, case.model_key) in seeds else None,
            case.dtype if (case.suite, case.model_key) in dtypes else "",
        )
        for case in cases
    }


def _renamed(one: Scored, case: PlannedCase) -> Scored:
    """With the model named as in tables."""
    numbers = tuple(replace(number, model=case.model) for number in one.numbers)
    return replace(one, case=replace(one.case, model=case.model), numbers=numbers)
