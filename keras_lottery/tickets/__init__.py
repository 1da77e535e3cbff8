"""Tickets, their files, and their overlap. NumPy only."""

from keras_lottery.tickets.overlap import Overlap, overlap, total
from keras_lottery.tickets.preset_table import preset_cells, preset_table
from keras_lottery.tickets.state import (
    Stored,
    load_metadata,
    load_state,
    no_metadata,
    read_stored,
    save_state,
)
from keras_lottery.tickets.ticket import Ticket, preset_facts, preset_names

__all__ = [
    "Overlap",
    "Stored",
    "Ticket",
    "load_metadata",
    "load_state",
    "no_metadata",
    "overlap",
    "preset_cells",
    "preset_facts",
    "preset_names",
    "preset_table",
    "read_stored",
    "save_state",
    "total",
]
