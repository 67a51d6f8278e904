"""From two results folders and rules to verdicts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from robustbench_vit.aggregates.catalog import AGGREGATES
from robustbench_vit.aggregates.comparison import compare
from robustbench_vit.aggregates.difference import Comparison
from robustbench_vit.aggregates.references import AlexNet, reference_model
from robustbench_vit.errors import CaseError, SpecError, UnknownNameError
from robustbench_vit.gates.absolute import Measured, absolute, measured
from robustbench_vit.gates.relative import check_relative, relative
from robustbench_vit.gates.rules import Rule
from robustbench_vit.gates.sides import Side, no_partner, opened, partners, together
from robustbench_vit.gates.subjects import Subject, kind_of
from robustbench_vit.gates.verdicts import Verdict, without
from robustbench_vit.metrics.catalog import METRICS

_RUN, _BASE, _REFERENCE = "RUN", "BASE", "REFERENCE"


def gate(
    run: Path,
    rules: Sequence[Rule],
    against: Path | None = None,
    models: Sequence[str] = (),
    reference: str | None = None,
) -> list[Verdict]:
    """Judge a run by rules.

    Args:
        run: Results folder.
        rules: At least one.
        against: Results folder of the base; rules about differences need one.
        models: Which models, and which of the base each is compared with; see `robustbench_vit.gates.sides.partners`.
        reference: Model of the base, else of the run, that corruption errors are relative to; None is AlexNet as
            published.

    Returns:
        Rule by rule, model by model: a verdict for each number that the rule is about.

    Raises:
        SpecError: If there is no rule, a rule needs a base, or is about nothing in either folder.
        UnknownNameError: If a metric or a model is unknown.
        StoreError: If a folder holds no results or a file cannot be read.
    """
    mine, theirs = opened(_RUN, run), opened(_BASE, against) if against else None
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


class _Judge:
    """What several rules need of the same models, read once."""

    def __init__(self, run: Side, base: Side | None, paired: Mapping[str, str | None], reference: str | None) -> None:
        self.run, self.base, self.paired = run, base, paired
        self.reference = self._found(reference) if reference else None
        self._measured: dict[str, Measured] = {}
        self._compared: dict[str, Comparison | str] = {}
        self._subjects = {key: run.subjects(key) for key in paired}
        self._others = {key: base.subjects(theirs) for key, theirs in paired.items() if base and theirs}

    def verdicts(self, rule: Rule) -> list[Verdict]:
        """All verdicts of a rule, at least one."""
        found = [verdict for key in self.paired for verdict in self._of(rule, key)]
        if not found:
            raise self._about_nothing(rule)
        return found

    def _of(self, rule: Rule, key: str) -> Iterator[Verdict]:
        name, partner = self.run.models[key], self.paired[key]
        if not rule.relative:
            yield from absolute(rule, self._numbers(key))
        elif self.base and partner:
            yield from relative(rule, name, self._subjects[key], self._others[key], self._comparison(key, partner))
        elif self.base:
            yield without(rule, name, no_partner(self.base, name))

    def _numbers(self, key: str) -> Measured:
        if key not in self._measured:
            given = [(self.run, key, _RUN)] + ([(*self.reference, _REFERENCE)] if self.reference else [])
            plan, scored = together(*given)
            mine = [case for case in plan if case.model_key == f"{_RUN} {key}"]
            against = reference_model(plan, self._name, lambda case: scored(case).correct) if self._name else AlexNet()
            self._measured[key] = measured(self.run.models[key], mine, scored, against)
        return self._measured[key]

    def _comparison(self, key: str, partner: str) -> Comparison | str:
        if key not in self._compared and self.base:
            given = [(self.base, partner, _BASE), (self.run, key, _RUN)]
            plan, scored = together(*given, *([(*self.reference, _REFERENCE)] if self.reference else []))
            try:
                self._compared[key] = compare(plan, scored, f"{_BASE} {partner}", f"{_RUN} {key}", self._name)
            except CaseError as error:  # they share nothing: each number says why
                self._compared[key] = str(error)
        return self._compared[key]

    @property
    def _name(self) -> str | None:
        """What the reference is called in a plan of several folders."""
        return f"{_REFERENCE} {self.reference[1]}" if self.reference else None

    def _found(self, name: str) -> tuple[Side, str]:
        """The folder of the reference and its key: the base stands still, so it comes first."""
        sides = [side for side in (self.base, self.run) if side]
        for side in sides:
            for key, shown in side.models.items():
                if name in {key, shown}:
                    return side, key
        raise UnknownNameError("reference model", name, {shown for side in sides for shown in side.models.values()})

    def _about_nothing(self, rule: Rule) -> SpecError:
        """What to say of a rule that no number is like."""
        known = {metric for key in self.paired for metric in self._numbers(key).metrics}
        catalogued = {*METRICS.names, *AGGREGATES.names}
        if rule.metric not in known | catalogued:
            return UnknownNameError("metric", rule.metric, known | catalogued)
        every = [one for found in (*self._subjects.values(), *self._others.values()) for one in found]
        names = self._having(rule, every)
        if rule.selector is None or not names:
            return SpecError(f"rule {rule.text!r} is about nothing here: there is no {rule.metric} in these results")
        return UnknownNameError(f"selector of {rule.metric}", rule.selector.text, names)

    def _having(self, rule: Rule, every: Iterable[Subject]) -> set[str]:
        """Names of what has the metric."""
        having = [one for one in every if one.kind == kind_of(rule.metric)]
        if rule.relative:
            return {one.name for one in having}
        found = {key: self._numbers(key) for key in self.paired}
        return {one.name for one in having if any(known.of(rule.metric, one) for known in found.values())}
