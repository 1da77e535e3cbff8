"""The model zoo of compaction: small networks of many kinds, with random weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_lottery.masking.keras_internals import flatten_layers

__all__ = ["ZOO", "Entry", "build", "randomize"]

APPLICATIONS = (
    "ResNet50",
    "MobileNetV2",
    "MobileNetV3Small",
    "EfficientNetB0",
    "DenseNet121",
    "ConvNeXtTiny",
    "Xception",
)
_TRANSFORMER = {
    "vocabulary_size": 20,
    "num_layers": 2,
    "num_heads": 4,
    "hidden_dim": 16,
    "intermediate_dim": 64,
    "max_sequence_length": 8,
}


def application(name: str) -> keras.Model:
    """Returns a network of keras.applications."""
    side = 71 if name == "Xception" else 32  # the smallest that they take
    return getattr(keras.applications, name)(weights=None, input_shape=(side, side, 3), classes=10)


def bert() -> keras.Model:
    """Returns KerasHub's BERT with two blocks."""
    import keras_hub

    return keras_hub.models.BertBackbone(**_TRANSFORMER)


def gpt2() -> keras.Model:
    """Returns KerasHub's GPT-2 with two blocks."""
    import keras_hub

    return keras_hub.models.GPT2Backbone(**_TRANSFORMER)


def gemma() -> keras.Model:
    """Returns KerasHub's Gemma with two blocks, whose four query heads share two key heads."""
    import keras_hub

    return keras_hub.models.GemmaBackbone(
        vocabulary_size=20,
        num_layers=2,
        num_query_heads=4,
        num_key_value_heads=2,
        hidden_dim=16,
        intermediate_dim=128,  # half for the gates
        head_dim=4,
    )


def vit() -> keras.Model:
    """Returns KerasHub's vision transformer with two blocks."""
    import keras_hub

    return keras_hub.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=2,
        num_heads=4,
        hidden_dim=16,
        mlp_dim=64,
    )


def retinanet() -> keras.Model:
    """Returns KerasHub's RetinaNet on a small ResNet (Lin et al. 2017, arXiv 1708.02002)."""
    import keras_hub

    resnet = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64, 64],  # the fewest that it takes
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(64, 64, 3),
    )
    backbone = keras_hub.models.RetinaNetBackbone(
        image_encoder=resnet,
        min_level=3,
        max_level=5,
        use_p5=False,
        image_shape=(64, 64, 3),
    )
    return keras_hub.models.RetinaNetObjectDetector(
        backbone, num_classes=4, pre_logits_num_conv_layers=1
    )


