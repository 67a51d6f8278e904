"""Catalogue rows of attacks: what they are allowed, and attacks made of attacks; torch-free."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from typing import Any, cast

from robustbench_vit.catalog import REQUIRED, Catalog, Parameter
from robustbench_vit.errors import SpecError
from robustbench_vit.perturbations.needs import Need, Needed
from robustbench_vit.perturbations.row import Axis, PerturbationRow
from robustbench_vit.records import Knowledge, Threat
from robustbench_vit.spec import Spec, Value, as_spec, format_value, parse

EPS = Parameter("eps", REQUIRED, "largest distance, pixels in [0,1] as in 4/255", low=0)
NORM = Parameter("norm", "linf", "how distance is measured", "word", choices=("linf", "l2"))
NEEDS = (Need("model"), Need("labels"))
_AXIS = Axis("eps", "eps, pixels in [0,1]", clean_at=0.0)


@dataclass(frozen=True)
class AttackRow(PerturbationRow):
    """An attack.

    Args:
        knowledge: What it uses.
        one_step: Whether it makes a single gradient step.
    """

    family: str = "adversarial"
    needs: tuple[Need, ...] = NEEDS
    axis: Axis | None = _AXIS
    grows_with: str | None = "eps"
    knowledge: Knowledge = "white-box"
    one_step: bool = False

    def bind(self, spec: str | Spec) -> Spec:
        """Check and complete a spec.

        Raises:
            SpecError: If an argument does not fit; or eps is wider than all pixel values, as 4 in place of 4/255.
        """
        bound = super().bind(spec)
        check_eps(self.name, bound.args.get("norm", "linf"), bound.args.get("eps"))
        return bound

    def threat(self, spec: str | Spec) -> Threat | None:
        """What the attack is allowed."""
        args = self.bind(spec).args
        eps, steps = args.get("eps"), args.get("steps", 1 if self.one_step else 0)
        return Threat(
            self.name,
            str(args.get("norm", "linf")),
            float(eps) if isinstance(eps, int | Fraction) else inf,
            self.knowledge,
            steps if isinstance(steps, int) else 0,
        )

    def passes(self, spec: str | Spec) -> tuple[int, int]:
        """Forward and backward passes that one image takes at most, as far as its arguments tell."""
        bound = self.bind(spec)
        threat, args = self.threat(bound), bound.args
        if self.one_step or threat is None:
            return 2, 1
        if threat.knowledge == "black-box":
            return _number(args, "queries") + 1, 0
        targets = _number(args, "targets") if args.get("loss") in (None, "dlr_targeted") else 1
        runs = _number(args, "restarts") * targets
        return 1 + runs * (threat.steps + 1), runs * threat.steps


@dataclass(frozen=True)
class PgdRow(AttackRow):
    """Steps of a given length."""

    def bind(self, spec: str | Spec) -> Spec:
        """Check and complete a spec.

        Raises:
            SpecError: If an argument does not fit, the step is longer than the ball is wide, or all restarts would be
                the same.
        """
        bound = super().bind(spec)
        alpha, eps = bound.args["alpha"], bound.args["eps"]
        if isinstance(alpha, int | Fraction) and isinstance(eps, int | Fraction) and not 0 < alpha <= max(2 * eps, 0):
            raise SpecError(
                f"{self.name}: alpha={format_value(alpha)} must lie above 0 and be at most 2·eps, which spans the "
                "ball; it is in pixels in [0,1], as in 1/255"
            )
        if not bound.args["random_start"] and _number(bound.args, "restarts") > 1:
            raise SpecError(f"{self.name}: restarts differ by their random start; without one, say restarts=1")
        return bound


@dataclass(frozen=True)
class EnsembleRow(AttackRow):
    """An attack made of fixed others, which are rows of the same catalogue.

    Args:
        parts: Names by which the column ``broken_by`` knows them, with their specs but for eps and norm.
    """

    parts: tuple[tuple[str, str], ...] = ()

    def members(self, spec: Spec) -> dict[str, tuple[AttackRow, Spec]]:
        """The attacks of a bound spec by name, with their rows."""
        from robustbench_vit.perturbations.attack_catalog import ATTACKS  # which holds this row

        return {name: (ATTACKS.row(one), one) for name, one in allowing(self.parts, spec.args).items()}

    def versions(self, spec: Spec) -> tuple[int, ...]:
        """Its own version, then those of its parts."""
        own = super().versions(spec)
        return sum((row.versions(one) for row, one in self.members(spec).values()), own)

    def threat(self, spec: str | Spec) -> Threat | None:
        """What each of its parts is allowed."""
        threat, members = super().threat(spec), self.members(self.bind(spec))
        black_box = tuple(name for name, (row, _) in members.items() if row.knowledge == "black-box")
        return threat and replace(threat, members=tuple(members), black_box=black_box)

    def passes(self, spec: str | Spec) -> tuple[int, int]:
        """Those of its parts, and a look at the result of each."""
        return _sum(row.passes(one) for row, one in self.members(self.bind(spec)).values())


@dataclass(frozen=True)
class CompositeRow(AttackRow):
    """An attack made of other attacks.

    Args:
        attacks: The catalogue of those.
    """

    axis: Axis | None = None
    grows_with: str | None = None
    attacks: Catalog[AttackRow] | None = None

    def catalog_of(self, parameter: str) -> Catalog[Any] | None:
        """Attacks stand in the parameters of that name."""
        return self.attacks if parameter in ("attack", "attacks") else super().catalog_of(parameter)

    def members(self, spec: Spec) -> list[tuple[AttackRow, Spec]]:
        """The attacks of a bound spec, with their rows."""
        value = spec.args["attacks" if "attacks" in spec.args else "attack"]
        inner = [as_spec(cast("str | Spec", item)) for item in (value if isinstance(value, tuple) else (value,))]
        return [(cast("Catalog[AttackRow]", self.attacks).row(one), one) for one in inner]

    def needed(self, spec: Spec) -> frozenset[Needed]:
        """Its own needs, and those of its attacks."""
        return super().needed(spec).union(*(row.needed(one) for row, one in self.members(spec)))

    def versions(self, spec: Spec) -> tuple[int, ...]:
        """Its own version, then those of its attacks."""
        own = super().versions(spec)
        return sum((row.versions(one) for row, one in self.members(spec)), own)

    def passes(self, spec: str | Spec) -> tuple[int, int]:
        """Those of its attacks, and a look at the result of each."""
        return _sum(row.passes(one) for row, one in self.members(self.bind(spec)))

    def threats(self, spec: Spec) -> list[Threat]:
        """What each of its attacks is allowed.

        Raises:
            SpecError: If one of them knows no bound.
        """
        found = [row.threat(one) for row, one in self.members(spec)]
        bounded = [threat for threat in found if threat is not None and threat.norm]
        if len(bounded) < len(found):
            raise SpecError(f"{self.name} takes attacks that keep to an eps; got {spec}")
        return bounded


@dataclass(frozen=True)
class WorstRow(CompositeRow):
    """The worst of several attacks on each image."""

    def bind(self, spec: str | Spec) -> Spec:
        """Check and complete a spec.

        Raises:
            SpecError: If the attacks are not allowed the same.
        """
        bound = super().bind(spec)
        allowed = {(threat.norm, threat.eps) for threat in self.threats(bound)}
        if len(allowed) > 1:
            shown = " and ".join(f"{norm} {eps:.6g}" for norm, eps in sorted(allowed))
            raise SpecError(f"{self.name}: attacks must have the same norm and eps, got {shown}; make a case of each")
        return bound

    def threat(self, spec: str | Spec) -> Threat | None:
        """What each attack is allowed; the knowledge of the one that knows most."""
        bound = self.bind(spec)
        threats = self.threats(bound)
        known = [threat.knowledge for threat in threats]
        knowledge: Knowledge = "white-box" if "white-box" in known else known[0]
        names = [row.label(one) for row, one in self.members(bound)]
        black_box = tuple(name for name, known in zip(names, threats, strict=True) if known.knowledge == "black-box")
        return Threat(self.name, threats[0].norm, threats[0].eps, knowledge, members=tuple(names), black_box=black_box)


@dataclass(frozen=True)
class MinEpsRow(CompositeRow):
    """One attack at increasing eps; its own eps comes from the grid."""

    def bind(self, spec: str | Spec) -> Spec:
        """Check and complete a spec; the attack is given the largest eps of the grid.

        Raises:
            SpecError: If the grid does not increase from above 0, or the attack has an eps of its own.
        """
        spec = as_spec(spec)
        grid, attack = spec.args.get("grid"), spec.args.get("attack")
        if not isinstance(grid, tuple) or not isinstance(attack, str | Spec):
            return super().bind(spec)  # which says what is missing
        numbers = [item for item in grid if isinstance(item, int | Fraction) and not isinstance(item, bool)]
        increasing = all(low < high for low, high in zip([0, *numbers], numbers, strict=False))
        if not numbers or len(numbers) < len(grid) or not increasing:
            raise SpecError(f"{self.name}: grid must increase from above 0, got {format_value(grid)}")
        inner = as_spec(attack)
        given = inner.positional and self.attacks is not None and self.attacks.row(inner).positional == "eps"
        if given or inner.args.get("eps", numbers[-1]) != numbers[-1]:
            raise SpecError(f"{self.name} takes eps from its grid; leave it out of {inner}")
        inner = replace(inner, args={**inner.args, "eps": numbers[-1]})
        return super().bind(replace(spec, args={**spec.args, "attack": inner}))

    def label(self, spec: str | Spec) -> str:
        """The display form, without the attack's eps."""
        shown = as_spec(super().label(spec))
        inner = as_spec(cast("Spec", shown.args["attack"]))
        left = {name: value for name, value in inner.args.items() if name != "eps"}
        return str(replace(shown, args={**shown.args, "attack": replace(inner, args=left)}))

    def threat(self, spec: str | Spec) -> Threat | None:
        """What the attack is allowed at the end of the grid, and the grid."""
        bound = self.bind(spec)
        (own,) = self.threats(bound)
        grid = tuple(float(cast("Fraction", eps)) for eps in cast("tuple[Value, ...]", bound.args["grid"]))
        return replace(own, attack=self.name, grid=grid)

    def passes(self, spec: str | Spec) -> tuple[int, int]:
        """Those of its attack, once for each eps."""
        forward, backward = super().passes(spec)
        count = len(cast("tuple[Value, ...]", self.bind(spec).args["grid"]))
        return count * forward, count * backward


