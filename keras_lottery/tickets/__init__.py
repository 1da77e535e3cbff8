"""Tickets, their files, and their overlap. NumPy only."""

from keras_lottery.tickets.overlap import Overlap, overlap, total
from keras_lottery.tickets.state import (
    Stored,
    load_metadata,
    load_state,
    no_metadata,
    read_stored,
    save_state,
)
from keras_lottery.tickets.ticket import Ticket, preset_names

__all__ = [
    "Overlap",
    "Stored",
    "Ticket",
    "load_metadata",
    "load_state",
    "no_metadata",
    "overlap",
    "preset_names",
    "read_stored",
    "save_state",
    "total",
]
