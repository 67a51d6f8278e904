"""What a suite module declares: a `Suite` and functions that return a `Case` each (contract C5).

A suite is an ordinary pytest module::

    SUITE = Suite("occlusion", version=1, summary="…")

    @pytest.mark.parametrize("ratio", [0.1, 0.5])
    def bench_random(ratio):
        return Case(Spec("patchdrop", {"ratio": ratio}))

This module imports the standard library only, so that collecting a suite is cheap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from robustbench_vit.errors import SpecError
from robustbench_vit.spec import Spec, as_spec, parse


@dataclass(frozen=True)
class Case:
    """One condition to measure.

    Args:
        perturbation: Spec of a perturbation; ``"clean"`` leaves images as they are.
        data: None for the run's data, else the word of a data slot filled by ``--data SLOT=SPEC``.
        geometry: None for the data set's own, else a geometry spec; ``"native"`` is the model's own.
        labels: None for the data set's label space, else the same with another rule: ``imagenet-16(rule=max)``.
        limit: None for the run's number of samples, else at most so many, the first in canonical order: a costly case
            runs on a subset of the images of the others.
        tags: Free words to select and group by. A case tagged ``optional`` is skipped, not failed, where its
            perturbation does not fit the images (a grid that does not divide them), or the model does not fit the
            classes.
    """

    perturbation: Spec
    data: str | None = None
    geometry: str | None = None
    labels: str | None = None
    limit: int | None = None
    tags: tuple[str, ...] = ()

    def __init__(
        self,
        perturbation: str | Spec = "clean",
        data: str | None = None,
        geometry: str | None = None,
        labels: str | None = None,
        limit: int | None = None,
        tags: tuple[str, ...] = (),
    ) -> None:
        object.__setattr__(self, "perturbation", as_spec(perturbation))
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "geometry", None if geometry is None else str(parse(geometry)))
        object.__setattr__(self, "labels", None if labels is None else str(parse(labels)))
        object.__setattr__(self, "limit", limit)
        object.__setattr__(self, "tags", tuple(tags))
        if limit is not None and limit < 1:
            raise SpecError(f"case {self.perturbation}: limit must be at least 1, got {limit}")


EACH = "each"
"""In place of a model in a spec: every model of the run, a case for each."""


def for_each(case: Case, models: Sequence[str]) -> tuple[Case, ...]:
    """The case, or one for each model of the run where its perturbation says ``source=each``.

    Args:
        case: What a suite declares.
        models: Specs of the models.
    """
    spec = case.perturbation
    if spec.args.get("source") != EACH:
        return (case,)
    sources = [replace(spec, args={**spec.args, "source": model}) for model in dict.fromkeys(models)]
    return tuple(replace(case, perturbation=source) for source in sources)


@dataclass(frozen=True)
class Suite:
    """Name, version and defaults of a suite module.

    Args:
        name: What users type.
        version: Grows when the cases change; numbers of two versions never share a table.
        summary: One line for ``robustbench-vit list suites``.
        models: Model specs used when the user names none.
        data: Data spec used when the user names none, or one for each slot; ``""`` is the run's own.
        limit: Number of samples used when the user names none; None is all.

    Raises:
        SpecError: If the version or limit is not a positive integer, the name is not a word, or models are no tuple.
    """

    name: str
    version: int
    summary: str = ""
    models: tuple[str, ...] = ()
    data: str | Mapping[str, str] | None = field(default=None, hash=False)
    limit: int | None = None

    def __post_init__(self) -> None:
        if type(self.version) is not int or self.version < 1:
            raise SpecError(f"suite {self.name!r}: version must be a positive integer, got {self.version!r}")
        if not self.name.replace("_", "").replace("-", "").isalnum():
            raise SpecError(f"suite name {self.name!r} must consist of letters, digits, '-' and '_'")
        if not isinstance(self.models, tuple):
            raise SpecError(f"suite {self.name!r}: models must be a tuple of specs, got {self.models!r}")
        if self.limit is not None and self.limit < 1:
            raise SpecError(f"suite {self.name!r}: limit must be at least 1, got {self.limit}")

    @property
    def slots(self) -> dict[str, str]:
        """Data specs by slot, as far as the suite has its own; ``""`` is the run's."""
        if isinstance(self.data, str):
            return {"": self.data}
        return dict(self.data or {})

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"
