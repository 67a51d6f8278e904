"""What perturbations and saliency providers ask of the engine; torch-free."""

from dataclasses import dataclass
from typing import Literal

from robustbench_vit.spec import Spec, Value

Needed = Literal["model", "labels", "mask", "saliency", "examples", "pixel_std", "stored"]


@dataclass(frozen=True)
class When:
    """A condition on one parameter's value.

    Args:
        parameter: Name of the parameter.
        values: Values for which it holds.
    """

    parameter: str
    values: tuple[Value, ...]

    def holds(self, spec: Spec) -> bool:
        """Whether a bound spec meets it."""
        return spec.args[self.parameter] in self.values


@dataclass(frozen=True)
class Need:
    """Something the engine must hand over in the context.

    Args:
        what: Field of the context.
        when: Condition under which it is needed, or None for always.
    """

    what: Needed
    when: When | None = None
