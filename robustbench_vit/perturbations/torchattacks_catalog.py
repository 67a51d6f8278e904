"""The attacks of the library torchattacks, and the catalogue rows of what it takes part in; torch-free."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from math import inf

from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.perturbations.attack_row import AttackRow, check_eps
from robustbench_vit.records import Knowledge, Threat
from robustbench_vit.spec import Spec, Value, as_spec

TEN_STEPS = "ten_step_ensemble"
"""Our name for the library's class of the published ensemble, which makes 10 steps where the publication makes 100."""

CLASSES: Mapping[str, str] = {TEN_STEPS: "AutoAttack"}
"""Names of the library where ours differ."""

_NAMES = {theirs: ours for ours, theirs in CLASSES.items()}


@dataclass(frozen=True)
class LibraryAttack:
    """What the library documents about one of its attacks.

    Args:
        norms: Distances it knows, its default first: ``linf``, ``l2``, or ``l1``, ``l0`` where it knows no bound.
        bound: Keyword of the largest distance; empty if it keeps to none.
        knowledge: What it uses.
        steps: Gradient steps by default; 0 if it makes none, or nobody can say.
        counts: Keyword of the number of steps; empty if there is none.
    """

    norms: tuple[str, ...] = ("linf",)
    bound: str = "eps"
    knowledge: Knowledge = "white-box"
    steps: int = 10
    counts: str = "steps"

    @property
    def chooses(self) -> bool:
        """Whether the norm is up to the user."""
        return bool(self.bound) and len(self.norms) > 1

    @property
    def norm(self) -> str | None:
        """The norm of its bound, if it keeps to one; the first if it has a choice."""
        return self.norms[0] if self.bound else None


def _named(names: str, attack: LibraryAttack) -> dict[str, LibraryAttack]:
    return dict.fromkeys(names.split(), attack)


_EITHER = ("linf", "l2")

TORCHATTACKS: Mapping[str, LibraryAttack] = {
    **_named("BIM DIFGSM EOTPGD Jitter MIFGSM NIFGSM PGD PGDRS RFGSM SINIFGSM TIFGSM TPGD UPGD", LibraryAttack()),
    **_named("VMIFGSM VNIFGSM", LibraryAttack()),
    **_named("FFGSM FGSM", LibraryAttack(steps=1, counts="")),
    **_named("PIFGSM PIFGSMPP", LibraryAttack(bound="max_epsilon", counts="num_iter_set")),
    **_named("PGDL2 PGDRSL2", LibraryAttack(("l2",))),
    **_named("APGD APGDT FAB", LibraryAttack(_EITHER)),
    **_named(TEN_STEPS, LibraryAttack(_EITHER, counts="")),
    **_named("SPSA", LibraryAttack(knowledge="black-box", steps=0, counts="")),
    **_named("Square", LibraryAttack(_EITHER, knowledge="black-box", steps=0, counts="")),
    **_named("CW DeepFool", LibraryAttack(("l2",), bound="", steps=50)),
    **_named("EADL1", LibraryAttack(("l1",), bound="", steps=100, counts="max_iterations")),
    **_named("EADEN", LibraryAttack(("l1", "l2"), bound="", steps=100, counts="max_iterations")),
    **_named("SparseFool", LibraryAttack(("l0",), bound="")),
    **_named("JSMA", LibraryAttack(("l0",), bound="", steps=0, counts="")),
    **_named("OnePixel Pixle", LibraryAttack(("l0",), bound="", knowledge="black-box", steps=0, counts="")),
    **_named("GN VANILA", LibraryAttack((), bound="", knowledge="black-box", steps=0, counts="")),
}
"""All attacks of version 3.5.1 by name. The library's MultiAttack and LGV are left out: they are wrappers."""


def honest(name: str) -> str:
    """Our name of an attack of the library.

    Raises:
        UnknownNameError: If there is none; offers the closest names.
    """
    name = _NAMES.get(name, name)
    if name not in TORCHATTACKS:
        raise UnknownNameError("attack of torchattacks", name, {*TORCHATTACKS, *_NAMES})
    return name


@dataclass(frozen=True)
class LibraryRow(AttackRow):
    """An attack that the library computes."""

    def versions(self, spec: Spec) -> tuple[int, ...]:
        """Its own version, then that of the library, where there is one."""
        return (*super().versions(spec), *_installed())


@dataclass(frozen=True)
class TorchattacksRow(LibraryRow):
    """Any attack of the library, with whatever keywords it takes."""

    def bind(self, spec: str | Spec) -> Spec:
        """Check and complete a spec; keywords of the attack are checked when it is made, for here is no library.

        Raises:
            SpecError: If there is no such attack, an eps is missing or unknown to it, or the norm is not one of its.
        """
        spec = as_spec(spec)
        own = {parameter.name for parameter in self.parameters}
        bound = super().bind(replace(spec, args={key: value for key, value in spec.args.items() if key in own}))
        name = honest(str(bound.args["name"]))
        shown, attack, eps = f"{self.name}({name})", TORCHATTACKS[name], bound.args["eps"]
        if attack.bound and eps is None:
            raise SpecError(f"{shown} needs eps= (largest distance, pixels in [0,1] as in 4/255)")
        if not attack.bound and eps is not None:
            raise SpecError(f"{shown} keeps to no eps; leave it out")
        norm = _norm(shown, attack, bound.args["norm"])
        check_eps(shown, norm, eps)
        options = {key: value for key, value in spec.args.items() if key not in own}
        return replace(bound, args={**bound.args, "name": name, "norm": norm, **options})

    def display(self, spec: str | Spec) -> str:
        """The spec string without the norm, where it is the attack's first, and without other defaults."""
        bound, shown = self.bind(spec), as_spec(super().display(spec))
        first = TORCHATTACKS[str(bound.args["name"])].norm
        left = {key: value for key, value in shown.args.items() if (key, value) != ("norm", first)}
        return str(replace(shown, args=left))

    def threat(self, spec: str | Spec) -> Threat:
        """What the attack is allowed: nothing is known of one without an eps."""
        args = self.bind(spec).args
        name, eps = str(args["name"]), args["eps"]
        attack = TORCHATTACKS[name]
        steps = args.get(attack.counts, attack.steps)
        return Threat(
            f"{self.name}({name})",
            str(args["norm"] or ""),
            float(eps) if isinstance(eps, int | Fraction) else inf,
            attack.knowledge,
            steps if isinstance(steps, int) else attack.steps,
        )


def _norm(shown: str, attack: LibraryAttack, norm: Value) -> str | None:
    """The norm of an attack's bound, as given or its first.

    Raises:
        SpecError: If it is not one of the attack's.
    """
    if norm is None:
        return attack.norm
    if not attack.bound:
        raise SpecError(f"{shown} keeps to no eps, so there is no norm to choose; leave it out")
    if norm not in attack.norms:
        raise SpecError(f"{shown} knows norm={' or '.join(attack.norms)}, got {norm}")
    return str(norm)


def _installed() -> tuple[int, ...]:
    """Version of the library; empty if there is none."""
    try:
        return tuple(map(int, re.findall(r"\d+", version("torchattacks"))))
    except PackageNotFoundError:
        return ()
