"""Re-estimating batch-norm statistics from data, for averaged, edited or pruned networks."""

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import keras
import numpy as np

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments
from keras_lottery.masking.keras_internals import flatten_layers
from keras_lottery.training.data import fixed_order, length
from keras_lottery.training.epochs import is_arrays

MOST_EXAMPLES = 5000
"""Default for the maximum number of examples."""
BATCH_SIZE = 500

_MARK = 2.0**12  # above usual statistics, so that rounding hardly changes its share; in float16


def reestimate_batch_norm(
    model: keras.Model, x: Any, examples: int = MOST_EXAMPLES, batch_size: int = BATCH_SIZE
) -> None:
    """Sets moving means and variances to the averages of the batch statistics over data.

    One-shot pruning changes the activations, so the dense network's statistics no longer fit.
    Nothing else changes. Layers with frozen statistics keep them.

    Args:
        model: built; masked weights are used under their masks.
        x: inputs, arrays of shape `(examples, ...)`; or batches from a PyDataset, a
            tf.data.Dataset or a DataLoader, with or without labels.
        examples: maximum number of examples: of arrays any, in a random order that is always the
            same, since arrays are often sorted by class; of batches the first.
        batch_size: batch size for arrays; an incomplete last batch is left out.

    Raises:
        LotteryError: the model is not built, or there are no examples.

    Reference:
        Izmailov et al. 2018 (1803.05407), section 3.2, for averaged weights.
        Li et al. 2020 (2007.02491), for pruned networks.
    """
    arguments.built_model(model)
    examples = checks.whole_number(examples, "examples", least=1)
    batch_size = checks.whole_number(batch_size, "batch_size", least=1)
    moving = _moving(model)
    if not moving:
        return
    if any(momentum == 1 for _, momentum in moving):
        raise LotteryError(
            "Expected a momentum below 1 for every BatchNormalization. Received: 1, which never "
            "updates the statistics. Lower it."
        )
    batches = _batches(x, examples, batch_size)
    if (first := next(batches, None)) is None:
        raise LotteryError("Expected data with examples. Received: none. Pass some inputs.")
    marked = _updated(model, moving, first, _MARK)
    updates = [_updated(model, moving, batch, 0.0) for batch in chain([first], batches)]
    for index, (variable, momentum) in enumerate(moving):
        kept = _kept_of_old((marked[index] - updates[0][index]) / _MARK, momentum)
        if kept == 1:
            continue  # the model doesn't call the layer
        statistics = [values[index] / (1 - kept) for values in updates]
        variable.assign(np.mean(statistics, axis=0))


def _batches(x: Any, examples: int, batch_size: int) -> Iterator[Any]:
    if is_arrays(x):
        size = min(examples, length(x))
        batch_size = max(min(batch_size, size), 1)
        order = fixed_order(length(x))
        for at in range(0, size - batch_size + 1, batch_size):
            rows = order[at : at + batch_size]
            yield keras.tree.map_structure(lambda array, rows=rows: _rows(array, rows), x)
        return
    if not hasattr(x, "__iter__") and not hasattr(x, "num_batches"):
        raise LotteryError(
            f"Expected arrays of inputs, or batches. Received: {type(x).__name__}. Pass the "
            "training inputs."
        )
    # A PyDataset is indexed, and its iterator does not end.
    source = (x[i] for i in range(len(x))) if hasattr(x, "num_batches") else iter(x)
    seen = 0
    for batch in source:
        inputs = batch[0] if isinstance(batch, tuple | list) else batch
        yield inputs
        seen += len(keras.tree.flatten(inputs)[0])
        if seen >= examples:
            return


def _rows(array: Any, rows: np.ndarray) -> Any:
    if isinstance(array, np.ndarray):
        return array[rows]
    return keras.ops.take(array, rows, axis=0)


def _moving(model: keras.Model) -> list[tuple[keras.Variable, float]]:
    """Returns the statistics that training mode updates, each with its layer's momentum."""
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


def _kept_of_old(difference: np.ndarray, momentum: float) -> float:
    """Returns the share of the old statistics that a batch leaves.

    It is the momentum to the power of the number of the model's calls of the layer.

    Args:
        difference: statistics after the batch from `_MARK` on minus those from 0 on, by `_MARK`.
        momentum: of the layer.
    """
    share = float(difference.mean())
    if not (share > 0 and momentum > 0):  # NaN, too
        return momentum
    return momentum ** round(math.log(share) / math.log(momentum))


def _updated(
    model: keras.Model, moving: Sequence[tuple[keras.Variable, float]], x: Any, start: float
) -> list[np.ndarray]:
    """Returns the statistics after one batch in training mode, from `start` on."""
    mapping = [(v, keras.ops.full_like(v.value, start)) for v, _ in moving]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        model(keras.tree.map_structure(keras.ops.convert_to_tensor, x), training=True)
    values = [scope.get_current_value(variable) for variable, _ in moving]
    return [np.array(keras.ops.convert_to_numpy(value)) for value in values]
