"""The encoder-decoder Transformer, built from KerasHub's layers."""

from typing import Any

import keras

from keras_lottery.errors import MissingExtraError
from keras_lottery.tasks.language.translation.config import TranslationModel
from keras_lottery.tasks.language.translation.subwords import PAD


def build(config: TranslationModel, vocabulary: int) -> keras.Model:
    """Returns a model from `(source, target so far)`, int32 `(batch, length)`, to logits.

    It has post-layer normalization, sinusoidal positions, and one embedding shared by source,
    target and output; embeddings are scaled by the square root of their width.

    Args:
        config: sizes.
        vocabulary: subwords.

    Reference: Vaswani et al. 2017, "Attention is all you need" (1706.03762).
    """
    layers = _layers()
    embedding = keras.layers.ReversibleEmbedding(
        vocabulary,
        config.width,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=config.width**-0.5),
        name="embedding",
    )
    position = layers.SinePositionEncoding(name="position")
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    is_token = keras.ops.not_equal(source, PAD)
    known = keras.ops.not_equal(target, PAD)
    scale = config.width**0.5
    sizes: dict[str, Any] = {
        "intermediate_dim": config.hidden,
        "num_heads": config.heads,
        "dropout": config.dropout,
    }

    x = embedding(source) * scale
    x = keras.layers.Dropout(config.dropout, name="source_dropout")(x + position(x))
    for index in range(config.layers):
        x = layers.TransformerEncoder(**sizes, name=f"encoder_{index}")(x, padding_mask=is_token)
    encoded = x

    x = embedding(target) * scale
    x = keras.layers.Dropout(config.dropout, name="target_dropout")(x + position(x))
    for index in range(config.layers):
        x = layers.TransformerDecoder(**sizes, name=f"decoder_{index}")(
            x, encoded, decoder_padding_mask=known, encoder_padding_mask=is_token
        )
    return keras.Model([source, target], embedding(x, reverse=True), name="translator")


def _layers() -> Any:
    try:
        from keras_hub import layers
    except ImportError as error:
        raise MissingExtraError("keras_hub", "nlp") from error
    return layers
