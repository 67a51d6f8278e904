"""robustbench_vit: a robustness benchmark suite for vision models."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["evaluate", "load_dataset", "load_model", "perturb", "results"]

if TYPE_CHECKING:
    from robustbench_vit.api import evaluate, load_dataset, load_model, perturb, results


def __getattr__(name: str) -> Any:
    """Import the public functions on first use, so that ``--help`` and scoring load no torch (C11)."""
    if name in __all__:
        from robustbench_vit import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public functions are found by completion before they are imported."""
    return sorted({*globals(), *__all__})
