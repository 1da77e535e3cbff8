"""An LSTM that goes on where the last batch left its streams."""

from typing import Any

import keras

from keras_lottery.tasks.language.modelling.carried import Carried


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
