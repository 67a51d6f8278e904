"""From two results folders and rules to verdicts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.comparison import compare
from robustbench_vit.aggregates.difference import Comparison
from robustbench_vit.aggregates.references import AlexNet, reference_model
from robustbench_vit.errors import CaseError, SpecError, UnknownNameError
from robustbench_vit.gates import apart
from robustbench_vit.gates.absolute import Measured, absolute, measured
from robustbench_vit.gates.bounds import check_bound
from robustbench_vit.gates.relative import check_relative, relative
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.sides import Pair, Side, lost_model, no_partner, opened, partners, together
from robustbench_vit.gates.subjects import kind_of, selected
from robustbench_vit.gates.verdicts import Verdict, without
from robustbench_vit.metrics.catalog import METRICS

_REFERENCE = "REFERENCE"


def gate(
    run: Path,
    rules: Sequence[Rule],
    against: Path | None = None,
    models: Sequence[str] = (),
    reference: str | None = None,
    data: Sequence[str] = (),
) -> list[Verdict]:
    """Judge a run by rules.

    Args:
        run: Results folder.
        rules: At least one.
        against: Results folder of the base; rules about differences need one.
        models: Which models, and which of the base each is compared with; see `robustbench_vit.gates.sides.partners`.
            Without any, all of either folder: one that the run has lost keeps no rule.
        reference: Model of the base, else of the run, that corruption errors are relative to; None is AlexNet as
            published.
        data: Data sets, as tables call them, that are judged; without any, all.

    Returns:
        Rule by rule, model by model: a verdict for each number that the rule is about, and for what the base has and
        the run has not.

    Raises:
        SpecError: If there is no rule, a rule needs a base, has a bound in another unit, or is about nothing in either
            folder.
        UnknownNameError: If a metric, a model or a data set is unknown.
        StoreError: If a folder holds no results or a file cannot be read.
    """
    mine, theirs = opened("RUN", run, data), opened("BASE", against, data) if against else None
    _check(rules, theirs)
    judge = _Judge(mine, theirs, partners(mine, theirs, models), reference)
    return [verdict for rule in rules for verdict in judge.verdicts(rule)]


def _check(rules: Sequence[Rule], base: Side | None) -> None:
    """What can be said of rules before anything is read."""
    if not rules:
        raise SpecError("a gate needs rules; give --rule 'mce <= +1.0' or --rules FILE.toml")
    for rule in rules:
        if rule.relative and base is None:
            raise SpecError(
                f"rule {rule.text!r} has a signed bound, so it is about the difference to a base; give --against "
                "FOLDER, or leave the sign out for a rule about the number itself"
            )
        if rule.relative:
            check_relative(rule)
        check_bound(rule)


class _Judge:
    """What several rules need of the same models, read once."""

    def __init__(self, run: Side, base: Side | None, pairs: Sequence[Pair], reference: str | None) -> None:
        self.run, self.base, self.pairs = run, base, pairs
        self.reference = self._found(reference) if reference else None
        self._measured: dict[tuple[str, str], Measured] = {}
        self._compared: dict[tuple[str, str], Comparison | str] = {}

    def verdicts(self, rule: Rule) -> list[Verdict]:
        """All verdicts of a rule, at least one."""
        found = [verdict for pair in self.pairs for verdict in self._of(rule, pair.run, pair.base)]
        if not found:
            raise self._about_nothing(rule)
        return found

    def _of(self, rule: Rule, run: Side | None, base: Side | None) -> Iterator[Verdict]:
        if run is None:
            if base and selected(rule, base.subjects):
                yield without(rule, base.model, lost_model(base.model))
        elif not rule.relative:
            yield from absolute(rule, self._numbers(run))
            yield from self._lost(rule, run, base) if base else ()
        elif base:
            yield from relative(rule, run, base, self._comparison(run, base))
        elif self.base:
            yield without(rule, run.model, no_partner(self.base, run.model))

    def _lost(self, rule: Rule, run: Side, base: Side) -> Iterator[Verdict]:
        """Numbers of BASE that RUN does not even have the cases of."""
        lost = apart.lost(run.subjects, selected(rule, base.subjects))
        known = self._numbers(base) if lost else None
        for reason, one in lost.items():
            if known and known.of(rule.metric, one):
                yield without(rule, run.model, reason, one.origin)

    def _numbers(self, side: Side) -> Measured:
        place = (side.word, side.key)
        if place not in self._measured:
            plan, scored = together(side, *self._references)
            mine = [case for case in plan if case.model_key == side.marked]
            against = reference_model(plan, self._name, lambda case: scored(case).correct) if self._name else AlexNet()
            self._measured[place] = measured(side.model, mine, scored, against)
        return self._measured[place]

    def _comparison(self, run: Side, base: Side) -> Comparison | str:
        both = (run.key, base.key)
        if both not in self._compared:
            plan, scored = together(base, run, *self._references)
            try:
                self._compared[both] = compare(plan, scored, base.marked, run.marked, self._name, each_seed=True)
            except CaseError as error:  # they share nothing: each number says why
                self._compared[both] = str(error)
        return self._compared[both]

    @property
    def _references(self) -> list[Side]:
        return [self.reference] if self.reference else []

    @property
    def _name(self) -> str | None:
        """What the reference is called in a plan of several folders."""
        return self.reference.marked if self.reference else None

    def _found(self, name: str) -> Side:
        """The reference: the base stands still, so it comes first."""
        sides = [side for side in (self.base, self.run) if side]
        for side in sides:
            for key, shown in side.models.items():
                if name in {key, shown}:
                    return replace(side.only(key), word=_REFERENCE)
        raise UnknownNameError("reference model", name, {shown for side in sides for shown in side.models.values()})

    def _about_nothing(self, rule: Rule) -> SpecError:
        """What to say of a rule that no number is like."""
        known = {metric for pair in self.pairs if pair.run for metric in self._numbers(pair.run).metrics}
        catalogued = {*METRICS.names, *AGGREGATES.names}
        if rule.metric not in known | catalogued:
            return UnknownNameError("metric", rule.metric, known | catalogued)
        names = {name for pair in self.pairs for side in pair if side for name in self._having(rule, side)}
        if rule.selector is None or not names:
            return SpecError(f"rule {rule.text!r} is about nothing here: there is no {rule.metric} in these results")
        return UnknownNameError(f"selector of {rule.metric}", rule.selector.text, names)

    def _having(self, rule: Rule, side: Side) -> set[str]:
        """Names of what has the metric."""
        having = [one for one in side.subjects if one.kind == kind_of(rule.metric)]
        return {one.name for one in having if rule.relative or self._numbers(side).of(rule.metric, one)}
