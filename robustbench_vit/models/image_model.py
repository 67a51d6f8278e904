"""`ImageModel`: pixels in, logits out. The only place where images are resized to a network's input and normalised."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustbench_vit.catalog import digest
from robustbench_vit.errors import ModelError
from robustbench_vit.spec import Spec
from robustbench_vit.types import Logits, Pixels


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects, stored with every result.

    Args:
        mean: Channel means subtracted from pixels in [0,1].
        std: Channel standard deviations divided by.
        input_size: (height, width) the network takes, or None for any.
        interpolation: Resampling of the network's own recipe; used by ``geometry=native`` alone.
        crop_pct: Share of the resized picture its own centre crop keeps; used by ``geometry=native`` alone.
        crop_mode: ``center`` (resize the shorter side, crop) or ``squash`` (resize both sides, crop).
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    input_size: tuple[int, int] | None
    interpolation: str = "bilinear"
    crop_pct: float = 1.0
    crop_mode: str = "center"

    def __str__(self) -> str:
        return str(Spec("preprocessing", {**asdict(self)}))


class ImageModel(nn.Module):
    """A network as a differentiable function from pixels to logits.

    Images of another size than the network's input are resized (bilinear, antialiased). Layers are put in evaluation
    mode; the caller decides about gradients.

    Args:
        network: Takes normalised N×3×h×w, returns N×K logits (of a list, the last entry counts).
        preprocessing: How pixels become the network's input.
        name: Display form of the model's spec.
        num_classes: K.
        source: What beside weights and preprocessing decides the outputs (architecture, text of a user's file).
        verified: False for a stateless callable, whose results are never reused.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        *,
        name: str,
        num_classes: int,
        source: str = "",
        verified: bool = True,
    ) -> None:
        super().__init__()
        self.network = network.eval()
        self.preprocessing = preprocessing
        self.name, self.num_classes, self.source, self.verified = name, num_classes, source, verified
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Pixels) -> Logits:
        """N×3×H×W float in [0,1] → N×K logits.

        Raises:
            ModelError: If the network returns anything but N×K floats.
        """
        size = self.preprocessing.input_size
        if size is not None and pixels.shape[-2:] != size:
            pixels = functional.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
        logits = self.network((pixels - self.mean) / self.std)
        if isinstance(logits, list | tuple):
            logits = logits[-1]
        if not isinstance(logits, Tensor) or logits.shape != (len(pixels), self.num_classes):
            came = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ModelError(f"{self.name} must return {len(pixels)}×{self.num_classes} logits, got {came}")
        return logits

    @property
    def num_parameters(self) -> int:
        """Number of scalars the network learned."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def digest(self) -> str:
        """Identity of weights, architecture and preprocessing (contract C8)."""
        return digest(self._identity())

    def _identity(self) -> list[bytes]:
        parts = [self.source.encode(), str(self.preprocessing).encode()]
        for name, tensor in sorted(self.network.state_dict().items()):
            parts += [name.encode(), str((tensor.dtype, tuple(tensor.shape))).encode()]
            parts.append(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return parts
