"""`ImageModel`: pixels in, logits out. The only place where images are resized to a network's input and normalised."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from robustbench_vit.catalog import digest
from robustbench_vit.errors import ModelError
from robustbench_vit.models.preprocessing import Preprocessing
from robustbench_vit.types import Logits, Pixels

__all__ = ["ImageModel", "Preprocessing"]


class ImageModel(nn.Module):
    """A network as a differentiable function from pixels to logits.

    Images of another size than the network's input are resized (bilinear, antialiased). Layers are put in evaluation
    mode; the caller decides about gradients and about autocast.

    Args:
        network: Takes normalised N×3×h×w, returns N×K logits, alone or inside a mapping with ``logits`` (as Hugging
            Face does) or a list or tuple with exactly one N×K entry.
        preprocessing: How pixels become the network's input.
        name: Display form of the model's spec.
        num_classes: K.
        source: What beside weights and preprocessing decides the outputs (architecture, text of a user's file).
        verified: Whether the digest says all that decides the outputs; results of an unverified model are never reused.
            None: it does if there is a source, or the network has a state.
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
        verified: bool | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing
        self.name, self.num_classes, self.source = name, num_classes, source
        self.verified = bool(source or network.state_dict()) if verified is None else verified
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(1, 3, 1, 1), persistent=False)
        self.eval()

    def forward(self, pixels: Pixels) -> Logits:
        """N×3×H×W float in [0,1] → N×K logits. The pixels stay as they are.

        Raises:
            ModelError: If the pixels are integers, or the network returns anything but N×K floats.
        """
        if not pixels.is_floating_point():
            raise ModelError(f"{self.name} takes floats in [0,1], got {pixels.dtype}; divide 8-bit images by 255")
        size = self.preprocessing.input_size
        if size is not None and pixels.shape[-2:] != size:
            pixels = functional.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
        output = self.network((pixels - self.mean) / self.std)
        shape = (len(pixels), self.num_classes)
        logits = read_logits(output, len(pixels), self.num_classes)
        if logits is None:
            raise ModelError(
                f"{self.name} must return {shape[0]}×{shape[1]} logits, got {_described(output)}; "
                "load it with the right num_classes=, or return the logits alone"
            )
        return logits

    @property
    def num_parameters(self) -> int:
        """Number of scalars the network learned."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def lend(self, device: torch.device) -> Callable[[], None]:
        """Put the model to work: in evaluation mode, on a device.

        Returns:
            What puts it back on the device where it was, with the layers in training mode that were.
        """
        home, training = self.mean.device, [module for module in self.modules() if module.training]
        self.eval().to(device)

        def give_back() -> None:
            self.to(home)
            for module in training:
                module.training = True

        return give_back

    def training_layers(self) -> list[str]:
        """Layers that do not behave as in evaluation: in training mode, or normalising by statistics of the batch."""
        return [
            name
            for name, layer in self.network.named_modules()
            if layer.training or (isinstance(layer, _BatchNorm) and layer.running_mean is None)
        ]

    def digest(self) -> str:
        """Identity of weights, architecture and preprocessing (contract C8).

        Every call hashes all tensors (0.3 s for 90 M parameters): nothing tells a changed tensor from an old one for
        certain.
        """
        return digest(self._identity())

    def _identity(self) -> Iterator[bytes]:
        """One tensor at a time, so that a large network is never held twice."""
        yield (self.source or _code(self.network)).encode()
        yield str(self.preprocessing).encode()
        for name, value in sorted(self.network.state_dict().items()):
            yield name.encode()
            if isinstance(value, Tensor):
                yield str((value.dtype, tuple(value.shape))).encode()
                # Seen as bytes, because numpy knows no bfloat16.
                yield value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            else:
                yield repr(value).encode()


def read_logits(output: Any, n: int, num_classes: int | None = None) -> Logits | None:
    """The N×K tensor in what a network returned, or None if there is none or more than one.

    Args:
        output: A tensor, a mapping with ``logits``, or a list or tuple.
        n: Number of images N.
        num_classes: K, or None for any.
    """
    if isinstance(output, Mapping):
        output = output.get("logits")
    found = [entry for entry in (output if isinstance(output, list | tuple) else [output]) if _is_logits(entry, n)]
    if num_classes is not None:
        found = [entry for entry in found if entry.shape[1] == num_classes]
    return found[0] if len(found) == 1 else None


def _is_logits(entry: Any, n: int) -> bool:
    return isinstance(entry, Tensor) and entry.ndim == 2 and len(entry) == n and entry.is_floating_point()


def _described(output: Any) -> str:
    match output:
        case Tensor():
            return f"{'×'.join(map(str, output.shape)) or 'one number'} of {output.dtype}"
        case Mapping():
            inside = {name: _described(value) for name, value in output.items()}
        case list() | tuple():
            inside = {str(index): _described(value) for index, value in enumerate(output)}
        case _:
            return type(output).__name__
    return f"{type(output).__name__}({', '.join(f'{name}: {text}' for name, text in inside.items())})"


def _code(network: nn.Module) -> str:
    """What is known about a network built in Python: its class, the text of its class, its modules and settings."""
    kind = type(network)
    try:
        text = inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt
        text = ""
    settings = {name: value for name, value in vars(network).items() if isinstance(value, bool | int | float | str)}
    return f"{kind.__module__}.{kind.__qualname__}\n{text}\n{network!r}\n{sorted(settings.items())}"
