"""Spec strings: the one text form for everything a user names (contract C4).

Grammar::

    spec  = [source ':'] name ['(' [arg {',' arg}] ')']
    arg   = [key '='] value                       # one positional value at most, and it comes first
    value = integer | decimal | fraction | true | false | none | list | quoted string | nested spec | bare word
    list  = '[' [value {',' value}] ']'

A bare word holds no whitespace, comma, bracket, ``=`` or quote, so most paths need no quotes. Inside a value a name
is a nested spec only with parentheses (``pgd()``); without them it is a word. Numbers are exact: ``0.7`` is the
fraction 7/10 and ``4/255`` stays 4/255, so that counting with them never meets floating-point rounding.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from robustbench_vit.errors import SpecError

Value: TypeAlias = "int | Fraction | bool | str | Spec | tuple[Value, ...] | None"

SOURCES = ("timm", "torchvision", "zoo")
"""Prefixes that are sources. Any other text before a colon belongs to the name (``examples/x.py:build``)."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(/\d+)?\Z")
_WORD = re.compile(r"""[^\s,()\[\]='"]+""")
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "none": None}


def exact(number: float | Fraction) -> Fraction:
    """The decimal a person wrote, as an exact fraction: ``exact(0.7) == Fraction(7, 10)``.

    Raises:
        SpecError: If the number is infinite or not a number.
    """
    try:
        return number if isinstance(number, Fraction) else Fraction(repr(number))
    except ValueError as error:
        raise SpecError(f"{number!r} is not a finite number") from error


@dataclass(frozen=True)
class Spec:
    """A parsed spec string; values are normalised to exact numbers and tuples.

    Args:
        name: Catalogue name, path of a Python file with its function, or whatever follows the source.
        args: Keyword arguments.
        positional: The one positional argument, absent if ``()``.
        source: One of `SOURCES`, or None.

    Example:
        >>> parse("patchdrop(region=salient, ratio=0.5)").args["ratio"]
        Fraction(1, 2)
        >>> str(Spec("pgd", {"eps": Fraction(4, 255)}))
        'pgd(eps=4/255)'
    """

    name: str
    args: dict[str, Value] = field(default_factory=dict)
    positional: tuple[Value, ...] = ()
    source: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", {key: normalised(value) for key, value in self.args.items()})
        object.__setattr__(self, "positional", tuple(normalised(value) for value in self.positional))

    def __str__(self) -> str:
        return format_spec(self)

    def __hash__(self) -> int:
        return hash(format_spec(self))


def parse(text: str) -> Spec:
    """Parse one spec string.

    Args:
        text: For example ``"timm:vit_tiny_patch16_224(checkpoint=/w/vit.safetensors, mean=0.5)"``.

    Returns:
        The spec. ``parse(str(spec)) == spec`` holds for every spec.

    Raises:
        SpecError: With the position and what was expected there.
    """
    reader = _Reader(text)
    spec = reader.spec()
    reader.end()
    return spec


def as_spec(spec: "str | Spec") -> Spec:
    """A spec as it is, or a spec string parsed."""
    return spec if isinstance(spec, Spec) else parse(spec)


def parse_value(text: str) -> Value:
    """Parse what may stand behind ``key=``."""
    reader = _Reader(text)
    value = reader.value()
    reader.end()
    return value


