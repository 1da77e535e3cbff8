"""Private attributes of Keras' attention layers."""

from typing import Any

import keras


def projection_name(name: str) -> str:
    """Returns the attribute with a projection: `query`, `key`, `value`, `gate` or `output`."""
    return f"_{name}_dense"


def projection(layer: keras.Layer, name: str) -> Any:
    """Returns a projection, an EinsumDense layer; None if the layer has none of that name."""
    return getattr(layer, projection_name(name), None)


def sets_output_shape(layer: keras.layers.MultiHeadAttention) -> bool:
    """Returns whether the layer was given an `output_shape`."""
    return bool(layer._output_shape)
