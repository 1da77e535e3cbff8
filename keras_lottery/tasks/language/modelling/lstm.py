"""An LSTM that goes on where the last batch left its streams, and what it carries between them."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


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


@keras.saving.register_keras_serializable("keras_lottery", "CarryingLSTM")
class LSTM(keras.layers.LSTM):
    """A Keras LSTM over windows of streams, whose state is carried from window to window.

    Keras' own `stateful=True` holds one state for a batch of fixed size: measuring would overwrite
    that of training, and each replica would need its own. Here each row says which stream it goes
    on with, and whether it begins it. Called on a sequence alone it starts from zeros, and holds
    nothing.

    The name of the class is that of its base, so that weights have the same paths as in the plain
    model that is exported. The loop is that of the base: the fused one on a GPU.

    Args:
        units: size of the state.
        streams: how many sequences are read side by side.
    """

    def __init__(self, units: int, streams: int, **kwargs: Any) -> None:
        kwargs |= {"return_sequences": True, "return_state": True}
        super().__init__(units, **kwargs)
        self.streams = streams

    def build(
        self, sequences_shape: Any, stream_shape: Any = None, fresh_shape: Any = None
    ) -> None:
        super().build(sequences_shape)
        self.carried = Carried(self.streams, (self.units, self.units), name="carried")

    def call(
        self, sequences: Any, stream: Any = None, fresh: Any = None, training: bool = False
    ) -> Any:
        """Returns the outputs at every step, `(batch, steps, units)`.

        Args:
            sequences: `(batch, steps, features)`.
            stream: `(batch,)` integers from 0: the stream of each row; None: none is carried.
            fresh: `(batch,)`: not 0 where a row begins its stream.
            training: whether the states of training or of measuring are meant.
        """
        if stream is None:
            return super().call(sequences, training=training)[0]
        states = self.carried.recall(stream, fresh, training)
        outputs, *states = super().call(sequences, initial_state=states, training=training)
        self.carried.remember(stream, states, training)
        return outputs

    def compute_output_shape(
        self, sequences_shape: Any, stream_shape: Any = None, fresh_shape: Any = None
    ) -> Any:
        return (*sequences_shape[:2], self.units)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"streams": self.streams}
        for name in ("return_sequences", "return_state"):
            config.pop(name)
        return config
