"""Adversarial attacks: images that a model is meant to get wrong, within a distance eps of the clean ones."""
