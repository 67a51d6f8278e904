"""The results folder: written while running, read by everything that scores or renders."""

from robustbench_vit.store.store import Store

__all__ = ["Store"]
