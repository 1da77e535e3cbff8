"""Tickets found in some experiments and trained in others."""