def unet(width: int = 8) -> keras.Model:
    """Returns a U-Net of three levels (Ronneberger et al. 2015, arXiv 1505.04597)."""
    inputs = keras.Input((32, 32, 3))
    x, skips = inputs, []
    for level in range(3):
        x = _twice(x, width * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = _twice(x, 8 * width)
    for level in reversed(range(3)):
        x = layers.Conv2DTranspose(width * 2**level, 2, strides=2)(x)
        x = _twice(layers.Concatenate()([skips[level], x]), width * 2**level)
    return keras.Model(inputs, layers.Conv2D(4, 1, activation="softmax")(x))


def _twice(x: Any, filters: int) -> Any:
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return x


def lstm_tagger(width: int = 16) -> keras.Model:
    """Returns a tagger of two bidirectional LSTMs over masked words."""
    words = keras.Input((8,), dtype="int32")
    x = layers.Embedding(30, width, mask_zero=True)(words)
    for _ in range(2):
        x = layers.Bidirectional(layers.LSTM(width, return_sequences=True))(x)
        x = layers.Dropout(0.1)(x)
    return keras.Model(words, layers.TimeDistributed(layers.Dense(5, activation="softmax"))(x))


def gru_seq2seq(width: int = 16) -> keras.Model:
    """Returns a translator whose decoder starts from the encoder's state."""
    source, target = keras.Input((8,), dtype="int32"), keras.Input((6,), dtype="int32")
    x = layers.Embedding(30, width)(source)
    _, state = layers.GRU(width, return_state=True)(x)
    y = layers.Embedding(25, width)(target)
    y = layers.GRU(width, return_sequences=True)(y, initial_state=state)
    return keras.Model([source, target], layers.Dense(25)(y))


@keras.saving.register_keras_serializable("zoo")
class ResidualNet(keras.Model):
    """A subclassed network with a residual block in its code."""

    def __init__(self, width: int = 16, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.stem = layers.Conv2D(width, 3, padding="same", activation="relu")
        self.convolutions = [layers.Conv2D(width, 3, padding="same") for _ in range(2)]
        self.norms = [layers.BatchNormalization() for _ in range(2)]
        self.classifier = layers.Dense(5)

    def call(self, x: Any, training: bool = False) -> Any:
        x = y = self.stem(x)
        for convolution, norm in zip(self.convolutions, self.norms):
            y = ops.relu(norm(convolution(y), training=training))
        return self.classifier(ops.mean(x + y, axis=(1, 2)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width}


def subclassed(width: int = 16) -> keras.Model:
    """Returns a subclassed network."""
    model = ResidualNet(width)
    model(np.zeros((1, 16, 16, 3), "float32"))
    return model


def shared(width: int = 16) -> keras.Model:
    """Returns a Siamese network: one encoder for both images."""
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(width, 3, strides=2, activation="relu")(image)
    x = layers.Conv2D(width, 3, strides=2, activation="relu")(x)
    encoder = keras.Model(image, layers.Dense(2 * width)(layers.GlobalAveragePooling2D()(x)))
    first, second = keras.Input((16, 16, 3)), keras.Input((16, 16, 3))
    distance = ops.abs(encoder(first) - encoder(second))
    return keras.Model([first, second], layers.Dense(1, activation="sigmoid")(distance))


def multi_input(width: int = 16) -> keras.Model:
    """Returns a network that reads an image, words and numbers, with two outputs."""
    image = keras.Input((16, 16, 3), name="image")
    words = keras.Input((8,), dtype="int32", name="words")
    numbers = keras.Input((5,), name="numbers")
    x = layers.SeparableConv2D(width, 3, activation="relu")(image)
    x = layers.Flatten()(layers.MaxPooling2D(4)(x))
    y = layers.GlobalAveragePooling1D()(layers.Embedding(30, width)(words))
    z = layers.Dense(width, activation="relu")(layers.Normalization(mean=0.1, variance=2)(numbers))
    merged = layers.Concatenate()([x, y, z])
    merged = layers.Dense(2 * width, activation="gelu")(merged)
    outputs = {"label": layers.Dense(4)(merged), "score": layers.Dense(1)(layers.Add()([y, z]))}
    return keras.Model({"image": image, "words": words, "numbers": numbers}, outputs)


@dataclass(frozen=True)
class Entry:
    """A network of the zoo.

    Args:
        build: returns it.
        left: the largest fraction of its parameters that may remain with half of its channels.
    """

    build: Callable[[], keras.Model]
    left: float


ZOO: dict[str, Entry] = {
    **{name: Entry(partial(application, name), 0.3) for name in APPLICATIONS},
    "BERT": Entry(bert, 0.65),
    "GPT-2": Entry(gpt2, 0.65),
    "Gemma": Entry(gemma, 0.65),
    "ViT": Entry(vit, 0.8),
    "RetinaNet": Entry(retinanet, 0.4),
    "U-Net": Entry(unet, 0.3),
    "LSTM tagger": Entry(lstm_tagger, 0.3),
    "GRU seq2seq": Entry(gru_seq2seq, 0.5),
    "subclassed": Entry(subclassed, 0.3),
    "shared layers": Entry(shared, 0.3),
    "several inputs": Entry(multi_input, 0.5),
}


def build(name: str) -> keras.Model:
    """Returns a network of the zoo, with random weights and statistics."""
    keras.utils.set_random_seed(0)
    return randomize(ZOO[name].build())


def randomize(model: keras.Model, seed: int = 0) -> keras.Model:
    """Gives every weight a value that is not trivial, batch-norm statistics and biases too."""
    rng = np.random.default_rng(seed)
    for layer in flatten_layers(model):
        if isinstance(layer, layers.BatchNormalization):
            shape = layer.moving_mean.shape
            layer.moving_mean.assign(rng.normal(0, 0.2, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 1.5, shape))
            if layer.gamma is not None:
                layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
            if layer.beta is not None:
                layer.beta.assign(rng.normal(0, 0.2, shape))
        elif type(layer).__name__ == "LayerScale":  # starts at 1e-6, which hides every block
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
        elif getattr(layer, "bias", None) is not None and hasattr(layer.bias, "assign"):
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    return model
