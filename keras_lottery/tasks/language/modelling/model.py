"""Recurrent language models."""

from typing import Any

import keras
from keras import layers

from keras_lottery.tasks.language.modelling.config import LanguageModellingModel
from keras_lottery.tasks.language.modelling.lstm import LSTM


def language_model(
    config: LanguageModellingModel, vocabulary: int, streams: int = 0
) -> keras.Model:
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
    embedding = (layers.ReversibleEmbedding if config.tied else layers.Embedding)(
        vocabulary, config.embedding
    )
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
