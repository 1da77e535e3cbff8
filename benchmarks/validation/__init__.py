"""Checks of the package against independent references, for `docs/results/validation/`."""
