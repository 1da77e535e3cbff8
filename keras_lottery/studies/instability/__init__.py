"""Instability to the data order, and linear mode connectivity."""
