"""`Perturbation`: a catalogue row bound to parameters, callable on images."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.catalog import PERTURBATIONS
from robustbench_vit.perturbations.needs import Needed
from robustbench_vit.perturbations.row import PerturbationRow
from robustbench_vit.perturbations.saliency_catalog import SALIENCY
from robustbench_vit.randomness import Keys
from robustbench_vit.records import CORE_COLUMNS
from robustbench_vit.spec import Spec, as_spec
from robustbench_vit.types import Context, Perturbed, Pixels


@dataclass(frozen=True)
class Perturbation:
    """A perturbation with all its parameters.

    Example:
        >>> Perturbation.bind("shuffle(4)").canonical
        'shuffle(compat=none, grid=4)'
    """

    row: PerturbationRow
    spec: Spec

    @classmethod
    def bind(cls, spec: str | Spec) -> "Perturbation":
        """Look up the row and complete the parameters.

        Raises:
            SpecError: If the name is unknown or an argument does not fit.
        """
        row = PERTURBATIONS.row(as_spec(spec))
        return cls(row, row.bind(spec))

    @property
    def needs(self) -> frozenset[Needed]:
        """What the context must hold."""
        return self.row.needed(self.spec)

    @property
    def saliency(self) -> Spec | None:
        """The saliency provider it asks for."""
        return self.row.saliency(self.spec)

    @property
    def versions(self) -> tuple[int, ...]:
        """Versions of the perturbation and of what it makes use of."""
        return self.row.versions(self.spec)

    @property
    def differentiates(self) -> bool:
        """Whether it asks a model for gradients or logits, which it gets in float32."""
        return "model" in self.needs

    @cached_property
    def canonical(self) -> str:
        """Text with every parameter, part of result keys."""
        return self.row.canonical(self.spec)

    @cached_property
    def _apply(self) -> Callable[..., Pixels | Perturbed]:
        function: Callable[..., Pixels | Perturbed] = self.row.load()
        return function

    def __call__(self, images: Tensor, ids: tuple[str, ...], *, seed: int = 0, context: Context) -> Perturbed:
        """Perturb a batch.

        Args:
            images: N×3×H×W, uint8 or float in [0,1]; never modified.
            ids: N sample ids.
            seed: Seed of the run.
            context: What `needs` lists.

        Returns:
            Float images in [0,1], unless the row is unclipped.

        Raises:
            CaseError: If the images are not N×3×H×W or the perturbation cannot be applied to them.
        """
        perturbed = self._run(images, ids, seed, context)
        return replace(perturbed, images=to_float(perturbed.images))

    def uint8(self, images: Tensor, ids: tuple[str, ...], *, seed: int = 0, context: Context) -> Tensor:
        """Perturb a batch into its 8-bit form, without a detour where the perturbation works on 8 bit itself.

        Args and Raises as in a call.

        Returns:
            N×3×H×W uint8.
        """
        return to_uint8(self._run(images, ids, seed, context).images)

    def _run(self, images: Tensor, ids: tuple[str, ...], seed: int, context: Context) -> Perturbed:
        if images.ndim != 4 or images.shape[1] != 3 or len(images) != len(ids):
            raise CaseError(
                f"{self.row.name} takes N×3×H×W images and N ids, got {tuple(images.shape)}, {len(ids)} ids"
            )
        given = to_uint8(images) if self.row.takes == "8bit" else to_float(images)
        result = self._apply(given, Keys(seed, self.row.name, ids, images.device), context=context, **self.spec.args)
        perturbed = result if isinstance(result, Perturbed) else Perturbed(result)
        self._check(perturbed, given)
        return perturbed

    def _check(self, perturbed: Perturbed, given: Tensor) -> None:
        """What third parties' perturbations must keep, too; values are checked once a block, where the device waits."""
        came, expected = perturbed.images, tuple(given.shape)
        fits = came.dtype == torch.uint8 if self.row.takes == "8bit" else came.is_floating_point()
        if came.shape != given.shape or not fits:
            kind = "uint8" if self.row.takes == "8bit" else "floats"
            raise CaseError(
                f"{self.row.name} must return {kind} of shape {expected}, got {came.dtype} {tuple(came.shape)}"
            )
        for name, column in perturbed.columns.items():
            if name in CORE_COLUMNS or column.shape != (len(given),):
                raise CaseError(
                    f"{self.row.name}: column {name!r} must have one value an image and a name of its own, got "
                    f"{tuple(column.shape)}; taken are {', '.join(CORE_COLUMNS)}"
                )


def to_uint8(images: Tensor) -> Tensor:
    """The 8-bit form of images wherever they are saved or compared: round(255·x) (contract C1); uint8 stays."""
    return images if images.dtype == torch.uint8 else (images.clamp(0, 1) * 255).round().to(torch.uint8)


def to_float(images: Tensor) -> Pixels:
    """The float form in [0,1] of 8-bit images; floats stay."""
    return images.float() / 255 if images.dtype == torch.uint8 else images


def provide_saliency(provider: Spec, images: Pixels, context: Context) -> Tensor:
    """Run a saliency provider.

    Returns:
        N×H×W float, non-negative.

    Raises:
        CaseError: If the map has another shape or is not finite and non-negative.
    """
    function, arguments = SALIENCY.load(provider)
    saliency: Tensor = function(images, context, **arguments)
    expected = (len(images), *images.shape[-2:])
    if saliency.shape != expected or not bool(((saliency >= 0) & saliency.isfinite()).all()):
        raise CaseError(f"saliency provider {provider} must give finite maps ≥ 0 of shape {expected}")
    return saliency
