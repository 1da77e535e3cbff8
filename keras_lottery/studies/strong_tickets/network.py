"""The pruned random network as a Keras model, and the weights of the target."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from keras_lottery import masking
from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets.construction import Array, Pair
from keras_lottery.toolkit import Ticket
from keras_lottery.types import MaskSet, Weights

_EXAMPLES = 1000
"""Examples in a batch: a random network for 784 inputs has tens of thousands of units."""

_BEFORE = (layers.InputLayer, layers.Rescaling, layers.Flatten)


def target_layers(target: keras.Model) -> list[Array]:
    """Returns the weights of a target's dense layers, biases the last row.

    Args:
        target: a chain of dense layers with biases, relu between them.

    Returns:
        One array per layer, in order; shapes `(inputs + 1, outputs)`.

    Raises:
        LotteryError: it is another kind of network.
    """
    dense = [layer for layer in target.layers if isinstance(layer, layers.Dense)]
    others = [layer for layer in target.layers if not isinstance(layer, (layers.Dense, *_BEFORE))]
    bent = [layer.activation is keras.activations.relu for layer in dense]
    if others or not dense or bent != [True] * (len(dense) - 1) + [False]:
        raise LotteryError(
            "Expected a network of dense layers with relu between them, such as model.name='lenet'."
            f" Received: {', '.join(layer.name for layer in target.layers)}. Choose that model."
        )
    values = [[np.asarray(value) for value in layer.get_weights()] for layer in dense]
    return [np.concatenate([kernel, bias[None]]) for kernel, bias in values]


def random_network(target: keras.Model, pairs: Sequence[Pair]) -> keras.Model:
    """Returns an unpruned network of the pairs' shapes, from the target's inputs to its outputs.

    Args:
        target: as in `target_layers`; the layers before its dense layers are shared.
        pairs: pairs of layers.
    """
    x = next(layer for layer in target.layers if isinstance(layer, layers.Dense)).input
    for index, pair in enumerate(pairs):
        last = index == len(pairs) - 1
        x = ops.concatenate([x, ops.ones_like(x[:, :1])], axis=-1)
        x = layers.Dense(pair.weights[0].shape[1], activation="relu", use_bias=False)(x)
        width = pair.weights[1].shape[1]
        x = layers.Dense(width, activation=None if last else "relu", use_bias=False)(x)
    return keras.Model(target.inputs[0], x, name="random_network")


def ticket_of(model: keras.Model, pairs: Sequence[Pair], provenance: dict[str, object]) -> Ticket:
    """Returns the random weights and their masks as a ticket of `random_network`'s model."""
    paths = [path for path, variable in masking.variables(model).items() if variable.ndim == 2]
    values = [w for pair in pairs for w in pair.weights]
    kept = [m for pair in pairs for m in pair.masks]
    start: Weights = dict(zip(paths, values, strict=True))
    masks: MaskSet = dict(zip(paths, kept, strict=True))
    return Ticket(masks, start, provenance=provenance)


def outputs(model: keras.Model, x: NDArray[Any]) -> Array:
    """Returns the model's outputs for the examples `x`; shape `(examples, outputs)`."""
    parts = (x[at : at + _EXAMPLES] for at in range(0, len(x), _EXAMPLES))
    return np.concatenate([ops.convert_to_numpy(model(part, training=False)) for part in parts])
