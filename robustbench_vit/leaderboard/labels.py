"""Short names of cases, as far as they tell them apart."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from robustbench_vit.errors import SpecError
from robustbench_vit.spec import Spec, Value, as_spec, format_value, parse

_GRIDS = "corruptions"  # the first word of a grid's name; whether stored or generated is never left out
_INNER = ("attacks", "attack")  # parameters that hold attacks
_OF_CASES = ["top1", "robust_accuracy"]  # metrics of which every case has one


def full_specs(frame: pd.DataFrame) -> dict[str, str]:
    """The specs in which no default is left out: of every case, and of every curve that of one of its points.

    Args:
        frame: Measurements with the columns ``metric``, ``case``, ``curve`` and ``perturbation``.
    """
    rows = frame.loc[frame["metric"].isin(_OF_CASES), ["case", "curve", "perturbation"]].drop_duplicates()
    cases, swept, perturbations = (rows[name].astype(object).tolist() for name in rows)
    return {**dict(zip(swept, perturbations, strict=True)), **dict(zip(cases, perturbations, strict=True))}


def short_labels(specs: Iterable[str], full: Mapping[str, str] | None = None) -> dict[str, str]:
    """The name alone where that tells specs apart, else the name with the arguments in a few words.

    Args:
        specs: Display specs.
        full: Specs in which no default is left out, of those where they are known: what another of its name changes,
            a label says too.

    Example:
        >>> list(short_labels(["shuffle", "drop(region=salient)", "drop"], {"drop": "drop(region=random)"}).values())
        ['shuffle', 'drop salient', 'drop random']
    """
    specs = list(specs)
    often = Counter(spec.partition("(")[0] for spec in specs)
    alone = {name for name, count in often.items() if count == 1} - {_GRIDS}
    told = _told(specs, full or {})
    return _apart(
        {spec: name if (name := spec.partition("(")[0]) in alone else _few_words(told[spec]) for spec in specs}
    )


def attack_labels(specs: Iterable[str], full: Mapping[str, str] | None = None) -> dict[str, str]:
    """Attacks with what they are allowed, which is never left out: without its eps an attack says nothing.

    Args:
        specs: As for `short_labels`.
        full: As for `short_labels`.

    Example:
        >>> list(attack_labels(["pgd(eps=4/255)", "worst(attacks=[pgd(eps=4/255), square(eps=4/255)])"]).values())
        ['pgd eps=4/255', 'worst of pgd, square eps=4/255']
    """
    return _apart({text: _attack(told) for text, told in _told(list(specs), full or {}).items()})


def hidden(spec: str, label: str) -> str:
    """The whole spec if its label leaves any of it out, else nothing.

    Example:
        >>> hidden("noise(rms=0.1)", "noise"), hidden("drop(region=salient)", "drop salient")
        ('noise(rms=0.1)', '')
    """
    told = _parsed(spec)
    whole = spec if told is None else _few_words(told)
    return spec if set(whole.split()) - set(label.split()) else ""


def _told(specs: Iterable[str], full: Mapping[str, str]) -> dict[str, Spec | str]:
    """The specs with the defaults that tell them from others of their name; whatever is no spec stays as it is."""
    told: dict[str, Spec | str] = {text: _parsed(text) or text for text in specs}
    alike: dict[str, dict[str, Spec]] = {}
    for text, spec in told.items():
        if isinstance(spec, Spec) and not spec.positional:
            alike.setdefault(spec.name, {})[text] = spec
    for own in alike.values():
        told |= _filled(own, {text: _whole(spec, full.get(text, "")) for text, spec in own.items()})
    return told


def _whole(spec: Spec, full: str) -> dict[str, Value]:
    """All arguments of a spec that are known."""
    found = _parsed(full)
    return {**(found.args if found and found.name == spec.name else {}), **spec.args}


def _filled(specs: Mapping[str, Spec], whole: Mapping[str, Mapping[str, Value]]) -> dict[str, Spec]:
    """Specs of one name, each with the arguments by which they are told apart: as few of them as do."""
    names = sorted({name for spec in specs.values() for name in spec.args})

    def kinds(chosen: Sequence[str]) -> int:
        return len({tuple(str(args.get(name)) for name in chosen) for args in whole.values()})

    chosen: list[str] = []
    while kinds(chosen) < kinds(names):
        chosen.append(max(names, key=lambda name: kinds([*chosen, name])))
    more = {text: {name: args[name] for name in chosen if args.get(name) is not None} for text, args in whole.items()}
    return {text: replace(spec, args={**more[text], **spec.args}) for text, spec in specs.items()}


def _parsed(text: str) -> Spec | None:
    """None for whatever else a user calls a case."""
    try:
        return parse(text)
    except SpecError:
        return None


def _attack(spec: Spec | str) -> str:
    """Name, attacks it is made of, and arguments; a grid of eps stands on the axis of its chart."""
    if isinstance(spec, str) or not (inner := _inner(spec)):
        return _few_words(spec)
    args: dict[str, Value] = {key: value for key, value in spec.args.items() if key not in {*_INNER, "grid"}}
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


def _few_words(spec: Spec | str) -> str:
    """``patchdrop(ratio=0.5, region=salient)`` → ``patchdrop ratio=0.5 salient``: words speak for themselves."""
    return spec if isinstance(spec, str) else _words(spec.name, spec.positional, spec.args)


def _words(name: str, positional: tuple[Value, ...], args: Mapping[str, Value]) -> str:
    shown = [value if isinstance(value, str) else format_value(value) for value in positional]
    for key, value in sorted(args.items()):
        word = isinstance(value, str) or (isinstance(value, Spec) and not value.args and not value.positional)
        shown.append(str(value) if word else f"{key}={format_value(value)}")
    return " ".join([name, *shown])
