"""Random weights that are the same every time, so that an untrained network has a stable digest."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded() -> Iterator[None]:
    """Draw initial weights from seed 0 and leave the caller's generator where it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
