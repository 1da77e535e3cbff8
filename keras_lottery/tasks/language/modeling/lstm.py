"""Recurrent language models: LSTM layers that carry their states from batch to batch."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.modeling.config import LanguageModelingModel


@keras.saving.register_keras_serializable("keras_lottery", "Carried")
class Carried(keras.layers.Layer):
    """Stores the last states of a recurrent layer, one row per stream.

    There are two copies, so that evaluation doesn't disturb training. Streams that a batch doesn't
    continue are dropped. Under a `tf.distribute` strategy each replica contributes the rows of its
    part of the batch, and their sum is the whole.

    `masking.variables` leaves these variables out; `masking.carried` returns those of training.

    Args:
        streams: number of sequences that are read in parallel.
        sizes: length of each state.
    """

    carries_state = True  # marks it for `masking.paths`

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
        """Returns the initial states of a batch, each `(batch, size)`.

        Args:
            stream: stream of each row, `(batch,)` integers.
            fresh: `(batch,)`: nonzero if a stream starts, from zeros.
            training: which of the two copies.
        """
        begins = ops.expand_dims(ops.not_equal(fresh, 0), -1)
        states = [ops.take(v.value, stream, axis=0) for v in self._copy(training)]
        return [ops.where(begins, ops.zeros((), state.dtype), state) for state in states]

    def remember(self, stream: Any, states: Sequence[Any], training: bool) -> None:
        """Stores the final states of a batch."""
        rows = ops.expand_dims(stream, -1)
        for variable, state in zip(self._copy(training), states, strict=True):
            value = ops.stop_gradient(ops.cast(state, variable.dtype))
            variable.assign(ops.scatter(rows, value, tuple(variable.shape)))

    def of_training(self) -> list[keras.Variable]:
        """Returns the variables of the training copy."""
        return list(self._training)

    def _copy(self, training: bool) -> list[keras.Variable]:
        return self._training if training else self._measuring

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"streams": self.streams, "sizes": self.sizes}


@keras.saving.register_keras_serializable("keras_lottery", "CarryingLSTM")
class LSTM(keras.layers.LSTM):
    """A Keras LSTM over windows of streams, whose state is carried from window to window.

    Keras' own `stateful=True` has one state for a batch of fixed size: evaluation would overwrite
    the state of training, and each replica would need its own. Here inputs say which stream each
    row continues, and whether it starts there. Called on only a sequence, it starts from zeros
    and stores nothing.

    The class has its base's name, so that weights have the same paths as in the exported plain
    model. It also uses the base's loop, which is fused on a GPU.

    Args:
        units: size of the state.
        streams: number of sequences that are read in parallel.
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
            stream: `(batch,)` integers from 0: the stream of each row; None: no carried state.
            fresh: `(batch,)`: nonzero if a row starts its stream.
            training: use the states of training, or of evaluation.
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


def language_model(config: LanguageModelingModel, vocabulary: int, streams: int = 0) -> keras.Model:
    """Returns a network of embedding, LSTM layers with dropout between them, and logits.

    Args:
        config: sizes.
        vocabulary: number of tokens.
        streams: 0: a plain model from token ids `(batch, steps)` to logits that reads each row
            from zero states. Otherwise inputs are the windows of this many streams (see
            `windows`), whose states are carried. Both have weights with the same paths.

    Reference:
        Yu et al. 2019 (1906.02768): two layers of 650 units, dropout of 0.5 between them.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    inputs: Any = tokens
    where: tuple[Any, ...] = ()
    if streams:
        where = tuple(keras.Input((), dtype="int32", name=name) for name in ("stream", "fresh"))
        inputs = {"tokens": tokens, "stream": where[0], "fresh": where[1]}
    embedding = _embedding(config.tied)(vocabulary, config.embedding)
    x = embedding(tokens)
    for index in range(config.layers):
        if index and config.dropout:
            x = layers.Dropout(config.dropout)(x)
        lstm = (
            LSTM(config.units, streams)
            if streams
            else layers.LSTM(config.units, return_sequences=True)
        )
        x = lstm(x, *where)
    logits = embedding(x, reverse=True) if config.tied else layers.Dense(vocabulary)(x)
    return keras.Model(inputs, layers.Activation("linear", dtype="float32")(logits))


def _embedding(tied: bool) -> type[keras.Layer]:
    if not tied:
        return layers.Embedding
    if not hasattr(layers, "ReversibleEmbedding"):
        raise LotteryError(
            "Expected Keras 3.12 or later, whose ReversibleEmbedding ties weights. "
            f"Received: Keras {keras.__version__}. Upgrade Keras, or set model.tied=False."
        )
    return layers.ReversibleEmbedding
