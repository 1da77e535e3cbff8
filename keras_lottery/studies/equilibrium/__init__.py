"""Neurons at equilibrium: the cost and savings of freezing neurons that have stopped changing."""
