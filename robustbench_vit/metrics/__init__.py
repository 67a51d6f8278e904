"""Metrics: one number per case from its per-sample rows, always with its n, interval and definition. No torch."""

from robustbench_vit.metrics.catalog import METRICS, Metric
from robustbench_vit.metrics.contributions import Contributions
from robustbench_vit.metrics.intervals import Estimate, bootstrap, estimate, wilson

__all__ = ["METRICS", "Contributions", "Estimate", "Metric", "bootstrap", "estimate", "wilson"]
