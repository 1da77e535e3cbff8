"""Tickets, the files that hold them, and how much they have in common. NumPy only."""

from keras_lottery.tickets.overlap import Overlap, overlap, total
from keras_lottery.tickets.state import load_metadata, load_state, save_state
from keras_lottery.tickets.ticket import Ticket, preset_names

__all__ = [
    "Overlap",
    "Ticket",
    "load_metadata",
    "load_state",
    "overlap",
    "preset_names",
    "save_state",
    "total",
]
