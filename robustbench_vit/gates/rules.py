"""Rules of a gate: ``mce <= +1.0``, ``auc[patchdrop.random] >= -0.02``, ``top1[clean] >= 0.6``.

Grammar::

    rule     = metric ['[' selector ']'] ('<=' | '>=') bound
    bound    = [sign] digits ['.' digits] [exponent]       # with a sign: of the difference to a base
    selector = name {'.' [key '='] value}                  # fog.severity=3, patchdrop.random
             | spec                                        # fog(severity=3): a case as tables name it

This module imports the standard library and specs only, so that a pytest session that runs no suite stays light.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import isfinite

from robustbench_vit.errors import SpecError
from robustbench_vit.spec import Spec, Value, format_value, parse, parse_value

ROUNDING = 1e-9
"""By how much a number may miss its bound and still keep it: sums of thousands of images round no worse than that."""

EXAMPLES = "'mce <= +1.0', 'auc[patchdrop.random] >= -0.02' or 'top1[clean] >= 0.6'"
"""Rules to learn from, for messages."""

_RULE = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\[(.*)\]\s*)?([<>=]=?)\s*(\S+)\s*", re.DOTALL)
_BOUND = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_WORD = r"""[^\s.,()\[\]='"]+"""
_NAME = re.compile(rf"\s*({_QUOTED}|{_WORD})")
_PART = re.compile(
    rf"\s*\.\s*(?:([A-Za-z_]\w*)\s*=\s*)?({_QUOTED}|[+-]?\d+(?:\.\d+)?(?:/\d+)?(?=\s*(?:\.|\Z))|{_WORD})", re.ASCII
)

Arguments = frozenset[tuple[str, str]]
"""Keys and values as spec strings have them; the key of a positional value is empty."""


@dataclass(frozen=True)
class Selector:
    """Which cases, curves and families a rule is about.

    Args:
        text: As it was written.
        name: Of a perturbation, a family or a grid.
        wanted: Keys and values, each of which must be among the arguments; None for a key that was not given.
        whole: Whether it was written as a spec: then the one of exactly this name is meant, if there is one.
    """

    text: str
    name: str
    wanted: tuple[tuple[str | None, str], ...] = ()
    whole: bool = False

    def fits(self, names: AbstractSet[str], arguments: Arguments) -> bool:
        """Whether something of these names and arguments is meant."""
        values = {value for _, value in arguments}
        return self.name in names and all(
            value in values if key is None else (key, value) in arguments for key, value in self.wanted
        )


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        text: As it was written.
        metric: Name of a metric or aggregate.
        at_most: Whether the bound is an upper one.
        bound: In the unit of the metric: rates in [0, 1], corruption errors in percent.
        relative: Whether the bound is for the difference RUN − BASE, and not for the number itself.
        selector: Which numbers; None for all of the metric.
        name: What reports call it; empty for its text.
        strict: Whether the number itself is held against the bound, whatever its interval.
    """

    text: str
    metric: str
    at_most: bool
    bound: float
    relative: bool
    selector: Selector | None = None
    name: str = ""
    strict: bool = False

    def __str__(self) -> str:
        return self.name or self.text

    @property
    def said(self) -> str:
        """What it asks for."""
        return f"{self.text} (strict)" if self.strict else self.text

    def keeps(self, value: float) -> bool:
        """Whether a value is on the good side of the bound, or beyond it by rounding alone; NaN is not."""
        return value <= self.bound + ROUNDING if self.at_most else value >= self.bound - ROUNDING


def parse_rule(text: str, *, name: str = "", strict: bool = False) -> Rule:
    """Read a rule.

    Args:
        text: See the grammar above.
        name: What reports call it.
        strict: See `Rule`.

    Raises:
        SpecError: If it is none; says what was expected.

    Example:
        >>> rule = parse_rule("auc[patchdrop.random] >= -0.02")
        >>> rule.metric, rule.relative, rule.bound, rule.selector.wanted
        ('auc', True, -0.02, ((None, 'random'),))
    """
    found = _RULE.fullmatch(text)
    if not found:
        raise SpecError(f"{text!r} is no rule; expected a metric, <= or >=, and a number, e.g. {EXAMPLES}")
    metric, selected, relation, bound = found.groups()
    if relation not in {"<=", ">="}:
        raise SpecError(f"rule {text!r}: expected <= or >=, got {relation}")
    if not _BOUND.fullmatch(bound) or not isfinite(float(bound)):
        raise SpecError(
            f"rule {text!r}: expected a finite number in the unit of the metric (rates lie in [0,1]), got {bound!r}"
        )
    selector = None if selected is None else _selector(selected, text)
    return Rule(text.strip(), metric, relation == "<=", float(bound), bound[0] in "+-", selector, name, strict)


def _selector(text: str, rule: str) -> Selector:
    try:
        return _spec_selector(text) if "(" in re.sub(_QUOTED, "", text) else _dotted_selector(text)
    except SpecError as error:
        raise SpecError(f"rule {rule!r}: {error}") from error


def _spec_selector(text: str) -> Selector:
    spec = parse(text)
    wanted = [(key, format_value(value)) for key, value in arguments_of(spec)]
    return Selector(text.strip(), spec.name, tuple(wanted), whole=True)


def _dotted_selector(text: str) -> Selector:
    found = _NAME.match(text)
    if not found:
        raise SpecError(f"expected a name in brackets, got [{text}]")
    name, wanted, end = str(parse_value(found[1])), [], found.end()
    while part := _PART.match(text, end):
        key, value, end = part[1], parse_value(part[2]), part.end()
        if key is None and not isinstance(value, str):
            raise SpecError(f"in [{text}], say what {part[2]} is: .key={part[2]}")
        wanted.append((key, format_value(value)))
    if text[end:].strip():
        raise SpecError(f"in [{text}] at column {end + 1}: expected .word or .key=value, found {text[end:]!r}")
    return Selector(text.strip(), name, tuple(wanted))


def arguments_of(spec: Spec) -> list[tuple[str, Value]]:
    """Keys and values of a spec; a positional value has no key."""
    return [*(("", value) for value in spec.positional), *sorted(spec.args.items())]
