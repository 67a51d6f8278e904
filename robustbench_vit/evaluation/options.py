"""How a run is carried out. Nothing here but seed, dtype and geometry may change a number."""

from dataclasses import dataclass
from typing import Literal

from robustbench_vit.errors import SpecError


@dataclass(frozen=True)
class Options:
    """Settings of a run.

    Args:
        limit: Number of samples in canonical order; None is all.
        batch_size: Images a forward pass, or ``auto``: 256 on a GPU and 32 on a CPU, halved when memory runs out.
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``auto``.
        dtype: ``fp32``, or ``bf16`` autocast for cases that need no gradient.
        seed: Seed of all keyed draws.
        workers: Threads that decode pictures ahead.
        shard: (i, n): only every n-th block, from block i − 1 on.
        geometry: Replaces the data sets' default geometry.
        channels_last: Memory layout of model and images.
        compile: Compile the model with torch.compile.
        cache: Folder for decoded blocks, or None.
    """

    limit: int | None = None
    batch_size: int | Literal["auto"] = "auto"
    device: str = "auto"
    dtype: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0
    workers: int = 2
    shard: tuple[int, int] = (1, 1)
    geometry: str | None = None
    channels_last: bool = False
    compile: bool = False
    cache: str | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise SpecError(f"limit must be at least 1, got {self.limit}")
        if self.batch_size != "auto" and self.batch_size < 1:
            raise SpecError(f"batch size must be auto or at least 1, got {self.batch_size}")
        if self.dtype not in ("fp32", "bf16"):
            raise SpecError(f"dtype must be fp32 or bf16, got {self.dtype}")
        if self.workers < 1:
            raise SpecError(f"workers must be at least 1, got {self.workers}")
        if not 1 <= self.shard[0] <= self.shard[1]:
            raise SpecError(f"shard must be i/n with 1 ≤ i ≤ n, got {self.shard[0]}/{self.shard[1]}")

    @property
    def is_sharded(self) -> bool:
        """Whether other processes run the other blocks."""
        return self.shard[1] > 1

    def owns(self, block: int) -> bool:
        """Whether a block belongs to this shard."""
        return block % self.shard[1] == self.shard[0] - 1


def read_batch_size(text: str) -> int | Literal["auto"]:
    """The batch size a user wrote.

    Raises:
        SpecError: If it is neither ``auto`` nor a number.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise SpecError(f"batch size must be auto or at least 1, got {text}")
    return int(text)


def read_shard(text: str) -> tuple[int, int]:
    """The shard a user wrote as ``i/n``.

    Raises:
        SpecError: If these are not two numbers.
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal()):
        raise SpecError(f"shard must be i/n such as 2/4, got {text}")
    return int(index), int(count)


def read_seeds(text: str) -> tuple[int, ...]:
    """The seeds a user wrote: ``0``, or ``0,1,2``.

    Raises:
        SpecError: If these are not whole numbers, or one of them is there twice.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.removeprefix("-").isdecimal() for word in words):
        raise SpecError(f"seed must be a whole number, or several such as 0,1,2; got {text!r}")
    seeds = tuple(map(int, words))
    if len(set(seeds)) < len(seeds):
        raise SpecError(f"every seed counts once, got {text}")
    return seeds
