"""Networks whose output no longer depends on their input, as after a layer was cut through."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.training.data import length

_BATCH = 8


def is_constant(model: keras.Model, inputs: Any, batch: int = _BATCH) -> bool:
    """Returns True where a network gives exactly the same output for every one of its inputs.

    The first batch settles it for nearly all networks. Networks that draw, or that carry states
    from batch to batch, are not looked at.

    Args:
        model: built.
        inputs: nested arrays of equal first axis.
        batch: examples computed at once.
    """
    examples = length(inputs)
    alike = all(_equal(np.asarray(leaf)) for leaf in keras.tree.flatten(inputs))
    if alike or examples < batch or masking.draws(model) or masking.carried(model):
        return False
    first: list[Any] | None = None
    for at in range(0, examples, batch):
        begin = min(at, examples - batch)  # every batch is of one shape
        part = keras.tree.map_structure(lambda a, begin=begin: a[begin : begin + batch], inputs)
        found = _outputs(model, part)
        first = [leaf[:1] for leaf in found] if first is None else first
        if any((leaf != one).any() for leaf, one in zip(found, first, strict=True)):
            return False
    return True


def _equal(rows: Any) -> bool:
    return not (rows != rows[:1]).any()


def _outputs(model: keras.Model, inputs: Any) -> list[Any]:
    if backend.name() == "jax":  # one compiled call: op by op, each would be compiled by itself
        with warnings.catch_warnings():
            # On several devices Keras warns of metrics that are on one; prediction reads none.
            warnings.filterwarnings("ignore", "Detected a mix of local")
            outputs = model.predict_on_batch(inputs)
    else:
        outputs = model(keras.tree.map_structure(np.asarray, inputs), training=False)
    return [keras.ops.convert_to_numpy(leaf) for leaf in keras.tree.flatten(outputs)]
