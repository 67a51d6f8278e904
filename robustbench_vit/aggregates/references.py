"""What corruption errors are relative to: AlexNet's published errors, or a model that was run on the same images."""

import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from robustbench_vit.aggregates.corruptions import SEVERITIES, place
from robustbench_vit.aggregates.names import without_variant
from robustbench_vit.errors import SpecError, UnknownNameError
from robustbench_vit.records import PlannedCase
from robustbench_vit.spec import Spec, parse

ALEXNET = "AlexNet"
"""Name of the reference that nobody has to name."""

VALIDATION = 50_000
"""Images of the validation set of ImageNet-1k, on which AlexNet's errors were measured."""

_SIDE = 224  # of ImageNet-C's images
_NAMED = 4  # missing cases a reason names before it counts the rest


class Reference(Protocol):
    """A reference model, as far as corruption errors need it."""

    name: str
    """What tables call it."""

    described: str
    """What definitions call it."""

    asked_for: bool
    """Whether somebody named it, so that its absence must be told."""

    def why_not(self, cases: Sequence[PlannedCase]) -> str:
        """Why it has no errors to compare these cases with, or nothing."""

    def errors(self, case: PlannedCase) -> "float | pd.Series[float]":
        """Its errors on a case: 0 or 1 by sample id, or a published rate in [0, 1]."""

    def remark(self, case: PlannedCase, n: int) -> str:
        """What to bear in mind about a comparison with it over n images of a case's data, or nothing."""


class AlexNet:
    """AlexNet's published errors; the file ``alexnet.toml`` says where they come from."""

    asked_for = False

    def __init__(self) -> None:
        table = _published()
        self.name = ALEXNET
        self.described: str = table["described"]
        self._clean: float = table["clean"]
        self._errors: dict[str, list[float]] = table["errors"]

    def why_not(self, cases: Sequence[PlannedCase]) -> str:
        """Why there is no CE: it is defined for ImageNet-1k labels at 224×224, with ImageNet-C's constants."""
        found = place(cases[-1])
        if found is None or found.corruption not in self._errors:
            return f"AlexNet's errors on {cases[-1].case} are not published"
        unlike = _unlike_imagenet_c(cases[-1])
        return unlike and (
            "mCE with AlexNet's errors is defined for ImageNet-1k labels, images of 224×224 and the constants of "
            f"ImageNet-C, not for {unlike}; give --reference MODEL, or read mean_corruption_error"
        )

    def errors(self, case: PlannedCase) -> float:
        """The published rate."""
        found = place(case)
        return self._errors[found.corruption][SEVERITIES.index(found.severity)] if found else self._clean

    def remark(self, case: PlannedCase, n: int) -> str:
        """Whether the images are others than those AlexNet was measured on, as far as their name and number tell."""
        return unlike_validation(case.data, n)


class ReferenceModel:
    """A model of the same run: its errors are paired with those of the others, image by image.

    Args:
        name: What to call it.
        cases: Its plan.
        correct: Gives 1 for each right answer and 0 for each wrong one of a case, by sample id.
    """

    asked_for = True

    def __init__(
        self, name: str, cases: Sequence[PlannedCase], correct: "Callable[[PlannedCase], pd.Series[float]]"
    ) -> None:
        self.name = name
        self.described = f"{name} on the same images"
        plan = {(case.suite, case.case_key): case for case in cases}

        @cache
        def errors(suite: str, case_key: str) -> "pd.Series[float]":
            own = plan.get((suite, case_key))
            return 1 - correct(own) if own else pd.Series(dtype=float)

        self._errors = errors

    def why_not(self, cases: Sequence[PlannedCase]) -> str:
        """Which of the cases it has no rows of; a key holds data, geometry, versions, labels, seed and dtype."""
        missing = [case.case for case in cases if not len(self.errors(case))]
        if not missing:
            return ""
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        return (
            f"the reference {self.name} has no rows of {', '.join(missing[:_NAMED])}{more} in the same suite under the "
            "same data, geometry, labels, seed and dtype"
        )

    def errors(self, case: PlannedCase) -> "pd.Series[float]":
        """1 for each wrong answer and 0 for each right one, by sample id; empty if it was not run on the case."""
        return self._errors(case.suite, case.case_key)

    def remark(self, case: PlannedCase, n: int) -> str:  # noqa: ARG002 - the images are the same
        """Nothing."""
        return ""


def reference_model(
    cases: Sequence[PlannedCase], name: str, correct: "Callable[[PlannedCase], pd.Series[float]]"
) -> ReferenceModel:
    """The model of a run that is called so.

    Args:
        cases: The plan of the run.
        name: Display spec of a model, or its key where several have one name.
        correct: See `ReferenceModel`.

    Raises:
        UnknownNameError: If no model is called so; offers the closest names.
        SpecError: If several are.
    """
    names = {case.model_key: without_variant(case.model) for case in cases}
    keys = [key for key, shown in names.items() if name in {key, shown}]
    if not keys:
        raise UnknownNameError("reference model", name, set(names.values()))
    if len(keys) > 1:
        raise SpecError(f"the reference {name} is the name of {len(keys)} models; give one of {', '.join(keys)}")
    return ReferenceModel(names[keys[0]], [case for case in cases if case.model_key == keys[0]], correct)


def defined(definition: str, case: PlannedCase, n: int, reference: Reference | None) -> str:
    """A definition with the reference by its name and what to bear in mind about it.

    Args:
        definition: Formula in words.
        case: Whose data it is about.
        n: Number of images; 0 where there is no number.
        reference: None where nothing is compared: then the definition as it is.
    """
    if reference is None:
        return definition
    remark = reference.remark(case, n) if n else ""
    named = definition.replace("the reference", reference.described)
    return f"{named}; {remark}" if remark else named


def unlike_validation(data: str, n: int) -> str:
    """What to say of a comparison with AlexNet over n images, unless name and number fit ImageNet's validation set.

    Example:
        >>> unlike_validation("imagenet(samples)", 200)
        "on 200 images of imagenet(samples), not the 50,000 of ImageNet's validation set"
        >>> unlike_validation("imagenet_c(published)", 50_000)
        ''
    """
    if n == VALIDATION and _parsed(data).name in {"imagenet", "imagenet_c"}:
        return ""
    return f"on {n:,} images of {data}, not the {VALIDATION:,} of ImageNet's validation set"


def _unlike_imagenet_c(case: PlannedCase) -> str:
    """In what a case differs from those AlexNet was measured on, or nothing."""
    if case.label_space != "imagenet-1k":
        return f"the labels of {case.label_space}"
    if _size(case) != (_SIDE, _SIDE):
        return f"images of {case.data} under {case.geometry if '(' in case.geometry else f'geometry {case.geometry}'}"
    variant = _parsed(case.perturbation).args.get("variant", "imagenet_c")
    return "the constants of CIFAR-C" if variant == "cifar_c" else ""


def _size(case: PlannedCase) -> tuple[Any, ...] | None:
    """Height and width of a case's images, or None if nothing tells."""
    if case.geometry == "none":  # as stored: the published files are of one size
        return (_SIDE, _SIDE) if _parsed(case.data).name == "imagenet_c" else None
    geometry = _parsed(case.geometry).args
    size = geometry.get("crop", geometry.get("resize"))
    if isinstance(size, int):
        return (size, size) if "crop" in geometry else None
    return size if isinstance(size, tuple) else None


def _parsed(text: str) -> Spec:
    """A spec, or one that says nothing where a text is none."""
    try:
        return parse(text)
    except SpecError:
        return Spec("unknown")


@cache
def _published() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "alexnet.toml").read_text(encoding="utf-8"))
