"""Comparisons with other packages, each in its own virtual environment."""
