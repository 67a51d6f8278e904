"""Evaluation: plan, satisfy needs, run, predict; the one layer that knows data, perturbations and models."""
