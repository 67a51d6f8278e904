"""Short names of cases, as far as they tell them apart."""

from collections import Counter
from collections.abc import Iterable, Mapping

from robustbench_vit.errors import SpecError
from robustbench_vit.spec import Spec, Value, as_spec, format_value, parse

_GRIDS = "corruptions"  # the first word of a grid's name; whether stored or generated is never left out
_INNER = ("attacks", "attack")  # parameters that hold attacks


def short_labels(specs: Iterable[str]) -> dict[str, str]:
    """The name alone where that tells specs apart, else the name with the arguments in a few words.

    Example:
        >>> list(short_labels(["shuffle", "drop(region=salient, by=mass)", "drop(rms=0.2)", "drop"]).values())
        ['shuffle', 'drop mass salient', 'drop rms=0.2', 'drop']
    """
    specs = list(specs)
    often = Counter(spec.partition("(")[0] for spec in specs)
    alone = {name for name, count in often.items() if count == 1} - {_GRIDS}
    return _apart({spec: name if (name := spec.partition("(")[0]) in alone else _few_words(spec) for spec in specs})


def attack_labels(specs: Iterable[str]) -> dict[str, str]:
    """Attacks with what they are allowed, which is never left out: without its eps an attack says nothing.

    Example:
        >>> list(attack_labels(["pgd(eps=4/255)", "worst(attacks=[pgd(eps=4/255), square(eps=4/255)])"]).values())
        ['pgd eps=4/255', 'worst of pgd, square eps=4/255']
    """
    return _apart({spec: _attack(spec) for spec in specs})


def _attack(text: str) -> str:
    """Name, attacks it is made of, and arguments; a grid of eps stands on the axis of its chart."""
    try:
        spec = parse(text)
    except SpecError:
        return text
    args: dict[str, Value] = {key: value for key, value in spec.args.items() if key not in {*_INNER, "grid"}}
    inner = _inner(spec)
    if not inner:
        return _few_words(text)
    shared = set.intersection(*({(key, str(value)) for key, value in one.args.items()} for one in inner))
    args |= {key: value for key, value in inner[0].args.items() if (key, str(value)) in shared}
    names = [_words(one.name, (), _without(one.args, {key for key, _ in shared})) for one in inner]
    return _words(f"{spec.name} of {', '.join(names)}", (), args)


def _inner(spec: Spec) -> list[Spec]:
    """The attacks that an attack is made of; none if it is made of no others."""
    listed = [value for value in spec.positional if isinstance(value, tuple)]
    given = next((spec.args[name] for name in _INNER if name in spec.args), listed[0] if listed else ())
    return [as_spec(one) for one in (given if isinstance(given, tuple) else (given,)) if isinstance(one, str | Spec)]


def _without(args: Mapping[str, Value], names: set[str]) -> dict[str, Value]:
    return {key: value for key, value in args.items() if key not in names}


def _apart(short: dict[str, str]) -> dict[str, str]:
    """The short names, and whole specs where two have the same."""
    twice = {label for label, count in Counter(short.values()).items() if count > 1}
    return {spec: spec if label in twice else label for spec, label in short.items()}


def _few_words(text: str) -> str:
    """``patchdrop(ratio=0.5, region=salient)`` → ``patchdrop ratio=0.5 salient``: words speak for themselves."""
    try:
        spec = parse(text)
    except SpecError:  # whatever a user calls a case
        return text
    return _words(spec.name, spec.positional, spec.args)


def _words(name: str, positional: tuple[Value, ...], args: Mapping[str, Value]) -> str:
    shown = [value if isinstance(value, str) else format_value(value) for value in positional]
    for key, value in sorted(args.items()):
        word = isinstance(value, str) or (isinstance(value, Spec) and not value.args and not value.positional)
        shown.append(str(value) if word else f"{key}={format_value(value)}")
    return " ".join([name, *shown])
