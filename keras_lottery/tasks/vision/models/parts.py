"""Building blocks of the networks."""

from typing import Any

import keras
from keras import layers

from keras_lottery import backend
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.models.inputs import ImageInput

INITIALIZER = "glorot_normal"
"""Frankle & Carbin 2019 (figure 2): Gaussian Glorot, for every network."""


def raw_input(images: ImageInput) -> tuple[Any, Any]:
    """Returns the input of raw images, and the scaled images."""
    inputs = keras.Input(images.shape, dtype=images.dtype)
    if images.scaling is None:
        # TensorFlow has no convolution of integers by floats.
        return inputs, inputs if "float" in images.dtype else layers.Rescaling(1.0)(inputs)
    # Shaped (1, 1, channels), since a flat list is transposed under channels_first.
    scale, offset = [[list(images.scaling.scale)]], [[list(images.scaling.offset)]]
    return inputs, layers.Rescaling(scale, offset)(inputs)


def conv(x: Any, filters: int, *, kernel: int = 3, strides: int = 1, bias: bool = True) -> Any:
    """Applies a convolution with `same` padding."""
    return layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=bias,
        kernel_initializer=INITIALIZER,
        data_format="channels_last",
    )(x)


def batch_norm(x: Any, synchronized: bool) -> Any:
    """Applies batch norm with the momentum and epsilon that the papers' torch networks use."""
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, synchronized=synchronizable(synchronized)
    )(x)


def synchronizable(synchronized: bool) -> bool:
    """Returns Keras' argument; JAX and torch use statistics of the whole batch anyway."""
    return synchronized and backend.name() == "tensorflow"


def max_pool(x: Any) -> Any:
    """Halves height and width.

    Raises:
        LotteryError: the images are too small to halve.
    """
    height, width = x.shape[1:3]
    if min(height, width) < 2:
        raise LotteryError(
            f"Expected images large enough for every pooling of the network. "
            f"Received: {height} × {width} pixels before one. Set data.resize, e.g. to 32."
        )
    return layers.MaxPooling2D(data_format="channels_last")(x)


def logits(x: Any, classes: int) -> Any:
    """Applies the output layer, in float32 under any policy, without activation."""
    return layers.Dense(classes, kernel_initializer=INITIALIZER, dtype="float32")(x)
