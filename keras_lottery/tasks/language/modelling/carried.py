"""What a network carries from one batch to the next: it is no weight, and in no ticket."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["Carried"]


@keras.saving.register_keras_serializable("keras_lottery", "Carried")
class Carried(keras.layers.Layer):
    """Holds the states in which a recurrent layer left its streams, one row a stream.

    There are two copies, so that measuring a network leaves its training alone. A stream that a
    batch does not go on with is forgotten. Under a `tf.distribute` strategy each replica brings
    the rows of its own share of the batch, and their sum is the whole.

    `masking.variables` leaves these variables out; `masking.carried` returns those of training.

    Args:
        streams: how many sequences are read side by side.
        sizes: length of each of a stream's states.
    """

    carries_state = True  # how `masking.paths` knows it

    def __init__(self, streams: int, sizes: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.streams = streams
        self.sizes = tuple(sizes)
        self._training = [self._add("training", i) for i in range(len(self.sizes))]
        self._measuring = [self._add("measuring", i) for i in range(len(self.sizes))]
        self.built = True

    def _add(self, name: str, index: int) -> keras.Variable:
        return self.add_weight(
            shape=(self.streams, self.sizes[index]),
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="sum",
            name=f"{name}_{index}",
        )

    def recall(self, stream: Any, fresh: Any, training: bool) -> list[Any]:
        """Returns the states from which streams go on, each `(batch, size)`.

        Args:
            stream: which streams, `(batch,)` integers.
            fresh: `(batch,)`: not 0 where a stream begins, from zeros.
            training: which of the two copies.
        """
        begins = ops.expand_dims(ops.not_equal(fresh, 0), -1)
        states = [ops.take(v.value, stream, axis=0) for v in self._copy(training)]
        return [ops.where(begins, ops.zeros((), state.dtype), state) for state in states]

    def remember(self, stream: Any, states: Sequence[Any], training: bool) -> None:
        """Keeps the states in which streams were left."""
        rows = ops.expand_dims(stream, -1)
        for variable, state in zip(self._copy(training), states, strict=True):
            value = ops.stop_gradient(ops.cast(state, variable.dtype))
            variable.assign(ops.scatter(rows, value, tuple(variable.shape)))

    def of_training(self) -> list[keras.Variable]:
        """Returns the variables that training goes on from."""
        return list(self._training)

    def _copy(self, training: bool) -> list[keras.Variable]:
        return self._training if training else self._measuring

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"streams": self.streams, "sizes": self.sizes}
