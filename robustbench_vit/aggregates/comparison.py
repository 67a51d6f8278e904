"""Is one model better than another? The paired comparison, over the images that both have seen."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import isnan, nan
from typing import Any, NamedTuple, TypeVar

import numpy as np

from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.cells import cells_of
from robustbench_vit.aggregates.difference import TIE, Comparison, Difference
from robustbench_vit.aggregates.groups import Cell, Group, groups, split
from robustbench_vit.aggregates.honesty import BETWEEN
from robustbench_vit.aggregates.measuring import attempt, estimates
from robustbench_vit.aggregates.pairing import Known, Pairing, know, pair
from robustbench_vit.aggregates.references import AlexNet, Reference, defined, reference_model
from robustbench_vit.aggregates.scored import Scored
from robustbench_vit.errors import CaseError
from robustbench_vit.metrics.catalog import METRICS, Metric
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.metrics.detectable import LEVEL, detectable_by_interval, detectable_difference
from robustbench_vit.metrics.holm import holm
from robustbench_vit.metrics.intervals import Estimate
from robustbench_vit.metrics.mcnemar import mcnemar
from robustbench_vit.metrics.permutation import permutations
from robustbench_vit.records import PlannedCase

AGGREGATED = ("auc", "robust_auc", "family_accuracy", "mean_corruption_accuracy", "mce", "relative_mce")
"""Aggregates that are compared, beside the accuracy of each case."""

_Item = TypeVar("_Item")

_NOISE = 1e-7
"""What is nearer to 0 is the rounding of floats: no difference of images is."""


class _Question(NamedTuple):
    """What is asked of both models.

    Args:
        group: Seed by seed the members of the first, then those of the second.
        row: The number.
        reference: Whose errors it is relative to, if it is.
        seeds: Those that both have.
    """

    group: Group
    row: Metric | Aggregate
    reference: Reference | None
    seeds: tuple[int, ...]

    @property
    def case(self) -> PlannedCase:
        """A case of the first seed that has the data, geometry and family, as the second model calls them."""
        return replace(self.group, members=tuple(self.parts(self.group.members)[1])).last

    @property
    def cases(self) -> int:
        """How many of a model and seed the number is over."""
        return len(self.group.members) // (2 * len(self.seeds))

    def parts(self, items: Sequence[_Item]) -> list[Sequence[_Item]]:
        """What stands for the members: of each seed, that of the first model and that of the second in turn."""
        return [items[start : start + self.cases] for start in range(0, len(items), self.cases)]


class _Sides(NamedTuple):
    a: Contributions
    b: Contributions
    difference: Contributions


class _Test(NamedTuple):
    """What is known of the difference before any adjustment."""

    p: float = nan
    only_a: int | None = None
    only_b: int | None = None


def compare(
    cases: Sequence[PlannedCase],
    scored: Callable[[PlannedCase], Scored],
    a: str,
    b: str,
    reference: str | None = None,
    *,
    each_seed: bool = False,
) -> Comparison:
    """Compare two models case by case and over cases, always on the images both have seen.

    Args:
        cases: The plan of a run, of any number of models.
        scored: Gives a case as it was scored, see `robustbench_vit.aggregates.scored.score_case`.
        a: Name of a model, alone or with its variant, or its key.
        b: The other one; differences are b − a.
        reference: Model of the plan that corruption errors are relative to; None is AlexNet as published.
        each_seed: Whether each seed has rows of its own. Else the mean over the seeds that both have is compared.

    Raises:
        UnknownNameError: If the plan has no model of that name; offers the closest.
        SpecError: If a name is that of several models, or both are the same model.
        CaseError: If they share no case, or no image.
    """
    pairing = pair(cases, a, b)
    against = reference_model(cases, reference, lambda case: scored(case).correct) if reference else AlexNet()
    known = know(pairing, scored)
    suites = dict.fromkeys(case.suite for case in pairing.partners)
    asked = [question for suite in suites for question in _questions(suite, pairing, known, against)]
    if not each_seed:
        asked = [_together(seeds) for seeds in split(asked, _but_for_the_seed).values()]
    sides = [_sides(question, known) for question in asked]
    if not any(isinstance(found, _Sides) for found in sides):
        raise CaseError(
            f"{pairing.a} and {pairing.b} share {len(pairing.partners)} cases but no image of them; run both with the "
            "same --limit and --shard"
        )
    numbers = estimates({(place, side): given for place, found in enumerate(sides) for side, given in _named(found)})
    tests = _tests(asked, sides)
    found = [
        _difference(question, pairing, known, [numbers[place, side][:2] for side in _Sides._fields], tests[place])
        for place, question in enumerate(asked)
    ]
    return Comparison(pairing.a, pairing.b, tuple(_judged(asked, found)), pairing.alone)


def _questions(suite: str, pairing: Pairing, known: Known, reference: Reference) -> Iterator[_Question]:
    """The cases of a suite, then what is over several of them."""
    shared = {case: other for case, other in pairing.partners.items() if case.suite == suite}
    for case, other in shared.items():
        yield _Question(Group("case", case.case, (case, other)), METRICS[case.accuracy], None, (case.seed,))
    over = [_grid(case, known.grids[case]) for case in shared if case in known.grids]
    twins = {one: known.grids[shared[case]][at] for case in shared for at, one in known.grids.get(case, {}).items()}
    for group in [*over, *groups(list(shared))]:
        # A grid that only one of them has in full says nothing of both; a family of one case says nothing new.
        if group.absent or group.wants_clean or (group.scope == "family" and len(group.members) == 1):
            continue
        both = group.members + tuple({**shared, **twins}[case] for case in group.members)
        for row in (AGGREGATES[name] for name in AGGREGATED if AGGREGATES[name].scope == group.scope):
            one = reference if row.compares else None
            if not (one and one.why_not(group.members) and not one.asked_for):
                yield _Question(replace(group, members=both, places=group.places * 2), row, one, (group.last.seed,))


def _grid(case: PlannedCase, points: Mapping[float, PlannedCase]) -> Group:
    return Group("eps", case.case, tuple(points.values()), tuple(points))


def _but_for_the_seed(question: _Question) -> Hashable:
    group = question.group
    members = [
        (case.suite, case.case, case.perturbation, case.data, case.geometry, case.label_space, case.dtype)
        for case in group.members
    ]
    return question.row.name, group.scope, group.name, group.places, tuple(members)


def _together(seeds: Sequence[_Question]) -> _Question:
    """One question for all seeds, of those that the reference has if there are any."""
    seeds = [one for one in seeds if not (one.reference and one.reference.why_not(one.group.members))] or seeds
    members = tuple(case for one in seeds for case in one.group.members)
    group = replace(seeds[0].group, members=members, places=seeds[0].group.places * len(seeds))
    return seeds[0]._replace(group=group, seeds=tuple(seed for one in seeds for seed in one.seeds))


def _sides(question: _Question, known: Known) -> _Sides | str:
    """What each image contributes to the number of each model and to their difference, or why there is none."""
    unknown = question.reference.why_not(question.group.members) if question.reference else ""
    cells = [] if unknown else cells_of(question.group, known.correct, question.reference)
    if unknown or not len(cells[0].correct):
        return unknown or "the models share no image"
    found = [_contributions(question.row, part) for part in question.parts(cells)]
    numbers = [one for one in found if isinstance(one, Contributions)]
    if len(numbers) < len(found):
        return next(reason for reason in found if isinstance(reason, str))
    a, b = _mean(numbers[::2]), _mean(numbers[1::2])
    return _Sides(a, b, b.minus(a))


def _mean(seeds: Sequence[Contributions]) -> Contributions:
    """Of several seeds one: each image contributes the mean of what it does with each of them."""
    if all(np.array_equal(one.values, seeds[0].values) for one in seeds):
        return seeds[0]  # no seed touches it
    ends = [end for one in seeds if (end := one.ends())]
    bounds = tuple(np.mean(ends, axis=0)) if len(ends) == len(seeds) else None
    return Contributions(np.mean([one.linear() for one in seeds], axis=0), bounds=bounds)


def _contributions(row: Metric | Aggregate, cells: Sequence[Cell]) -> Contributions | str:
    return attempt(row, cells) if isinstance(row, Aggregate) else Contributions(cells[0].correct, proportion=True)


def _named(found: _Sides | str) -> list[tuple[str, Contributions | str]]:
    return [(side, found if isinstance(found, str) else getattr(found, side)) for side in _Sides._fields]


def _difference(
    question: _Question,
    pairing: Pairing,
    known: Known,
    numbers: Sequence[tuple[Estimate, str]],
    test: _Test,
) -> Difference:
    """A row, not yet judged."""
    (a, reason), (b, _), (difference, _) = numbers
    row = question.row
    return Difference(
        model_a=pairing.a,
        model_b=pairing.b,
        case=question.group.name,
        metric=row.name,
        cases=1 if question.group.scope == "eps" else question.cases,
        n=difference.n,
        **_ends("a", a),
        **_ends("b", b),
        **_changed(difference),
        **test._asdict(),
        p_holm=nan,
        detectable=nan,
        better="",
        unit=row.unit,
        definition=defined(row.definition, question.case, difference.n, question.reference),
        **_origin(question),
        reference=question.reference.name if question.reference else "",
        reason=reason,
        warning=_warning(question, pairing, known),
    )


def _origin(question: _Question) -> dict[str, Any]:
    own = ("suite", "family", "data", "geometry", "seed", "dtype")
    seeds = ", ".join(str(seed) for seed in question.seeds)
    return {**{name: getattr(question.case, name) for name in own}, "seeds": seeds}


def _ends(name: str, number: Estimate) -> dict[str, Any]:
    return {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}


def _changed(number: Estimate) -> dict[str, Any]:
    found = {"difference": number.value, "low": number.low, "high": number.high}
    return {name: 0.0 if abs(value) < _NOISE else value for name, value in found.items()}


def _tests(asked: Sequence[_Question], found: Sequence[_Sides | str]) -> list[_Test]:
    """McNemar's exact test where images count 0 or 1, else exchanges of the two models, all from the same draws."""
    exact = [isinstance(sides, _Sides) and _is_exact(one, sides) for one, sides in zip(asked, found, strict=True)]
    over = [sides for sides, counts in zip(found, exact, strict=True) if isinstance(sides, _Sides) and not counts]
    p = iter(permutations([(sides.a, sides.b) for sides in over]))
    return [
        _Test() if isinstance(sides, str) else _mcnemar(sides) if counts else _Test(next(p))
        for sides, counts in zip(found, exact, strict=True)
    ]