@dataclass(frozen=True)
class TransferRow(CompositeRow):
    """An attack on one model whose images are judged by another."""

    needs: tuple[Need, ...] = (*NEEDS, Need("examples"))
    knowledge: Knowledge = "transfer"

    def bind(self, spec: str | Spec) -> Spec:
        """Check and complete a spec; the source becomes text, which only the room of models understands.

        Raises:
            SpecError: If an argument does not fit, or the attack keeps to no eps.
        """
        bound = super().bind(spec)
        self.threats(bound)
        return replace(bound, args={**bound.args, "source": self.source(bound)})

    def label(self, spec: str | Spec) -> str:
        """The display form; of a path in the source, its last part."""
        shown = as_spec(super().label(spec))
        source = _pathless(self.source(shown))
        model = _parsed(source)
        return str(replace(shown, args={**shown.args, "source": model if model and model.args else source}))

    def canonical(self, spec: str | Spec) -> str:
        """The canonical form without paths: the digest of the source is a part of result keys of its own."""
        full = as_spec(super().canonical(spec))
        return str(replace(full, args={**full.args, "source": _pathless(self.source(full))}))

    def source(self, spec: Spec) -> str:
        """The source model, as a spec or as the name of a model that was given as an object."""
        return str(spec.args["source"])

    def threat(self, spec: str | Spec) -> Threat | None:
        """What the attack is allowed, and on which model."""
        bound = self.bind(spec)
        (own,) = self.threats(bound)
        return replace(own, attack=self.name, knowledge="transfer", source=_pathless(self.source(bound)))


