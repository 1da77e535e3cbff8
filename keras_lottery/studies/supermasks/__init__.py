"""Heuristic supermasks: masks of a trained network over untrained weights."""
