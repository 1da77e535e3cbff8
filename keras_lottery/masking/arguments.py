"""Checks of the models passed to public functions."""

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths

__all__ = ["built_model", "maskable_model", "prunable_layer"]


def prunable_layer(layer: object) -> keras.Layer:
    """Returns a Keras layer or model.

    Raises:
        LotteryError: the argument is something else, such as a tf_keras or torch model.
    """
    if not isinstance(layer, keras.Layer):
        kind = type(layer)
        raise LotteryError(
            f"Expected a Keras model. Received: {kind.__module__}.{kind.__qualname__}. "
            "Pass a keras.Model of Keras 3, not of tf_keras."
        )
    return layer


def built_model(model: object) -> keras.Layer:
    """Returns a built Keras layer or model.

    Raises:
        LotteryError: the argument is something else, or has no weights yet.
    """
    layer = prunable_layer(model)
    paths.check_built(layer)
    return layer


def maskable_model(model: object) -> keras.Layer:
    """Returns a built Keras layer or model whose weights are floating point.

    Raises:
        LotteryError: the argument is something else, has no weights yet, or is quantized.
    """
    layer = built_model(model)
    for sublayer in internals.flatten_layers(layer):
        mode = getattr(sublayer, "quantization_mode", None)
        if mode is not None and any("int" in str(v.dtype) for v in sublayer.weights):
            raise LotteryError(
                f"Expected a model with floating-point weights. Received: {sublayer.name!r}, "
                f"quantized to {mode}. Prune first, and quantize the stripped model."
            )
    return layer
