"""Tickets with a method that applies them to a model."""

from collections.abc import Iterable
from glob import escape

import keras
import numpy as np

from keras_lottery import tickets
from keras_lottery.masking import arguments, state
from keras_lottery.masking.add_masks import choose_paths
from keras_lottery.masking.inventory import Inventory, read_model
from keras_lottery.masking.masked_layer import attach
from keras_lottery.masking.options import Patterns, options_from
from keras_lottery.patterns import check_matches, matches

__all__ = ["Ticket"]


class Ticket(tickets.Ticket):
    """A mask set and the weights it starts from; see `keras_lottery.tickets.Ticket`.

    Example:
        >>> Ticket.load("t.safetensors").apply(model, exclude=("*/output/*",))
    """

    def apply(self, model: keras.Model, exclude: Patterns = (), strict: bool = True) -> keras.Model:
        """Assigns masks and start weights to a model; variables with a ticket mask are masked.

        Excluded variables keep the model's own weights, under an all-ones mask if they are masked.
        The ticket of the dense network has no masks and masks nothing. The optimizer of a compiled
        model keeps its slots, zeroed where a weight is pruned.

        Args:
            model: built; changed in place.
            exclude: path patterns of variables of the model or the ticket to skip; as in `mask`.
            strict: raise if a variable doesn't fit; otherwise skip it.

        Returns:
            `model`.

        Raises:
            LotteryError: variables, named in the message, don't fit, or a pattern matches nothing.
        """
        arguments.maskable_model(model)
        inventory = read_model(model)
        shapes = {path: tuple(v.shape) for path, v in inventory.variables.items()}
        masks, weights = self.fit(shapes, _resolved(inventory, exclude, self.start), strict)
        kind = "frozen" if self.fills else "zero"
        attach(model, choose_paths(inventory, [(path, kind) for path in masks]))
        state.set_weights(model, state.get_weights(model) | weights)
        none = {path: np.zeros_like(fill) for path, fill in state.get_fills(model).items()}
        fills = {path: fill for path, fill in self.fills.items() if path in masks}
        state.set_masks(model, masks, none | fills)
        return model


def _resolved(inventory: Inventory, patterns: Patterns, ticket: Iterable[str]) -> list[str]:
    """Returns the structural paths that patterns match, in a model or in a ticket."""
    patterns = options_from(exclude=patterns).exclude
    places = [entry.info.places for entry in inventory.entries]
    places += [(path,) for path in set(ticket) - {known[0] for known in places}]
    check_matches("exclude", patterns, places)
    return [escape(known[0]) for known in places if matches(known, patterns)]