def split_specs(text: str) -> list[str]:
    """Split a comma-separated list of specs at the commas outside brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote and text[position - 1] != "\\" else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "([") - (character in ")]")
            if character == "," and depth == 0:
                parts.append(text[start:position])
                start = position + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def format_spec(spec: Spec) -> str:
    """The spec string with sorted keys."""
    name = spec.name if _WORD.fullmatch(spec.name) and _split_source(spec.name)[0] is None else _quoted(spec.name)
    head = f"{spec.source}:{name}" if spec.source else name
    args = [format_value(value) for value in spec.positional]
    args += [f"{key}={format_value(value)}" for key, value in sorted(spec.args.items())]
    return f"{head}({', '.join(args)})" if args else head


def format_value(value: Value) -> str:
    """One value as it stands in a spec string."""
    match value:
        case None | bool():
            return str(value).lower()
        case int() | Fraction():
            return _format_number(Fraction(value))
        case Spec():
            text = format_spec(value)
            return text if text.endswith(")") else f"{text}()"
        case tuple():
            return f"[{', '.join(format_value(item) for item in value)}]"
    bare = _WORD.fullmatch(value) and value not in _CONSTANTS and not _NUMBER.match(value)
    return value if bare else _quoted(value)


def _format_number(number: Fraction) -> str:
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{number.numerator}/{number.denominator}"
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    if digits == 0:
        return str(number.numerator)
    text = f"{abs(int(number * 10**digits)):0{digits + 1}d}"
    return f"{'-' if number < 0 else ''}{text[:-digits]}.{text[-digits:]}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def normalised(value: object) -> Value:
    """A Python value as specs hold it: decimals as exact fractions, lists as tuples.

    Raises:
        SpecError: If a spec cannot hold it.
    """
    match value:
        case None | bool() | int() | str() | Spec():
            return value
        case float() | Fraction():
            number = exact(value)
            return int(number) if number.denominator == 1 else number
        case list() | tuple():
            return tuple(normalised(item) for item in value)
    raise SpecError(f"a spec cannot hold {value!r} ({type(value).__name__}); use numbers, words, lists or specs")


def _split_source(word: str) -> tuple[str | None, str]:
    source, colon, rest = word.partition(":")
    return (source, rest) if colon and source in SOURCES else (None, word)


class _Reader:
    """Recursive-descent reader over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def fail(self, expected: str) -> SpecError:
        found = repr(self.text[self.position :][:20]) if self.position < len(self.text) else "the end"
        return SpecError(f"in {self.text!r} at column {self.position + 1}: expected {expected}, found {found}")

    def peek(self) -> str:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.text[self.position : self.position + 1]

    def take(self, character: str) -> bool:
        if self.peek() != character:
            return False
        self.position += 1
        return True

    def end(self) -> None:
        if self.peek():
            raise self.fail("the end of the text")

    def word(self, what: str) -> str:
        self.peek()
        found = _WORD.match(self.text, self.position)
        if not found:
            raise self.fail(what)
        self.position = found.end()
        return found.group()

    def quoted(self) -> str:
        quote, characters = self.text[self.position], []
        self.position += 1
        while self.position < len(self.text) and self.text[self.position] != quote:
            self.position += self.text[self.position] == "\\"
            characters.append(self.text[self.position : self.position + 1])
            self.position += 1
        if not self.take(quote):
            raise self.fail(f"a closing {quote}")
        return "".join(characters)

    def name(self) -> tuple[str | None, str]:
        if self.peek() and self.peek() in "\"'":
            return None, self.quoted()
        source, name = _split_source(self.word("a name"))
        if source and not name and self.peek() and self.peek() in "\"'":
            name = self.quoted()
        if not name:
            raise self.fail(f"a name after {source}:")
        return source, name

    def spec(self) -> Spec:
        source, name = self.name()
        return self.arguments(source, name) if self.take("(") else Spec(name, source=source)

    def arguments(self, source: str | None, name: str) -> Spec:
        args: dict[str, Value] = {}
        positional: list[Value] = []
        while not self.take(")"):
            if (args or positional) and not self.take(","):
                raise self.fail("',' or ')'")
            key = self.key()
            if key is None and (args or positional):
                raise self.fail(f"key=value; {name} takes one positional argument at most, and it comes first")
            if key in args:
                raise SpecError(f"in {self.text!r}: {key} is given twice")
            if key is None:
                positional.append(self.value())
            else:
                args[key] = self.value()
        return Spec(name, args, tuple(positional), source)

    def key(self) -> str | None:
        self.peek()
        found = re.compile(r"([A-Za-z_]\w*)\s*=").match(self.text, self.position)
        if found:
            self.position = found.end()
        return found.group(1) if found else None

    def value(self) -> Value:
        character = self.peek()
        if character == "[":
            self.position += 1
            return self.items()
        if character and character in "\"'":
            text = self.quoted()
            return self.arguments(None, text) if self.take("(") else text
        word = self.word("a value")
        if self.take("("):
            return self.arguments(*_split_source(word))
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        return self.number(word) if _NUMBER.match(word) else word

    def number(self, word: str) -> Value:
        try:
            numerator, _, denominator = word.partition("/")
            return normalised(Fraction(numerator) / int(denominator or 1))
        except ZeroDivisionError:
            raise SpecError(f"in {self.text!r}: {word} divides by zero") from None

    def items(self) -> tuple[Value, ...]:
        items: list[Value] = []
        while not self.take("]"):
            if items and not self.take(","):
                raise self.fail("',' or ']'")
            items.append(self.value())
        return tuple(items)
