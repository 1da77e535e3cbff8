"""Batch-norm statistics made anew from data, for networks that no training made."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_lottery.masking.keras_internals import flatten_layers

MOST_EXAMPLES = 5000
"""Training examples at most over which statistics are taken."""
BATCH_SIZE = 500


def recompute_statistics(model: keras.Model, x: Any) -> None:
    """Sets moving means and variances to the means over batches of what training mode sees.

    Nothing else changes. Layers whose statistics are frozen keep them.

    Args:
        model: built.
        x: inputs `(examples, ...)`; the first `MOST_EXAMPLES` are used, `BATCH_SIZE` at a time,
            the last ones left out where they fill no batch of their own.

    Reference:
        Izmailov et al. 2018 (1803.05407), section 3.2, for why: averaged weights never saw data.
    """
    moved = _moving(model)
    if not moved:
        return
    x = x[:MOST_EXAMPLES]
    size = min(BATCH_SIZE, len(x))
    batches = [x[at : at + size] for at in range(0, len(x) - size + 1, size)]
    seen = [_of_batch(model, moved, batch) for batch in batches]
    for index, (variable, _) in enumerate(moved):
        variable.assign(np.mean([values[index] for values in seen], axis=0))


def _moving(model: keras.Model) -> list[tuple[keras.Variable, float]]:
    """Returns the statistics that training mode moves, each with its layer's momentum."""
    norms = [
        layer
        for layer in flatten_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    return [
        (variable, float(layer.momentum))
        for layer in norms
        for variable in (layer.moving_mean, layer.moving_variance)
    ]


def _of_batch(
    model: keras.Model, moved: Sequence[tuple[keras.Variable, float]], x: Any
) -> list[np.ndarray]:
    """Returns a batch's own statistics: what is moved from 0 is (1 - momentum) of them."""
    mapping = [(variable, keras.ops.zeros_like(variable.value)) for variable, _ in moved]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        model(keras.ops.convert_to_tensor(x), training=True)
    return [
        np.array(keras.ops.convert_to_numpy(scope.get_current_value(variable))) / (1 - momentum)
        for variable, momentum in moved
    ]
