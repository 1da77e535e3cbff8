"""Recognizing a network that is a chain of dense layers."""

from itertools import pairwise

import keras

from keras_lottery.masking import keras_internals as internals

__all__ = ["dense_chain"]

_KEEPS_UNITS = (
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.InputLayer,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.Reshape,
)
"""Layers between dense ones that neither mix units nor reorder them."""


def dense_chain(model: keras.Layer) -> dict[int, int]:
    """Returns the position of each dense layer by its `id`, if the model is a chain of them.

    Empty for every other model: with branches, several inputs or outputs, a layer that is used
    twice, or a graph that is unknown.
    """
    functional = internals.functional_of(model)
    tensors = [] if functional is None else list(functional.outputs)
    chain: list[keras.layers.Dense] = []
    while len(tensors) == 1:
        layer, node = internals.producer(tensors[0])
        if isinstance(layer, keras.layers.InputLayer):
            chain.reverse()
            return {id(layer): number for number, layer in enumerate(chain)} if _fit(chain) else {}
        if isinstance(layer, keras.layers.Dense) and layer not in chain:
            chain.append(layer)
        elif not isinstance(layer, _KEEPS_UNITS):
            return {}
        tensors = internals.inbound_tensors(layer, node)
    return {}


def _fit(chain: list[keras.layers.Dense]) -> bool:
    """Returns True if each layer reads exactly the units of the one before it."""
    shapes = [tuple(layer.kernel.shape) for layer in chain]
    return all(before[1] == after[0] for before, after in pairwise(shapes))
