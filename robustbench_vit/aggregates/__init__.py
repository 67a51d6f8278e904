"""Aggregates: one number over several cases of a model, and `score`, which turns a run into measurements. No torch."""

from robustbench_vit.aggregates.catalog import AGGREGATES, Aggregate
from robustbench_vit.aggregates.groups import Cell
from robustbench_vit.aggregates.scoring import score

__all__ = ["AGGREGATES", "Aggregate", "Cell", "score"]
