"""Comparisons with other packages, each in a virtual environment of its own."""
