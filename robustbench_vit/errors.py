"""Everything this package raises on purpose.

::

    RobustbenchError
    ├── SpecError          a spec string that does not parse, or does not fit its catalogue row
    │   └── UnknownNameError   a name no catalogue knows; offers the closest ones
    ├── DataError          a file, folder or label that is not what was promised
    ├── ModelError         weights, preprocessing or outputs of a model
    ├── CaseError          one case cannot be run; the others go on
    └── StoreError         a result file that cannot be read or written

Every message names the thing, what was expected, what came, and the next step.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RobustbenchError(Exception):
    """Base of all errors raised on purpose."""


class SpecError(RobustbenchError, ValueError):
    """A spec string does not parse, or its arguments do not fit the catalogue row."""


_SHOWN = 30  # names an error lists before it counts the rest


class UnknownNameError(SpecError):
    """No catalogue row has this name.

    Args:
        kind: What was looked for, e.g. ``"perturbation"``.
        name: The name that was given.
        known: All names that would have been right.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = get_close_matches(name, known, n=3, cutoff=0.5)
        shown = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {shown or 'none'}."
        super().__init__(f"unknown {kind} {name!r}; {hint}")


class DataError(RobustbenchError):
    """A data set or one of its files is not what was expected."""


class ModelError(RobustbenchError):
    """A model cannot be loaded, or returns something that is not N×K finite logits."""


class CaseError(RobustbenchError):
    """One case cannot be run with this model and these images; the other cases go on."""


class StoreError(RobustbenchError):
    """A result file or folder cannot be read or written."""
