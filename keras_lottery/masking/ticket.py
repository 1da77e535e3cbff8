"""Tickets that know how to get into a model."""

from collections.abc import Sequence

import keras

from keras_lottery import tickets
from keras_lottery.masking import arguments, paths, state
from keras_lottery.masking.attach import mask

__all__ = ["Ticket"]


class Ticket(tickets.Ticket):
    """A mask set and the weights it starts from; see `keras_lottery.tickets.Ticket`.

    Example:
        >>> Ticket.load("t.safetensors").apply(model, exclude=("*/output/*",))
    """

    def apply(
        self, model: keras.Model, exclude: Sequence[str] = (), strict: bool = True
    ) -> keras.Model:
        """Puts masks and start weights into a model, which is masked where it is not yet.

        What is excluded keeps the model's own weights and a full mask. On a compiled model the
        optimizer keeps its slots, zero where a weight is pruned.

        Args:
            model: built; changed in place.
            exclude: path patterns of variables to leave alone.
            strict: refuse what does not fit; otherwise leave it out.

        Returns:
            `model`.

        Raises:
            LotteryError: variables, named in the message, do not fit.
        """
        arguments.maskable_model(model)
        variables = paths.variables(model)
        shapes = {path: tuple(variable.shape) for path, variable in variables.items()}
        masks, weights = self.fit(shapes, exclude, strict)
        kind = "frozen" if self.fills else "zero"
        mask(model, include=tuple(masks), biases=True, norms=True, parametrization=kind)
        state.set_weights(model, state.get_weights(model) | weights)
        full = {path: kept | True for path, kept in state.get_masks(model).items()}
        fills = {path: fill for path, fill in self.fills.items() if path in masks}
        state.set_masks(model, full | masks, fills)
        return model
