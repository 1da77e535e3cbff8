"""Finding tickets of a model and data in memory."""

from keras_lottery.search.history import TicketHistory
from keras_lottery.search.ticket_search import TicketSearch

__all__ = ["TicketHistory", "TicketSearch"]
