"""The search for tickets of a model on data in memory."""

from keras_lottery.search.history import TicketHistory
from keras_lottery.search.ticket_search import TicketSearch

__all__ = ["TicketHistory", "TicketSearch"]