def _is_exact(question: _Question, sides: _Sides) -> bool:
    """Of a case, unless it is a mean over seeds that differ."""
    return isinstance(question.row, Metric) and sides.a.proportion and sides.b.proportion


def _mcnemar(sides: _Sides) -> _Test:
    a, b = sides.a.values[:, 0], sides.b.values[:, 0]
    return _Test(mcnemar(a, b), int((a > b).sum()), int((b > a).sum()))


def _warning(question: _Question, pairing: Pairing, known: Known) -> str:
    """Doubts about a case or the curve of one, and what is missing, with the name of the model they are about."""
    parts = question.parts(question.group.members)
    both = ((pairing.a, parts[::2]), (pairing.b, parts[1::2]))
    one = question.group.scope in {"case", "eps"}
    texts = [(name, text) for name, own in both for part in own if one for text in known.warnings[part[-1]]]
    texts += [(name, text) for name, own in both if (text := _partial(list(chain(*own)), known, one=one))]
    return BETWEEN.join(f"{name}: {text}" for name, text in dict.fromkeys(texts))


def _partial(cases: Sequence[PlannedCase], known: Known, *, one: bool) -> str:
    found = [case for case in cases if case in known.partial]
    if not found or one:
        return known.partial[found[0]] if found else ""
    return f"{len(found)} of {len(cases)} cases are partial, such as {found[0].case} ({known.partial[found[0]]})"


def _judged(asked: Sequence[_Question], found: Sequence[Difference]) -> Iterator[Difference]:
    """With adjusted p, what could be detected, and which model is better."""
    # Two suites may hold the same cases over the same images: that is one test.
    keys = [_key(question, row.n) for question, row in zip(asked, found, strict=True)]
    tests = {key: row.p for key, row in zip(keys, found, strict=True) if not isnan(row.p)}
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    for question, key, row in zip(asked, keys, found, strict=True):
        if isnan(row.difference):
            yield row
        else:
            better = _better(question, row, adjusted[key] < LEVEL)
            yield replace(row, p_holm=adjusted[key], detectable=_detectable(row), better=better)


def _key(question: _Question, n: int) -> tuple[object, ...]:
    return (question.row.name, tuple(case.case_key for case in question.group.members), n)


def _detectable(row: Difference) -> float:
    if row.only_a is None or row.only_b is None:
        return detectable_by_interval(row.low, row.high)
    return detectable_difference(row.n, (row.only_a + row.only_b) / row.n)


def _better(question: _Question, row: Difference, apart: bool) -> str:
    if not apart:
        return TIE
    return row.model_b if (row.difference > 0) == question.row.higher_is_better else row.model_a
