"""Catalogues: plain, torch-free tables of what exists (contract C10).

One catalogue a room. A row names a lazy target ``"module:attribute"`` that is imported when it is used, so listing is
cheap and a broken plugin raises its own error. Third parties add rows through entry points: the group is
``robustbench_vit.<room>``, the entry point's name must equal the row's name, and it loads a row.
"""

import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.spec import Spec, Value, as_spec, format_value, normalised

REQUIRED = Spec("required")
"""Default of a parameter that has none."""

Kind = Literal["number", "integer", "word", "flag", "sizes", "path", "spec", "specs", "numbers", "any"]

_TYPES: Mapping[Kind, Any] = {
    "number": int | Fraction,
    "integer": int,
    "word": str,
    "flag": bool,
    "path": str,
    "spec": str | Spec,
    "any": object,
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a catalogue row.

    Args:
        name: Keyword of the target.
        default: Value when the user says nothing, or `REQUIRED`.
        summary: One line with the unit.
        kind: What values are accepted; ``sizes`` is an integer or a list of two, ``specs`` and ``numbers`` are lists
            of at least one.
        low: Smallest number allowed.
        high: Largest number allowed.
        choices: Words allowed.
        optional: Whether ``none`` is allowed.
    """

    name: str
    default: Any
    summary: str
    kind: Kind = "number"
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "default", normalised(self.default))

    def check(self, value: Value, owner: str) -> Value:
        """Return the value if it fits, else say what was expected and what came.

        Raises:
            SpecError: If kind, range or choices are violated.
        """
        if value is None and self.optional:
            return value
        if not self._fits(value):
            raise SpecError(f"{owner}: {self.name} must be {self.expected}, got {format_value(value)}")
        return value

    def _fits(self, value: Value) -> bool:
        if isinstance(value, bool) and self.kind in ("number", "integer", "sizes"):
            return False  # to Python, true is an integer
        if self.kind == "sizes":
            sizes = value if isinstance(value, tuple) else (value, value)
            return len(sizes) == 2 and all(isinstance(size, int) and self._in_range(size) for size in sizes)
        if self.kind in ("specs", "numbers"):
            one = Parameter(
                self.name, None, self.summary, "spec" if self.kind == "specs" else "number", self.low, self.high
            )
            return isinstance(value, tuple) and len(value) > 0 and all(one._fits(item) for item in value)
        fits = isinstance(value, _TYPES[self.kind])
        if self.kind in ("number", "integer"):
            return fits and self._in_range(value)
        return fits and (not self.choices or value in self.choices)

    def _in_range(self, value: Any) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def expected(self) -> str:
        """What a user may write, in words."""
        if self.choices:
            words = " or ".join(self.choices)
        else:
            kinds = {
                "flag": "true or false",
                "sizes": "an integer or [height, width]",
                "spec": "a spec",
                "specs": "a list of specs",
                "numbers": "a list of numbers",
                "word": "a word",
            }
            words = kinds.get(self.kind, f"a{'n' if self.kind == 'integer' else ''} {self.kind}")
        if self.low is not None and self.high is not None:
            words += f" in [{self.low:g}, {self.high:g}]"
        elif self.low is not None:
            words += f" of at least {self.low:g}"
        elif self.high is not None:
            words += f" of at most {self.high:g}"
        return f"{words} or none" if self.optional else words


@dataclass(frozen=True)
class Row:
    """One line of a catalogue.

    Args:
        name: What users type.
        target: Lazy ``"module:attribute"``.
        summary: One line for ``robustbench-vit list``.
        parameters: All parameters of the target that a user may set.
        positional: The parameter that may be given without its name.
        reference: Paper, section or file the row follows.
        version: Grows when the same spec gives other results; part of every result's key.
    """

    name: str
    target: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    positional: str | None = None
    reference: str = ""
    version: int = 1

    def load(self) -> Any:
        """Import the target."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)

    def bind(self, spec: str | Spec) -> Spec:
        """Check a spec against this row and fill in every parameter.

        Returns:
            A spec with all parameters as keywords: the canonical form.

        Raises:
            SpecError: On an unknown, missing or ill-fitting argument.
        """
        spec = as_spec(spec)
        args = dict(spec.args)
        if spec.positional:
            if self.positional is None:
                raise SpecError(f"{self.name} takes no positional argument, got {format_value(spec.positional[0])}")
            if self.positional in args:
                raise SpecError(f"{self.name}: {self.positional} is given twice")
            args[self.positional] = spec.positional[0]
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in args:
            if name not in known:
                raise UnknownNameError(f"parameter of {self.name}", name, known)
        filled = {name: args.get(name, parameter.default) for name, parameter in known.items()}
        missing = [name for name, value in filled.items() if value is REQUIRED]
        if missing:
            raise SpecError(f"{self.name} needs {missing[0]}= ({known[missing[0]].summary})")
        checked = {name: known[name].check(value, self.name) for name, value in filled.items()}
        return Spec(spec.name, checked, source=spec.source)

    def display(self, spec: str | Spec) -> str:
        """The spec string with defaults left out."""
        bound = self.bind(spec)
        defaults = {parameter.name: parameter.default for parameter in self.parameters}
        shown = {name: value for name, value in bound.args.items() if value != defaults.get(name, REQUIRED)}
        return str(Spec(bound.name, shown, source=bound.source))

    def label(self, spec: str | Spec) -> str:
        """The display form with files and folders by their name alone: tables are read on other machines."""
        shown = as_spec(self.display(spec))
        paths = {parameter.name for parameter in self.parameters if parameter.kind == "path"}
        args = {
            name: Path(value).name if name in paths and isinstance(value, str) else value
            for name, value in shown.args.items()
        }
        first = (args.pop(self.positional),) if self.positional in paths & set(args) else ()
        return str(Spec(shown.name, args, first, shown.source))

    def canonical(self, spec: str | Spec) -> str:
        """The spec string with every parameter, paths replaced by digests of what they hold: part of result keys."""
        bound = self.bind(spec)
        paths = {parameter.name for parameter in self.parameters if parameter.kind == "path"}
        args = {name: _digested(value) if name in paths else value for name, value in bound.args.items()}
        return str(Spec(bound.name, args, source=bound.source))


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True)
class Catalog(Generic[RowT]):
    """The rows of one room.

    Args:
        room: Plural name, also the suffix of the entry-point group (``perturbations``).
        builtin: The rows of this package, sorted by name.

    Raises:
        ValueError: If rows are unsorted or a name comes twice.
    """

    room: str
    builtin: tuple[RowT, ...]
    _loaded: dict[str, RowT] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [row.name for row in self.builtin]
        if names != sorted(set(names)):
            raise ValueError(f"the rows of {self.room} must be sorted and unique, got {names}")

    def __iter__(self) -> Iterator[RowT]:
        return (self[name] for name in self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> RowT:
        """The row of a name.

        Raises:
            UnknownNameError: If there is none; offers the closest names.
        """
        if name in self._rows:
            return self._rows[name]
        if name in self._plugins:
            return self._loaded.setdefault(name, self._plugin(name))
        raise UnknownNameError(self.room.removesuffix("s"), name, self.names)

    @property
    def names(self) -> list[str]:
        """All names, those of plugins included, sorted."""
        return sorted({*self._rows, *self._plugins})

    def row(self, spec: str | Spec) -> RowT:
        """The row a spec names; ``source:name`` is another name than ``name``."""
        spec = as_spec(spec)
        return self[f"{spec.source}:{spec.name}" if spec.source else spec.name]

    def load(self, spec: str | Spec) -> tuple[Any, Mapping[str, Value]]:
        """Import the target of a spec and return it with its checked, complete arguments."""
        row = self.row(spec)
        return row.load(), row.bind(spec).args

    def _plugin(self, name: str) -> RowT:
        """Load a third party's row; a broken plugin raises its own error here, when it is asked for."""
        row = self._plugins[name]()
        if row.name != name:
            raise SpecError(f"the plugin {name!r} of {self.room} holds a row named {row.name!r}; both must agree")
        return row

    @cached_property
    def _rows(self) -> dict[str, RowT]:
        return {row.name: row for row in self.builtin}

    @cached_property
    def _plugins(self) -> dict[str, Callable[[], RowT]]:
        found = {point.name: point.load for point in entry_points(group=f"robustbench_vit.{self.room}")}
        clash = sorted(set(found) & set(self._rows))
        if clash:
            raise SpecError(f"an installed plugin redefines {self.room} {clash}; plugins need names of their own")
        return found


def digest(parts: Iterable[bytes]) -> str:
    """32 hex digits of blake2b over length-prefixed parts, so that no two lists of parts run together."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def _digested(value: Value) -> Value:
    """A file's or folder's content digest in place of its path."""
    if not isinstance(value, str):
        return value
    path = Path(value).expanduser()
    if not path.exists():
        raise SpecError(f"no such file or folder: {value}")
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    stamps = tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return _digested_files(path, stamps)


@lru_cache
def _digested_files(path: Path, stamps: tuple[tuple[Path, int, int], ...]) -> str:
    """Digest of names and contents; files that look unchanged are read once a process."""
    return digest(
        part for file, *_ in stamps for part in (file.relative_to(path).as_posix().encode(), file.read_bytes())
    )
