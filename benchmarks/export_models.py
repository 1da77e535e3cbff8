"""Small networks of six kinds, pruned to 80 %, for the table of exports."""

from collections.abc import Callable
from typing import Any

import keras

import keras_lottery as kl

_SPARSITY = 0.8


@keras.saving.register_keras_serializable("benchmarks")
class TwoTowers(keras.Model):
    """A subclassed model with an attention between two projections."""

    def __init__(self, units: int = 32, **settings: Any) -> None:
        super().__init__(**settings)
        self.units = units
        self.left = keras.layers.Dense(units, "relu")
        self.right = keras.layers.Dense(units, "relu")
        self.head = keras.layers.Dense(4)

    def build(self, shape: Any) -> None:
        self.left.build(shape)
        self.right.build(shape)
        self.head.build((*shape[:-1], self.units))
        self.built = True

    def call(self, inputs: Any) -> Any:
        left, right = self.left(inputs), self.right(inputs)
        weights = keras.ops.softmax(keras.ops.matmul(left, keras.ops.swapaxes(right, 1, 2)))
        return self.head(keras.ops.matmul(weights, right))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}


def mlp() -> keras.Model:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(300, "relu"),
            layers.Dense(100, "relu"),
            layers.Dense(10),
        ]
    )


def mobilenet_v2() -> keras.Model:
    return keras.applications.MobileNetV2(
        weights=None, alpha=0.35, input_shape=(32, 32, 3), classes=10
    )


def bert() -> keras.Model:
    import keras_hub

    return keras_hub.models.BertBackbone(
        vocabulary_size=200,
        num_layers=2,
        num_heads=2,
        hidden_dim=32,
        intermediate_dim=64,
        max_sequence_length=16,
    )


def lstm_tagger() -> keras.Model:
    words = keras.Input((None,), dtype="int32", name="words")
    values = keras.layers.Embedding(200, 16)(words)
    values = keras.layers.Bidirectional(keras.layers.LSTM(16, return_sequences=True))(values)
    return keras.Model(words, keras.layers.Dense(5, "softmax")(values))


def unet() -> keras.Model:
    layers = keras.layers
    image = keras.Input((32, 32, 3), name="image")
    first = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    deep = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    up = layers.Conv2DTranspose(8, 2, strides=2)(deep)
    joined = layers.Concatenate()([first, up])
    return keras.Model(image, layers.Conv2D(2, 1)(joined))


def subclassed() -> keras.Model:
    model = TwoTowers()
    model(keras.ops.zeros((1, 8, 16)))
    return model


MODELS: dict[str, Callable[[], keras.Model]] = {
    "MLP": mlp,
    "MobileNetV2": mobilenet_v2,
    "BERT": bert,
    "LSTM tagger": lstm_tagger,
    "U-Net": unet,
    "subclassed": subclassed,
}


def pruned(name: str) -> keras.Model:
    """Returns a masked network of `MODELS`, at random initial weights."""
    keras.utils.set_random_seed(0)
    model = kl.mask(MODELS[name]())
    kl.prune(model, sparsity=_SPARSITY)
    return model
