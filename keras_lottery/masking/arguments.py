"""Checks of the models that public functions take."""

from typing import Any

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths

__all__ = ["built_model", "maskable_model", "prunable_layer"]


def prunable_layer(layer: Any) -> keras.Layer:
    """Returns a Keras layer or model.

    Raises:
        LotteryError: it is something else, such as a model of tf_keras or torch.
    """
    if not isinstance(layer, keras.Layer):
        kind = type(layer)
        raise LotteryError(
            f"Expected a Keras model. Received: {kind.__module__}.{kind.__qualname__}. "
            "Pass a keras.Model (Keras 3; models of tf_keras are another library's)."
        )
    return layer


def built_model(model: Any) -> keras.Layer:
    """Returns a built Keras layer or model.

    Raises:
        LotteryError: it is something else, or has no weights yet.
    """
    layer = prunable_layer(model)
    paths.check_built(layer)
    return layer


def maskable_model(model: Any) -> keras.Layer:
    """Returns a built Keras layer or model whose weights are floating point.

    Raises:
        LotteryError: it is something else, has no weights yet, or is quantized.
    """
    layer = built_model(model)
    for one in internals.flatten_layers(layer):
        mode = getattr(one, "quantization_mode", None)
        if mode is not None and any("int" in str(v.dtype) for v in one.weights):
            raise LotteryError(
                f"Expected a model with floating-point weights. Received: {one.name!r}, quantized "
                f"to {mode}. Prune first, and quantize the stripped model."
            )
    return layer
