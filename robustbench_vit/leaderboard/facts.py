"""What is known besides the measurements: about models, and about the runs that measured them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Run = Mapping[str, str]
"""A run of one model: ``suites``, ``began``, ``device``, ``seed``, ``dtype``, ``versions``, ``command``."""

_SUMMED = ("device", "seed", "dtype", "versions")


@dataclass(frozen=True)
class Facts:
    """What is known besides the measurements.

    Args:
        models: Facts of each model alone by its display spec; ``parameters`` (an integer) and ``throughput`` (images a
            second) become columns, all others (``preprocessing``, ``digest``, ``source``, …) stand in its section.
        runs: Every run of each model, oldest first.
    """

    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    runs: Mapping[str, Sequence[Run]] = field(default_factory=dict)

    @property
    def run(self) -> dict[str, str]:
        """All runs in a few words, for the foot of the page; nothing if none is known."""
        runs = [run for own in self.runs.values() for run in own]
        if not runs:
            return {}
        return {"runs": _when(runs), **{name: text for name in _SUMMED if (text := _distinct(runs, name))}}

    def last_run(self, model: str) -> Run:
        """The last run of a model; nothing if none is known."""
        runs = self.runs.get(model, ())
        return runs[-1] if runs else {}

    def seeds(self, model: str, suite: str) -> str:
        """All seeds that a suite was run with on a model, such as ``0, 1, 2``."""
        runs = self.runs.get(model, ())
        seeds = {run["seed"] for run in runs if suite in run.get("suites", "").split(", ") and "seed" in run}
        return ", ".join(sorted(seeds, key=lambda seed: (len(seed), seed)))


def _when(runs: Sequence[Run]) -> str:
    """``3 runs, from 2026-01-01T10:00:00Z to 2026-01-02T12:00:00Z``."""
    began = sorted(text for run in runs if (text := run.get("began")))
    number = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    if not began:
        return number
    return f"{number}, from {began[0]} to {began[-1]}" if began[0] != began[-1] else f"{number}, {began[0]}"


def _distinct(runs: Iterable[Run], name: str) -> str:
    """What the runs say, each answer once."""
    return "; ".join(dict.fromkeys(text for run in runs if (text := run.get(name))))
