"""Neurons at equilibrium: what it costs and saves to freeze neurons that have stopped changing."""