def allowing(parts: Iterable[tuple[str, str]], allowed: Mapping[str, Value]) -> dict[str, Spec]:
    """The fixed attacks of an ensemble by name, each with what all of them are allowed: eps and norm."""
    specs = {name: parse(text) for name, text in parts}
    return {name: replace(spec, args={**spec.args, **allowed}) for name, spec in specs.items()}


_FARTHEST = {"linf": 1, "l2": 50}
"""An eps that nobody means: in L∞ the whole range of pixels; in L2, 55 is the longest way between images of 32×32."""


def check_eps(name: str, norm: Value, eps: Value) -> None:
    """Make sure that eps is in pixels in [0,1].

    Raises:
        SpecError: If it can only be in 8-bit steps.
    """
    farthest = _FARTHEST.get(str(norm))
    if farthest is not None and isinstance(eps, int | Fraction) and eps >= farthest:
        reach = "is the whole range" if eps == 1 else "is more than the whole range"
        what = f"{reach} of pixels, [0,1]" if norm == "linf" else "is farther than any L2 distance in use"
        meant = f"{format_value(eps)}/255" if isinstance(eps, int) and eps <= 255 else "a fraction such as 4/255"
        raise SpecError(f"{name}: eps={format_value(eps)} {what}; write {meant} if 8-bit steps are meant")


def _number(args: Mapping[str, Value], name: str) -> int:
    """An argument that counts something; 1 where there is none."""
    value = args.get(name, 1)
    return value if isinstance(value, int) else 1


def _sum(passes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Passes of several attacks, one more forward for the result of each."""
    found = list(passes)
    return 1 + sum(forward + 1 for forward, _ in found), sum(backward for _, backward in found)


def _pathless(source: str) -> str:
    """A model spec with files by their name alone; other text as it is."""
    spec = _parsed(source)
    if spec is None:
        return source
    args = {key: value.rpartition("/")[2] if isinstance(value, str) else value for key, value in spec.args.items()}
    name = spec.name.rpartition("/")[2] if ".py" in spec.name else spec.name
    return str(replace(spec, name=name, args=args)) if args != spec.args or name != spec.name else source


def _parsed(source: str) -> Spec | None:
    """A model spec; None for the name of an object that is no spec."""
    try:
        return parse(source)
    except SpecError:
        return None
