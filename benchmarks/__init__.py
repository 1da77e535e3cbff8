"""Measurements, and the pages of `docs/results/`."""
