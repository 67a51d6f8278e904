"""What a perturbation's catalogue row says beside its parameters; torch-free."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log2
from typing import Any, Literal

from robustbench_vit.catalog import Catalog, Row
from robustbench_vit.perturbations.needs import Need, Needed, When
from robustbench_vit.perturbations.saliency_catalog import SALIENCY
from robustbench_vit.records import Sweep, Threat
from robustbench_vit.spec import Spec, Value, as_spec


@dataclass(frozen=True)
class Axis:
    """The parameter along which a perturbation is swept.

    Args:
        parameter: Name of the parameter.
        label: Label of the axis with its unit.
        clean_at: Where the clean image lies on it, or None if it lies nowhere.
        cells: Whether the place on the axis is log₂ of the number of cells of a grid.
    """

    parameter: str
    label: str
    clean_at: float | None = None
    cells: bool = False

    def at(self, value: Value) -> float | None:
        """Place of a parameter value on the axis, or None if it has no fixed one."""
        if self.cells:
            sides = [side for side in (value if isinstance(value, tuple) else (value, value)) if isinstance(side, int)]
            return log2(sides[0] * sides[1]) if len(sides) == 2 else None
        return float(value) if isinstance(value, int | Fraction) else None


@dataclass(frozen=True)
class PerturbationRow(Row):
    """A perturbation.

    Args:
        family: Family in tables: ``frequency``, ``occlusion``, ``shuffle``, ``corruption``, ``adversarial``, …
        output: ``8bit`` (values are truncated to 8 bit, as published) or ``float``.
        takes: ``float`` images in [0,1], or ``8bit``: the function takes and returns uint8.
        needs: What the context must hold.
        axis: The parameter it is swept along.
        unclipped: When the output may leave [0,1] (contract C1).
        grows_with: Parameter that makes the image differ more, checked by the contract tests.
        grid: Spec strings of the default grid.
    """

    family: str = ""
    output: Literal["8bit", "float"] = "float"
    takes: Literal["8bit", "float"] = "float"
    needs: tuple[Need, ...] = ()
    axis: Axis | None = None
    unclipped: When | None = None
    grows_with: str | None = None
    grid: tuple[str, ...] = ()

    def catalog_of(self, parameter: str) -> Catalog[Any] | None:
        """The catalogue of the specs that stand in a parameter, if it holds specs."""
        return SALIENCY if parameter == "saliency" else None

    def bind(self, spec: str | Spec) -> Spec:
        """Check and complete a spec, nested ones included; a saliency provider nobody needs becomes the default."""
        bound = super().bind(spec)
        if "saliency" in bound.args and not self._asks("saliency", bound):
            bound = replace(bound, args={**bound.args, "saliency": self._default("saliency")})
        return self._nested(bound, lambda row, inner: row.bind(inner))

    def label(self, spec: str | Spec) -> str:
        """The display form with files by their name alone, those of nested specs included."""
        return str(self._nested(as_spec(super().label(spec)), lambda row, inner: as_spec(row.label(inner))))

    def canonical(self, spec: str | Spec) -> str:
        """Canonical form; paths inside nested specs are digested as well."""
        return str(self._nested(as_spec(super().canonical(spec)), lambda row, inner: as_spec(row.canonical(inner))))

    def saliency(self, spec: Spec) -> Spec | None:
        """The saliency provider a bound spec needs."""
        provider = spec.args.get("saliency")
        return provider if isinstance(provider, Spec) and self._asks("saliency", spec) else None

    def needed(self, spec: Spec) -> frozenset[Needed]:
        """What the context must hold for a bound spec, the needs of its saliency provider included."""
        what = {need.what for need in self.needs if need.when is None or need.when.holds(spec)}
        provider = self.saliency(spec)
        if provider is not None:
            what |= {need.what for need in SALIENCY.row(provider).needs}
        return frozenset(what)

    def versions(self, spec: Spec) -> tuple[int, ...]:
        """Version of the row, then those of the rows that a bound spec makes use of."""
        provider = self.saliency(spec)
        return (self.version,) if provider is None else (self.version, SALIENCY.row(provider).version)

    def threat(self, spec: str | Spec) -> Threat | None:
        """What an attack is allowed; None for perturbations that know no model."""
        del spec
        return None

    def passes(self, spec: str | Spec) -> tuple[int, int]:
        """Forward and backward passes of the model that perturbing one image takes at most."""
        del spec
        return 0, 0

    def is_unclipped(self, spec: Spec) -> bool:
        """Whether a bound spec's output may leave [0,1]."""
        return self.unclipped is not None and self.unclipped.holds(spec)

    def sweep(self, spec: str | Spec) -> Sweep | None:
        """The place of a spec on its curve."""
        bound = self.bind(spec)
        at = self.axis.at(bound.args[self.axis.parameter]) if self.axis else None
        if self.axis is None or at is None:
            return None
        shown = as_spec(self.label(bound)).args
        curve = {name: value for name, value in shown.items() if name != self.axis.parameter}
        return Sweep(str(Spec(self.name, curve)), self.axis.label, at, self.axis.clean_at)

    def _nested(self, spec: Spec, change: Callable[[Any, Spec], Spec]) -> Spec:
        """A spec with another form of each spec inside it, made by its catalogue row."""
        args: dict[str, Value] = {}
        for name, value in spec.args.items():
            catalog = self.catalog_of(name)
            if catalog is None or value is None:
                args[name] = value
            elif isinstance(value, tuple):
                args[name] = tuple(_changed(catalog, item, change) for item in value)
            else:
                args[name] = _changed(catalog, value, change)
        return replace(spec, args=args)

    def _asks(self, what: Needed, spec: Spec) -> bool:
        return any(need.what == what and (need.when is None or need.when.holds(spec)) for need in self.needs)

    def _default(self, name: str) -> Value:
        value: Value = next(parameter.default for parameter in self.parameters if parameter.name == name)
        return value


def _changed(catalog: Catalog[Any], value: Value, change: Callable[[Any, Spec], Spec]) -> Spec:
    inner = as_spec(value) if isinstance(value, str | Spec) else Spec(str(value))
    return change(catalog.row(inner), inner)
